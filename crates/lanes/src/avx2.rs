//! Four lanes in AVX2, and the only `unsafe` of this crate.
//!
//! An element has ten limbs of 26 and 25 bits in turn, each in the lower half of a 64-bit lane, so that `vpmuludq` multiplies
//! four pairs of limbs at once. The type [`Avx2`] is private: its operations, which are safe to call only on a processor with
//! AVX2, are reached through [`Token`] alone, which exists only where that was found.

mod limbs;
mod product;
mod token;

pub(crate) use token::{Token, Windows};

use crate::vector::{ENTRIES, Field, Limbs, MAX_LANES};
use std::arch::x86_64::__m256i;

/// Four elements: limb i of all of them in vector i.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Avx2([__m256i; 10]);

/// What a function of this module may do because [`Token`] exists: call a function that needs AVX2.
macro_rules! with_avx2 {
    ($call:expr) => {{
        // SAFETY: `Avx2` is private to this module, and its methods run only below the methods of `Token`, which is
        // made only where the processor has AVX2. The functions called need nothing else.
        #[allow(unsafe_code, reason = "vector instructions that were found to be there")]
        unsafe {
            $call
        }
    }};
}

/// The longer operations, of which one copy is to stay in the instruction cache.
///
/// The compiler heeds `inline(never)` only in functions that need no AVX2 themselves; what they call cannot be inlined into
/// them, and they become one jump.
mod apart {
    use super::{Avx2, limbs, product};

    #[inline(never)]
    pub(super) fn mul(x: &Avx2, y: &Avx2) -> Avx2 {
        Avx2(with_avx2!(product::mul(&x.0, &y.0)))
    }

    #[inline(never)]
    pub(super) fn set_product(z: &mut Avx2, x: &Avx2, y: &Avx2) {
        with_avx2!(product::set_product(&mut z.0, &x.0, &y.0));
    }

    #[inline(never)]
    pub(super) fn square(x: &Avx2) -> Avx2 {
        Avx2(with_avx2!(product::square(&x.0)))
    }

    #[inline(never)]
    pub(super) fn square_times(x: &Avx2, k: u32) -> Avx2 {
        Avx2(with_avx2!(product::square_times(&x.0, k)))
    }

    #[inline(never)]
    pub(super) fn canonical(x: &Avx2) -> Avx2 {
        Avx2(with_avx2!(limbs::canonical(&x.0)))
    }
}

impl Field for Avx2 {
    const LANES: usize = 4;
    type Mask = __m256i;
    type Packed = [__m256i; 5];
    type Table = [[__m256i; 2]; 10];
    type Index = __m256i;

    #[inline(always)]
    fn splat(element: &Limbs) -> Self {
        Self(with_avx2!(limbs::splat(element)))
    }

    #[inline(always)]
    fn gather(elements: [&Limbs; MAX_LANES]) -> Self {
        Self(with_avx2!(limbs::gather(elements)))
    }

    #[inline(always)]
    fn scatter(&self, elements: &mut [Limbs; MAX_LANES]) {
        with_avx2!(limbs::scatter(&self.0, elements));
    }

    #[inline(always)]
    fn lay_down(&self, points: &mut [[Limbs; 4]], places: &[usize], coordinate: usize) {
        with_avx2!(limbs::lay_down(&self.0, points, places, coordinate));
    }

    #[inline(always)]
    fn add(&self, b: &Self) -> Self {
        Self(with_avx2!(limbs::add(&self.0, &b.0)))
    }

    #[inline(always)]
    fn sub(&self, b: &Self) -> Self {
        Self(with_avx2!(limbs::sub::<1>(&self.0, &b.0)))
    }

    #[inline(always)]
    fn sub_wide(&self, b: &Self) -> Self {
        Self(with_avx2!(limbs::sub::<2>(&self.0, &b.0)))
    }

    #[inline(always)]
    fn mul(&self, y: &Self) -> Self {
        apart::mul(self, y)
    }

    #[inline(always)]
    fn set_product(&mut self, x: &Self, y: &Self) {
        apart::set_product(self, x, y);
    }

    #[inline(always)]
    fn square(&self) -> Self {
        apart::square(self)
    }

    #[inline(always)]
    fn square_times(&self, k: u32) -> Self {
        apart::square_times(self, k)
    }

    #[inline(always)]
    fn carry(&self) -> Self {
        Self(with_avx2!(limbs::carry(&self.0)))
    }

    #[inline(always)]
    fn canonical(&self) -> Self {
        apart::canonical(self)
    }

    #[inline(always)]
    fn select(a: &Self, b: &Self, mask: __m256i) -> Self {
        Self(with_avx2!(limbs::select(&a.0, &b.0, mask)))
    }

    #[inline(always)]
    fn same(&self, b: &Self) -> __m256i {
        with_avx2!(limbs::same(&self.0, &b.0))
    }

    #[inline(always)]
    fn odd(&self) -> __m256i {
        with_avx2!(limbs::odd(&self.0))
    }

    #[inline(always)]
    fn mask(bits: &[u64; MAX_LANES]) -> __m256i {
        with_avx2!(limbs::mask(bits))
    }

    #[inline(always)]
    fn bits(mask: __m256i) -> u32 {
        with_avx2!(limbs::bits(mask))
    }

    #[inline(always)]
    fn or(a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(limbs::or(a, b))
    }

    #[inline(always)]
    fn and(a: __m256i, b: __m256i) -> __m256i {
        with_avx2!(limbs::and(a, b))
    }

    #[inline(always)]
    fn not(a: __m256i) -> __m256i {
        with_avx2!(limbs::not(a))
    }

    #[inline(always)]
    fn pack(&self) -> [__m256i; 5] {
        with_avx2!(limbs::pack(&self.0))
    }

    #[inline(always)]
    fn unpack(packed: &[__m256i; 5]) -> Self {
        Self(with_avx2!(limbs::unpack(packed)))
    }

    #[inline(always)]
    fn choose<const N: usize>(table: &[[Self::Packed; N]], number: u64) -> [Self::Packed; N] {
        with_avx2!(limbs::choose(table, number))
    }

    #[inline(always)]
    fn table(entries: &[Limbs; ENTRIES]) -> Self::Table {
        with_avx2!(limbs::table(entries))
    }

    #[inline(always)]
    fn index(numbers: &[u64; MAX_LANES]) -> __m256i {
        with_avx2!(limbs::index(numbers))
    }

    #[inline(always)]
    fn look_up(table: &Self::Table, index: __m256i) -> Self {
        Self(with_avx2!(limbs::look_up(table, index)))
    }
}

#[cfg(test)]
mod tests;
