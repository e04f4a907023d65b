//! The way in: what is found once at run time, and the functions above vectors compiled for four lanes in AVX2.

use super::Avx2;
use crate::digits::Digits;
use crate::group::Stored;
use crate::{multiply, multiscalar, ristretto};

/// The processor has AVX2. Only [`Token::detect`] makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(());

/// The multiples of a point for four lanes.
#[derive(Clone)]
pub(crate) struct Windows(multiply::Windows<Avx2>);

impl Windows {
    /// The token of whoever made the multiples.
    pub(crate) fn token(&self) -> Token {
        Token(())
    }
}

/// Each function twice: with AVX2, and for whoever holds the token.
macro_rules! functions {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? { $call:expr })*) => {
        impl Token {
            $(
                $(#[$doc])*
                pub(crate) fn $name(self, $($arg: $type),*) $(-> $result)? {
                    #[target_feature(enable = "avx2")]
                    fn with_avx2($($arg: $type),*) $(-> $result)? {
                        $call
                    }
                    // SAFETY: the token is made only where the processor has AVX2, and the function needs nothing else.
                    #[allow(unsafe_code, reason = "instructions that were found to be there")]
                    unsafe {
                        with_avx2($($arg),*)
                    }
                }
            )*
        }
    };
}

functions! {
    /// See [`ristretto::decode_all`].
    fn decode_all(encodings: &[[u8; 32]], points: &mut [Stored], valid: &mut [bool]) {
        ristretto::decode_all::<Avx2>(encodings, points, valid)
    }
    /// See [`ristretto::hash_to_group_all`].
    fn hash_to_group_all(uniform: &[[u8; 64]], points: &mut [Stored]) {
        ristretto::hash_to_group_all::<Avx2>(uniform, points)
    }
    /// See [`ristretto::encode_all`].
    fn encode_all(points: &[Stored], encodings: &mut [[u8; 32]]) {
        ristretto::encode_all::<Avx2>(points, encodings)
    }
    /// See [`ristretto::encode_doubled_all`].
    fn encode_doubled_all(points: &[Stored], encodings: &mut [[u8; 32]]) {
        ristretto::encode_doubled_all::<Avx2>(points, encodings)
    }
    /// See [`ristretto::equal_all`].
    fn equal_all(some: &[Stored], others: &[Stored], equal: &mut [bool]) {
        ristretto::equal_all::<Avx2>(some, others, equal)
    }
    /// See [`ristretto::add_all`].
    fn add_all(some: &[Stored], others: &[Stored], negate: bool, sums: &mut [Stored]) {
        ristretto::add_all::<Avx2>(some, others, negate, sums)
    }
    /// See [`multiply::mul_all`].
    fn mul_all(s: &Digits, points: &[Stored], products: &mut [Stored]) {
        multiply::mul_all::<Avx2>(s, points, products)
    }
    /// See [`multiply::windows`].
    fn windows(point: &Stored) -> Windows {
        Windows(multiply::windows::<Avx2>(point))
    }
    /// See [`multiply::fixed_base_all`].
    fn fixed_base_all(windows: &Windows, scalars: &[Digits], products: &mut [Stored]) {
        multiply::fixed_base_all::<Avx2>(&windows.0, scalars, products)
    }
    /// See [`multiscalar::multiscalar_vartime`].
    fn multiscalar_vartime(numbers: &[u128], points: &[Stored]) -> Stored {
        multiscalar::multiscalar_vartime::<Avx2>(numbers, points)
    }
}

impl Token {
    /// The token, where the processor has AVX2.
    pub(crate) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}
