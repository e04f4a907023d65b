//! Vectors of x86-64, and the only `unsafe` of this crate: what is found once at run time, and the functions above
//! vectors compiled for it.

mod avx2;
mod ifma;
mod vectors;

use crate::digits::Digits;
use crate::group::Stored;
use crate::vector::Field;
use crate::{multiply, multiscalar, ristretto};
use avx2::Avx2;
use ifma::Ifma;
use vectors::vectors;

/// A kind of vectors that the processor has. Only [`Vectors::all`] makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vectors(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Eight lanes, with multiplications of 52 bits.
    Ifma,
    /// Four lanes.
    Avx2,
}

/// The multiples of a point for one kind of vectors.
#[derive(Clone)]
pub(crate) struct Windows(Of);

#[derive(Clone)]
enum Of {
    Ifma(multiply::Windows<Ifma>),
    Avx2(multiply::Windows<Avx2>),
}

impl Vectors {
    /// Those that the processor has, the fastest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let avx2 = is_x86_feature_detected!("avx2");
        // The compiler takes these to come with AVX-512; a hypervisor may hide them.
        let implied = avx2 && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        let ifma = implied && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        let found = [(Kind::Ifma, ifma), (Kind::Avx2, avx2)];
        found.into_iter().filter_map(|(kind, found)| found.then_some(Self(kind)))
    }

    /// How many elements a vector holds.
    pub(crate) fn lanes(self) -> usize {
        match self.0 {
            Kind::Ifma => 8,
            Kind::Avx2 => 4,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            Kind::Ifma => "AVX-512 IFMA",
            Kind::Avx2 => "AVX2",
        }
    }
}

/// Calls a function that needs what a kind of vectors needs.
macro_rules! where_found {
    ($call:expr) => {{
        // SAFETY: the function needs instructions of the processor and nothing else. The types `Avx2` and `Ifma` are
        // private to this module, and whatever computes with them runs below the methods of `Vectors` and `Windows`, which
        // are made only where the processor has the instructions of their kind.
        #[allow(unsafe_code, reason = "vector instructions that were found to be there")]
        unsafe {
            $call
        }
    }};
}
use where_found;

/// The functions above vectors, as a list for another macro.
macro_rules! functions {
    ($then:ident $($given:tt)*) => {
        $then! {
            [$($given)*]
            fn decode_all(encodings: &[[u8; 32]], points: &mut [Stored], valid: &mut [bool]) = ristretto::decode_all;
            fn hash_to_group_all(uniform: &[[u8; 64]], points: &mut [Stored]) = ristretto::hash_to_group_all;
            fn encode_all(points: &[Stored], encodings: &mut [[u8; 32]]) = ristretto::encode_all;
            fn encode_doubled_all(points: &[Stored], encodings: &mut [[u8; 32]]) = ristretto::encode_doubled_all;
            fn equal_all(some: &[Stored], others: &[Stored], equal: &mut [bool]) = ristretto::equal_all;
            fn add_all(some: &[Stored], others: &[Stored], negate: bool, sums: &mut [Stored]) = ristretto::add_all;
            fn mul_all(s: &Digits, points: &[Stored], products: &mut [Stored]) = multiply::mul_all;
            fn multiscalar_vartime(numbers: &[u128], points: &[Stored]) -> Stored = multiscalar::multiscalar_vartime;
        }
    };
}

/// Compiles them for one kind of vectors, with the instructions that it needs.
macro_rules! compile {
    (
        [$module:ident $vector:ident $features:literal]
        $(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $room:ident::$function:ident;)*
    ) => {
        mod $module {
            use super::*;

            $(
                #[target_feature(enable = $features)]
                pub(super) fn $name($($arg: $type),*) $(-> $result)? {
                    $room::$function::<$vector>($($arg),*)
                }
            )*

            #[target_feature(enable = $features)]
            pub(super) fn windows(point: &Stored) -> multiply::Windows<$vector> {
                multiply::windows::<$vector>(point)
            }

            #[target_feature(enable = $features)]
            pub(super) fn fixed_base_all(
                windows: &[[<$vector as Field>::Table; 3]],
                scalars: &[Digits],
                products: &mut [Stored],
            ) {
                multiply::fixed_base_all::<$vector>(windows, scalars, products);
            }
        }
    };
}

/// Offers each to whoever holds [`Vectors`].
macro_rules! offer {
    (
        []
        $(fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $room:ident::$function:ident;)*
    ) => {
        impl Vectors {
            $(
                pub(crate) fn $name(self, $($arg: $type),*) $(-> $result)? {
                    match self.0 {
                        Kind::Ifma => where_found!(with_ifma::$name($($arg),*)),
                        Kind::Avx2 => where_found!(with_avx2::$name($($arg),*)),
                    }
                }
            )*
        }
    };
}

functions!(compile with_ifma Ifma "avx512f,avx512ifma");
functions!(compile with_avx2 Avx2 "avx2");
functions!(offer);

impl Vectors {
    /// See [`multiply::windows`].
    pub(crate) fn windows(self, point: &Stored) -> Windows {
        Windows(match self.0 {
            Kind::Ifma => Of::Ifma(where_found!(with_ifma::windows(point))),
            Kind::Avx2 => Of::Avx2(where_found!(with_avx2::windows(point))),
        })
    }
}

impl Windows {
    /// See [`multiply::fixed_base_all`].
    pub(crate) fn fixed_base_all(&self, scalars: &[Digits], products: &mut [Stored]) {
        match &self.0 {
            Of::Ifma(windows) => where_found!(with_ifma::fixed_base_all(windows, scalars, products)),
            Of::Avx2(windows) => where_found!(with_avx2::fixed_base_all(windows, scalars, products)),
        }
    }
}

#[cfg(test)]
mod tests;
