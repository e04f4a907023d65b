//! No formula exceeds the weights that products take: every function above vectors is run on weights instead of elements.

use crate::digits::Digits;
use crate::group::{IDENTITY, Stored};
use crate::vector::{ENTRIES, Field, Limbs, MAX_LANES};
use crate::{multiply, multiscalar, ristretto};
use curve25519_dalek::scalar::Scalar;

/// How heavy the limbs of an element may be at most; see the table in `vector`.
#[derive(Clone, Copy, Debug)]
struct Weight(u32);

/// The heaviest that a product takes.
const PRODUCT: u32 = 32;

impl Field for Weight {
    const LANES: usize = 4;
    type Mask = ();
    type Packed = u32;
    type Table = ();
    type Index = ();

    fn splat(_: &Limbs) -> Self {
        Self(1)
    }

    fn gather(_: [&Limbs; MAX_LANES]) -> Self {
        Self(1)
    }

    fn scatter(&self, _: &mut [Limbs; MAX_LANES]) {
        assert_eq!(self.0, 1, "only tight elements are laid down");
    }

    fn lay_down(&self, _: &mut [[Limbs; 4]], _: &[usize], _: usize) {
        assert_eq!(self.0, 1, "only tight elements are laid down");
    }

    fn add(&self, b: &Self) -> Self {
        Self(self.0 + b.0)
    }

    fn sub(&self, b: &Self) -> Self {
        assert!(b.0 <= 1, "{} is too heavy to be subtracted", b.0);
        Self(self.0 + 2)
    }

    fn sub_wide(&self, b: &Self) -> Self {
        assert!(b.0 <= 3, "{} is too heavy to be subtracted", b.0);
        Self(self.0 + 4)
    }

    fn mul(&self, y: &Self) -> Self {
        assert!(y.0 <= 3 && self.0 * y.0 <= PRODUCT, "{} times {} is too heavy", self.0, y.0);
        Self(1)
    }

    fn set_product(&mut self, x: &Self, y: &Self) {
        *self = x.mul(y);
    }

    fn square(&self) -> Self {
        assert!(self.0 <= 3, "{} is too heavy to be squared", self.0);
        Self(1)
    }

    fn square_times(&self, _: u32) -> Self {
        self.square()
    }

    fn carry(&self) -> Self {
        assert!(self.0 <= 32);
        Self(1)
    }

    fn canonical(&self) -> Self {
        assert_eq!(self.0, 1, "only tight elements are made canonical");
        Self(1)
    }

    fn select(a: &Self, b: &Self, (): ()) -> Self {
        Self(a.0.max(b.0))
    }

    fn same(&self, _: &Self) {}

    fn odd(&self) {}

    fn mask(_: &[u64; MAX_LANES]) {}

    fn bits((): ()) -> u32 {
        0
    }

    fn or((): (), (): ()) {}

    fn and((): (), (): ()) {}

    fn not((): ()) {}

    fn pack(&self) -> u32 {
        assert!(self.0 <= 32);
        self.0
    }

    fn unpack(packed: &u32) -> Self {
        Self(*packed)
    }

    fn choose<const N: usize>(table: &[[u32; N]], _: u64) -> [u32; N] {
        std::array::from_fn(|n| table.iter().map(|entry| entry[n]).max().unwrap())
    }

    fn table(_: &[Limbs; ENTRIES]) {}

    fn index(_: &[u64; MAX_LANES]) {}

    fn look_up((): &(), (): ()) -> Self {
        Self(1)
    }
}

#[test]
fn no_formula_is_too_heavy() {
    let mut points: [Stored; 9] = [IDENTITY; 9];
    let mut encodings = [[0; 32]; 9];
    let mut flags = [false; 9];
    ristretto::decode_all::<Weight>(&encodings, &mut points, &mut flags);
    ristretto::hash_to_group_all::<Weight>(&[[0; 64]; 9], &mut points);
    ristretto::encode_all::<Weight>(&points, &mut encodings);
    ristretto::encode_doubled_all::<Weight>(&points, &mut encodings);
    ristretto::equal_all::<Weight>(&points, &points, &mut flags);
    ristretto::add_all::<Weight>(&[IDENTITY; 9], &[IDENTITY; 9], true, &mut points);
    multiply::mul_all::<Weight>(&Digits::new(&Scalar::ONE), &[IDENTITY; 9], &mut points);
    let windows = multiply::windows::<Weight>(&IDENTITY);
    multiply::fixed_base_all::<Weight>(
        &windows,
        &std::array::from_fn::<_, 9, _>(|_| Digits::new(&Scalar::ONE)),
        &mut points,
    );
    multiscalar::multiscalar_vartime::<Weight>(&[u128::MAX; 9], &points);
}

#[test]
#[should_panic(expected = "11 times 3 is too heavy")]
fn what_is_too_heavy_is_noticed() {
    Weight(11).mul(&Weight(3));
}
