//! The operations on limbs at the limits of their weights, against integers.
#![allow(
    clippy::needless_range_loop,
    clippy::cast_possible_truncation,
    reason = "lanes are numbered in many arrays at once"
)]

use super::{Avx2, Ifma, Kind, Vectors};
use crate::field::{bytes_from_limbs, limbs_from_bytes};
use crate::vector::{ENTRIES, Field, MAX_LANES};
use proptest::prelude::*;

/// Limbs of one element, as many as a kind of vectors has.
type One = Vec<u64>;

/// A kind of vectors whose limbs may be set and seen.
trait Limbed: Field {
    /// How it is found.
    const KIND: Kind;
    /// How many limbs.
    const LIMBS: usize;
    /// The weight up to which elements of a formula's weight may grow.
    fn weight(weight: u64) -> u64;
    /// The greatest limb of weight 1 at a position.
    fn greatest(i: usize) -> u64;
    /// The bit for which a limb stands.
    fn bit(i: usize) -> usize;
    /// The vectors of each limb, all lanes in a row.
    fn raw(limbs: &[u64]) -> Self;
    fn seen(&self) -> Vec<u64>;
}

macro_rules! limbed {
    ($name:ident: $limbs:literal limbs, weight $weight:expr, greatest $greatest:expr, bit $bit:expr) => {
        impl Limbed for $name {
            const KIND: Kind = Kind::$name;
            const LIMBS: usize = $limbs;

            fn weight(weight: u64) -> u64 {
                $weight(weight)
            }

            fn greatest(i: usize) -> u64 {
                $greatest(i)
            }

            fn bit(i: usize) -> usize {
                $bit(i)
            }

            fn raw(limbs: &[u64]) -> Self {
                let limbs: [u64; $limbs * Self::LANES] = limbs.try_into().unwrap();
                // SAFETY: both are as many bytes without padding, and any bytes are numbers.
                #[allow(unsafe_code, reason = "limbs as they are")]
                unsafe {
                    std::mem::transmute(limbs)
                }
            }

            fn seen(&self) -> Vec<u64> {
                // SAFETY: as above.
                #[allow(unsafe_code, reason = "a look at the limbs")]
                let limbs: [u64; $limbs * Self::LANES] = unsafe { std::mem::transmute(*self) };
                limbs.to_vec()
            }
        }
    };
}

limbed!(Avx2: 10 limbs, weight |w| w, greatest |i: usize| (1 << (26 - i % 2)) + (1 << 18), bit |i: usize| (51 * i).div_ceil(2));
limbed!(Ifma: 5 limbs, weight |_| 1, greatest |_| (1 << 51) + (1 << 44), bit |i| 51 * i);

fn vector<V: Limbed>(lanes: &[One]) -> V {
    let limbs: Vec<u64> = (0..V::LIMBS).flat_map(|i| (0..V::LANES).map(move |l| lanes[l][i])).collect();
    V::raw(&limbs)
}

fn lanes<V: Limbed>(vector: &V) -> Vec<One> {
    let limbs = vector.seen();
    (0..V::LANES).map(|l| (0..V::LIMBS).map(|i| limbs[i * V::LANES + l]).collect()).collect()
}

/// A number below 2^(32 · n), least digit first.
type Number = Vec<u32>;

fn number<V: Limbed>(limbs: &One) -> Number {
    let mut sum = vec![0; 12];
    for (i, limb) in limbs.iter().enumerate() {
        let bit = V::bit(i);
        let part = u128::from(*limb) << (bit % 32);
        add(&mut sum, part, bit / 32);
    }
    sum
}

fn add(number: &mut Number, mut part: u128, mut at: usize) {
    while part > 0 {
        let sum = u128::from(number[at]) + (part & 0xffff_ffff);
        number[at] = (sum & 0xffff_ffff) as u32;
        part = (part >> 32) + (sum >> 32);
        at += 1;
    }
}

fn product(a: &Number, b: &Number) -> Number {
    let mut sum = vec![0; a.len() + b.len() + 1];
    for (i, x) in a.iter().enumerate() {
        for (k, y) in b.iter().enumerate() {
            add(&mut sum, u128::from(*x) * u128::from(*y), i + k);
        }
    }
    sum
}

/// The integer below p, as an encoding.
fn reduced(number: &Number) -> [u8; 32] {
    let mut number = number.clone();
    number.resize(number.len().max(10), 0);
    for _ in 0..number.len() {
        // What is above bit 255, times 19, to the rest.
        let high: Number = (7..number.len() - 1).map(|i| number[i] >> 31 | number[i + 1] << 1).collect();
        number[7] &= 0x7fff_ffff;
        number[8..].fill(0);
        for (i, digit) in high.into_iter().enumerate() {
            add(&mut number, u128::from(digit) * 19, i);
        }
    }
    let p_or_more = number[7] == 0x7fff_ffff && number[1..7].iter().all(|d| *d == u32::MAX) && number[0] >= 0xffff_ffed;
    if p_or_more {
        number[0] -= 0xffff_ffed;
        number[1..].fill(0);
    }
    std::array::from_fn(|i| number[i / 4].to_le_bytes()[i % 4])
}

fn encoding<V: Limbed>(element: &V, lane: usize) -> [u8; 32] {
    let mut places = [[0; 5]; MAX_LANES];
    element.carry().canonical().scatter(&mut places);
    bytes_from_limbs(&places[lane])
}

/// The encoding of limbs.
fn encoded<V: Limbed>(limbs: &One) -> [u8; 32] {
    reduced(&number::<V>(limbs))
}

/// The limbs of an encoding.
fn limbs<V: Limbed>(bytes: [u8; 32]) -> One {
    let element = V::splat(&limbs_from_bytes(&bytes));
    lanes(&element).swap_remove(0)
}

fn assert_weight<V: Limbed>(element: &V, weight: u64) {
    for limbs in lanes(element) {
        for (i, limb) in limbs.iter().enumerate() {
            assert!(*limb <= V::weight(weight) * V::greatest(i), "limb {i} is {limb:#x}");
        }
    }
}

/// Elements of a weight: limbs all greatest, all zero, and anything between, often at either end.
fn element<V: Limbed>(weight: u64) -> impl Strategy<Value = One> {
    let most = move |i: usize| V::weight(weight) * V::greatest(i);
    let limb = move |i: usize| prop_oneof![Just(0), Just(most(i)), Just(most(i) - 1), 0..=most(i)];
    let limbs: Vec<_> = (0..V::LIMBS).map(limb).collect();
    prop_oneof![1 => Just((0..V::LIMBS).map(most).collect()), 7 => limbs]
}

/// One for each lane.
fn elements<V: Limbed>(weight: u64) -> impl Strategy<Value = Vec<One>> {
    (0..V::LANES).map(|_| element::<V>(weight)).collect::<Vec<_>>()
}

fn products_hold_at_their_limits<V: Limbed>(x: &[One], y: &[One]) {
    let z: V = vector::<V>(x).mul(&vector(y));
    assert_weight(&z, 1);
    for l in 0..V::LANES {
        assert_eq!(encoding(&z, l), reduced(&product(&number::<V>(&x[l]), &number::<V>(&y[l]))));
    }
}

fn squares_hold_at_their_limit<V: Limbed>(x: &[One], k: u32) {
    let (once, often) = (vector::<V>(x).square(), vector::<V>(x).square_times(k + 1));
    assert_weight(&once, 1);
    assert_weight(&often, 1);
    for l in 0..V::LANES {
        let x = number::<V>(&x[l]);
        assert_eq!(encoding(&once, l), reduced(&product(&x, &x)));
        let power = (0..=k).fold(x, |power, _| {
            let bytes = reduced(&product(&power, &power));
            (0..8).map(|i| u32::from_le_bytes(std::array::from_fn(|b| bytes[4 * i + b]))).collect()
        });
        assert_eq!(encoding(&often, l), reduced(&power));
    }
}

fn sums_and_differences_hold_at_their_limits<V: Limbed>(a: &[One], one: &[One], three: &[One]) {
    let (va, v1, v3) = (vector::<V>(a), vector::<V>(one), vector::<V>(three));
    let results = [va.add(&v3), va.sub(&v1), va.sub_wide(&v3)];
    for (result, weight) in results.iter().zip([11, 10, 12]) {
        assert_weight(result, weight);
    }
    for l in 0..V::LANES {
        let sum = |a: [u8; 32], b: [u8; 32]| {
            let pairs = limbs::<V>(a).into_iter().zip(limbs::<V>(b));
            encoded::<V>(&pairs.map(|(a, b)| a + b).collect())
        };
        let [a, one, three] = [a, one, three].map(|lanes| encoded::<V>(&lanes[l]));
        assert_eq!(encoding(&results[0], l), sum(a, three));
        // a - b + b = a.
        assert_eq!(sum(encoding(&results[1], l), one), a);
        assert_eq!(sum(encoding(&results[2], l), three), a);
    }
}

fn carries_and_canonical_elements_hold_at_their_limits<V: Limbed>(heavy: &[One], tight: &[One]) {
    let carried = vector::<V>(heavy).carry();
    assert_weight(&carried, 1);
    let canonical = vector::<V>(tight).canonical();
    for l in 0..V::LANES {
        assert_eq!(encoding(&carried, l), encoded::<V>(&heavy[l]));
        assert_eq!(encoding(&canonical, l), encoded::<V>(&tight[l]));
        assert_eq!(lanes(&canonical)[l], limbs::<V>(encoded::<V>(&tight[l])));
    }
    assert_eq!(lanes(&V::unpack(&vector::<V>(heavy).pack())), heavy);
}

fn choices_are_those_of_masks_and_numbers<V: Limbed>(a: &[One], b: &[One], bits: [u64; 8], numbers: [u64; 8]) {
    let mask = V::mask(&bits);
    let chosen = lanes(&V::select(&vector(a), &vector(b), mask));
    for l in 0..V::LANES {
        assert_eq!(u64::from(V::bits(mask) >> l & 1), bits[l]);
        assert_eq!(&chosen[l], if bits[l] == 1 { &b[l] } else { &a[l] });
    }
    let entry = |n: u64| [u8::try_from(n * 3 + 1).unwrap(); 32];
    let entries: [_; ENTRIES] = std::array::from_fn(|n| limbs_from_bytes(&entry(n as u64)));
    let found = V::look_up(&V::table(&entries), V::index(&numbers));
    let packed = entries.map(|entry| [V::splat(&entry).pack()]);
    for l in 0..V::LANES {
        let expected = encoded::<V>(&limbs::<V>(entry(numbers[l])));
        assert_eq!(encoding(&found, l), expected);
        let [one] = V::choose(&packed, numbers[l]);
        assert_eq!(encoding(&V::unpack(&one), l), expected);
    }
}

/// The tests for one kind of vectors, where the processor has it.
macro_rules! at_the_limits {
    ($module:ident $vector:ident) => {
        mod $module {
            use super::*;

            fn elements(weight: u64) -> impl Strategy<Value = Vec<One>> {
                super::elements::<$vector>(weight)
            }

            fn is_here() -> bool {
                Vectors::all().any(|vectors| vectors.0 == $vector::KIND)
            }

            proptest! {
                #[test]
                fn products(
                    (x, y) in prop_oneof![
                        (elements(10), elements(3)), (elements(16), elements(2)),
                        (elements(32), elements(1)), (elements(3), elements(3)),
                    ]
                ) {
                    prop_assume!(is_here());
                    products_hold_at_their_limits::<$vector>(&x, &y);
                }

                #[test]
                fn squares(x in elements(3), k in 0_u32..4) {
                    prop_assume!(is_here());
                    squares_hold_at_their_limit::<$vector>(&x, k);
                }

                #[test]
                fn sums_and_differences(a in elements(8), one in elements(1), three in elements(3)) {
                    prop_assume!(is_here());
                    sums_and_differences_hold_at_their_limits::<$vector>(&a, &one, &three);
                }

                #[test]
                fn carries_and_canonical_elements(heavy in elements(32), tight in elements(1)) {
                    prop_assume!(is_here());
                    carries_and_canonical_elements_hold_at_their_limits::<$vector>(&heavy, &tight);
                }

                #[test]
                fn choices(
                    a in elements(3), b in elements(3),
                    bits in proptest::array::uniform8(0..2_u64), numbers in proptest::array::uniform8(0..16_u64)
                ) {
                    prop_assume!(is_here());
                    choices_are_those_of_masks_and_numbers::<$vector>(&a, &b, bits, numbers);
                }
            }
        }
    };
}

at_the_limits!(avx2 Avx2);
at_the_limits!(ifma Ifma);
