//! What is the same for all kinds of vectors: how a type of vectors does what [`Field`](crate::vector::Field) asks for.

/// A type of vectors, from the functions of its modules `limbs` and `product`.
macro_rules! vectors {
    (
        $(#[$doc:meta])*
        $name:ident: $lanes:literal lanes, $limbs:literal limbs in $register:ident, masks in $mask:ident, packed in $packed:ty
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(super) struct $name([$register; $limbs]);

        /// The longer operations, of which one copy is to stay in the instruction cache.
        ///
        /// The compiler heeds `inline(never)` only in functions that need no vectors themselves; what they call cannot be
        /// inlined into them, and they become one jump.
        mod apart {
            use super::{$name, limbs, product};
            use crate::x86::where_found;

            #[inline(never)]
            pub(super) fn mul(x: &$name, y: &$name) -> $name {
                $name(where_found!(product::mul(&x.0, &y.0)))
            }

            #[inline(never)]
            pub(super) fn set_product(z: &mut $name, x: &$name, y: &$name) {
                where_found!(product::set_product(&mut z.0, &x.0, &y.0));
            }

            #[inline(never)]
            pub(super) fn square(x: &$name) -> $name {
                $name(where_found!(product::square(&x.0)))
            }

            #[inline(never)]
            pub(super) fn square_times(x: &$name, k: u32) -> $name {
                $name(where_found!(product::square_times(&x.0, k)))
            }

            #[inline(never)]
            pub(super) fn canonical(x: &$name) -> $name {
                $name(where_found!(limbs::canonical(&x.0)))
            }
        }

        impl Field for $name {
            const LANES: usize = $lanes;
            type Mask = $mask;
            type Packed = $packed;
            type Table = [[$register; 2]; $limbs];
            type Index = $register;

            #[inline(always)]
            fn splat(element: &Limbs) -> Self {
                Self(where_found!(limbs::splat(element)))
            }

            #[inline(always)]
            fn gather(elements: [&Limbs; MAX_LANES]) -> Self {
                Self(where_found!(limbs::gather(elements)))
            }

            #[inline(always)]
            fn scatter(&self, elements: &mut [Limbs; MAX_LANES]) {
                where_found!(limbs::scatter(&self.0, elements));
            }

            #[inline(always)]
            fn lay_down(&self, points: &mut [[Limbs; 4]], places: &[usize], coordinate: usize) {
                where_found!(limbs::lay_down(&self.0, points, places, coordinate));
            }

            #[inline(always)]
            fn add(&self, b: &Self) -> Self {
                Self(where_found!(limbs::add(&self.0, &b.0)))
            }

            #[inline(always)]
            fn sub(&self, b: &Self) -> Self {
                Self(where_found!(limbs::sub(&self.0, &b.0)))
            }

            #[inline(always)]
            fn sub_wide(&self, b: &Self) -> Self {
                Self(where_found!(limbs::sub_wide(&self.0, &b.0)))
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
                Self(where_found!(limbs::carry(&self.0)))
            }

            #[inline(always)]
            fn canonical(&self) -> Self {
                apart::canonical(self)
            }

            #[inline(always)]
            fn select(a: &Self, b: &Self, mask: $mask) -> Self {
                Self(where_found!(limbs::select(&a.0, &b.0, mask)))
            }

            #[inline(always)]
            fn same(&self, b: &Self) -> $mask {
                where_found!(limbs::same(&self.0, &b.0))
            }

            #[inline(always)]
            fn odd(&self) -> $mask {
                where_found!(limbs::odd(&self.0))
            }

            #[inline(always)]
            fn mask(bits: &[u64; MAX_LANES]) -> $mask {
                where_found!(limbs::mask(bits))
            }

            #[inline(always)]
            fn bits(mask: $mask) -> u32 {
                where_found!(limbs::bits(mask))
            }

            #[inline(always)]
            fn or(a: $mask, b: $mask) -> $mask {
                where_found!(limbs::or(a, b))
            }

            #[inline(always)]
            fn and(a: $mask, b: $mask) -> $mask {
                where_found!(limbs::and(a, b))
            }

            #[inline(always)]
            fn not(a: $mask) -> $mask {
                where_found!(limbs::not(a))
            }

            #[inline(always)]
            fn pack(&self) -> $packed {
                where_found!(limbs::pack(&self.0))
            }

            #[inline(always)]
            fn unpack(packed: &$packed) -> Self {
                Self(where_found!(limbs::unpack(packed)))
            }

            #[inline(always)]
            fn choose<const N: usize>(table: &[[Self::Packed; N]], number: u64) -> [Self::Packed; N] {
                where_found!(limbs::choose(table, number))
            }

            #[inline(always)]
            fn table(entries: &[Limbs; ENTRIES]) -> Self::Table {
                where_found!(limbs::table(entries))
            }

            #[inline(always)]
            fn index(numbers: &[u64; MAX_LANES]) -> $register {
                where_found!(limbs::index(numbers))
            }

            #[inline(always)]
            fn look_up(table: &Self::Table, index: $register) -> Self {
                Self(where_found!(limbs::look_up(table, index)))
            }
        }
    };
}
pub(super) use vectors;
