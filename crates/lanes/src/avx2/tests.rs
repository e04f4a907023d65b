//! The operations on limbs at the limits of their weights, against integers.
#![allow(
    clippy::needless_range_loop,
    clippy::cast_possible_truncation,
    reason = "lanes are numbered in many arrays at once"
)]

use super::{Avx2, Token};
use crate::field::{bytes_from_limbs, limbs_from_bytes};
use crate::vector::{ENTRIES, Field, MAX_LANES};
use proptest::prelude::*;
use std::arch::x86_64::{__m256i, _mm256_set_epi64x};

/// Limbs of one element.
type One = [u64; 10];

/// The greatest limb of weight 1 at a position.
fn greatest(i: usize) -> u64 {
    if i.is_multiple_of(2) { (1 << 26) + (1 << 18) } else { (1 << 25) + (1 << 18) }
}

fn vector(lanes: [One; 4]) -> Avx2 {
    let lane = |l: usize, i: usize| i64::try_from(lanes[l][i]).unwrap();
    Avx2(std::array::from_fn(|i| with_avx2!(_mm256_set_epi64x(lane(3, i), lane(2, i), lane(1, i), lane(0, i)))))
}

fn lanes(vector: &Avx2) -> [One; 4] {
    // SAFETY: both are 32 bytes without padding, and any bytes are numbers.
    #[allow(unsafe_code, reason = "a look at the limbs")]
    let limbs = vector.0.map(|limb| unsafe { std::mem::transmute::<__m256i, [u64; 4]>(limb) });
    std::array::from_fn(|l| std::array::from_fn(|i| limbs[i][l]))
}

/// A number below 2^(32 · n), least digit first.
type Number = Vec<u32>;

fn number(limbs: &One) -> Number {
    let mut sum = vec![0; 12];
    for (i, limb) in limbs.iter().enumerate() {
        let bit = (51 * i).div_ceil(2);
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

fn encoding(element: &Avx2, lane: usize) -> [u8; 32] {
    let mut places = [[0; 5]; MAX_LANES];
    element.carry().canonical().scatter(&mut places);
    bytes_from_limbs(&places[lane])
}

fn assert_tight(element: &Avx2) {
    for limbs in lanes(element) {
        for (i, limb) in limbs.iter().enumerate() {
            assert!(*limb <= greatest(i), "limb {i} is {limb:#x}");
        }
    }
}

/// Elements of a weight: limbs all greatest, all zero, and anything between, often at either end.
fn element(weight: u64) -> impl Strategy<Value = One> {
    let limb = move |i: usize| {
        let most = weight * greatest(i);
        prop_oneof![Just(0), Just(most), Just(most - 1), 0..=most]
    };
    let limbs: Vec<_> = (0..10).map(limb).collect();
    prop_oneof![
        1 => Just(std::array::from_fn(|i| weight * greatest(i))),
        7 => limbs.prop_map(|limbs| limbs.try_into().unwrap())
    ]
}

fn elements(weight: u64) -> impl Strategy<Value = [One; 4]> {
    [element(weight), element(weight), element(weight), element(weight)]
}

/// Nothing here may run on a processor without AVX2.
fn has_avx2() -> bool {
    Token::detect().is_some()
}

proptest! {
    #[test]
    fn products_hold_at_their_limits(
        (x, y) in prop_oneof![
            (elements(10), elements(3)), (elements(16), elements(2)), (elements(32), elements(1)), (elements(3), elements(3)),
        ]
    ) {
        prop_assume!(has_avx2());
        let z = vector(x).mul(&vector(y));
        assert_tight(&z);
        for l in 0..4 {
            prop_assert_eq!(encoding(&z, l), reduced(&product(&number(&x[l]), &number(&y[l]))));
        }
    }

    #[test]
    fn squares_hold_at_their_limit(x in elements(3), k in 0_u32..4) {
        prop_assume!(has_avx2());
        let (once, often) = (vector(x).square(), vector(x).square_times(k + 1));
        assert_tight(&once);
        assert_tight(&often);
        for l in 0..4 {
            prop_assert_eq!(encoding(&once, l), reduced(&product(&number(&x[l]), &number(&x[l]))));
            let power = (0..=k).fold(number(&x[l]), |power, _| {
                let bytes = reduced(&product(&power, &power));
                (0..8).map(|i| u32::from_le_bytes(std::array::from_fn(|b| bytes[4 * i + b]))).collect()
            });
            prop_assert_eq!(encoding(&often, l), reduced(&power));
        }
    }

    #[test]
    fn sums_and_differences_hold_at_their_limits(a in elements(8), one in elements(1), three in elements(3)) {
        prop_assume!(has_avx2());
        let (va, v1, v3) = (vector(a), vector(one), vector(three));
        let results = [va.add(&v3), va.sub(&v1), va.sub_wide(&v3)];
        for (result, weight) in results.iter().zip([11, 10, 12]) {
            for limbs in lanes(result) {
                for (i, limb) in limbs.iter().enumerate() {
                    prop_assert!(*limb <= weight * greatest(i));
                }
            }
        }
        for l in 0..4 {
            let sum = |a: [u8; 32], b: [u8; 32]| reduced(&number(&limbs(a).zip_add(&limbs(b))));
            prop_assert_eq!(encoding(&results[0], l), sum(reduced(&number(&a[l])), reduced(&number(&three[l]))));
            // a - b + b = a.
            prop_assert_eq!(sum(encoding(&results[1], l), reduced(&number(&one[l]))), reduced(&number(&a[l])));
            prop_assert_eq!(sum(encoding(&results[2], l), reduced(&number(&three[l]))), reduced(&number(&a[l])));
        }
    }

    #[test]
    fn carries_and_canonical_elements_hold_at_their_limits(heavy in elements(32), tight in elements(1)) {
        prop_assume!(has_avx2());
        let carried = vector(heavy).carry();
        assert_tight(&carried);
        let canonical = vector(tight).canonical();
        for l in 0..4 {
            prop_assert_eq!(encoding(&carried, l), reduced(&number(&heavy[l])));
            prop_assert_eq!(encoding(&canonical, l), reduced(&number(&tight[l])));
            prop_assert_eq!(lanes(&canonical)[l], limbs(reduced(&number(&tight[l]))).0);
        }
        let unpacked = Avx2::unpack(&vector(heavy).pack());
        prop_assert_eq!(lanes(&unpacked), heavy);
    }

    #[test]
    fn choices_are_those_of_masks_and_numbers(a in elements(3), b in elements(3), flags: [bool; 4], numbers in [0..16_u64, 0..16_u64, 0..16_u64, 0..16_u64]) {
        prop_assume!(has_avx2());
        let mut bits = [0; MAX_LANES];
        for l in 0..4 {
            bits[l] = u64::from(flags[l]);
        }
        let mask = Avx2::mask(&bits);
        let chosen = lanes(&Avx2::select(&vector(a), &vector(b), mask));
        for l in 0..4 {
            prop_assert_eq!(Avx2::bits(mask) >> l & 1 == 1, flags[l]);
            prop_assert_eq!(chosen[l], if flags[l] { b[l] } else { a[l] });
        }
        let entries: [_; ENTRIES] = std::array::from_fn(|n| limbs_from_bytes(&[u8::try_from(n * 3 + 1).unwrap(); 32]));
        let table = Avx2::table(&entries);
        let mut index = [0; MAX_LANES];
        index[..4].copy_from_slice(&numbers);
        let found = Avx2::look_up(&table, Avx2::index(&index));
        let packed = entries.map(|entry| [Avx2::splat(&entry).pack()]);
        for l in 0..4 {
            let expected = [u8::try_from(numbers[l] * 3 + 1).unwrap(); 32];
            prop_assert_eq!(encoding(&found, l), reduced(&number(&limbs(expected).0)));
            let [one] = Avx2::choose(&packed, numbers[l]);
            prop_assert_eq!(encoding(&Avx2::unpack(&one), l), reduced(&number(&limbs(expected).0)));
        }
    }
}

/// Ten limbs of 255 bits.
struct Ten(One);

fn limbs(bytes: [u8; 32]) -> Ten {
    let wide = limbs_from_bytes(&bytes);
    Ten(std::array::from_fn(|i| if i % 2 == 0 { wide[i / 2] & ((1 << 26) - 1) } else { wide[i / 2] >> 26 }))
}

impl Ten {
    fn zip_add(&self, other: &Self) -> One {
        std::array::from_fn(|i| self.0[i] + other.0[i])
    }
}
