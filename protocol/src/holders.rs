//! Sets of key holders and the arithmetic that lets t of n of them answer together (SPEC.md, "Epoch record").
//!
//! A single holder is the case t = n = 1 of the same code: its coefficient is 1.

use crate::oprf::{KeyError, PublicKey, Scalar, SecretKey};
use crate::params::MAX_HOLDERS;
use serde::{Deserialize, Serialize};

/// The indices of the holders that answer one request: ascending, from 1 to 255, at most 32.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct HolderSet(Vec<u8>);

/// Indices that are not strictly ascending from 1, or none, or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a set of holders has 1 to 32 indices above 0 in ascending order")]
pub struct HolderSetError;

impl TryFrom<Vec<u8>> for HolderSet {
    type Error = HolderSetError;
    fn try_from(indices: Vec<u8>) -> Result<Self, HolderSetError> {
        let ascending = indices.iter().zip(indices.iter().skip(1)).all(|(a, b)| a < b);
        let starts_above_zero = indices.first().is_some_and(|first| *first > 0);
        if ascending && starts_above_zero && indices.len() <= MAX_HOLDERS {
            Ok(Self(indices))
        } else {
            Err(HolderSetError)
        }
    }
}

impl HolderSet {
    /// The indices, ascending.
    pub fn indices(&self) -> &[u8] {
        &self.0
    }

    /// The Lagrange coefficient of a member at `x`: Π (x − j) / (i − j) over the other members j.
    /// None when `index` is not a member.
    pub(crate) fn coefficient(&self, index: u8, x: u8) -> Option<Scalar> {
        if !self.0.contains(&index) {
            return None;
        }
        let (i, x) = (Scalar::from(index), Scalar::from(x));
        let others = || self.0.iter().filter(|j| **j != index).map(|j| Scalar::from(*j));
        let numerator: Scalar = others().map(|j| x - j).product();
        let denominator: Scalar = others().map(|j| i - j).product();
        Some(numerator * denominator.invert())
    }

    /// The part of the key that a holder evaluates with in this set, with the public key that proves it.
    ///
    /// # Errors
    /// [`KeyError`] when the holder is not in the set.
    pub fn part(&self, index: u8, share: &SecretKey) -> Result<(SecretKey, PublicKey), KeyError> {
        let part = share.scaled(&self.coefficient(index, 0).ok_or(KeyError::Secret)?)?;
        let public = part.public();
        Ok((part, public))
    }

    /// The public key that a holder's answers in this set are proven against.
    ///
    /// # Errors
    /// [`KeyError`] when the holder is not in the set.
    pub fn public_part(&self, index: u8, share: &PublicKey) -> Result<PublicKey, KeyError> {
        PublicKey::from_point(self.coefficient(index, 0).ok_or(KeyError::Public)? * share.point())
    }
}

/// Whether K (at 0) and all shares lie on one polynomial of degree below `threshold`.
pub(crate) fn lie_on_one_polynomial(key: &PublicKey, shares: &[(u8, PublicKey)], threshold: usize) -> bool {
    let Some((basis, rest)) = shares.split_at_checked(threshold) else {
        return false;
    };
    let Ok(set) = HolderSet::try_from(basis.iter().map(|(index, _)| *index).collect::<Vec<_>>()) else {
        return false;
    };
    let at = |x: u8| {
        let terms = basis.iter().map(|(index, share)| Some(set.coefficient(*index, x)? * share.point()));
        terms.collect::<Option<Vec<_>>>().map(|points| points.into_iter().sum())
    };
    at(0) == Some(*key.point()) && rest.iter().all(|(index, share)| at(*index) == Some(*share.point()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of a polynomial with these coefficients, at 1..=n.
    fn shares(coefficients: &[u64], n: u8) -> Vec<(u8, SecretKey)> {
        let at =
            |x: u8| coefficients.iter().rev().fold(Scalar::ZERO, |sum, c| sum * Scalar::from(x) + Scalar::from(*c));
        (1..=n).map(|x| (x, SecretKey::from_scalar(at(x)).unwrap())).collect()
    }

    #[test]
    fn sets_are_ascending_and_start_above_zero() {
        for good in [vec![1], vec![2, 5, 255]] {
            assert!(HolderSet::try_from(good).is_ok());
        }
        for bad in [vec![], vec![0], vec![2, 1], vec![1, 1], (1..=33).collect()] {
            assert_eq!(HolderSet::try_from(bad), Err(HolderSetError));
        }
    }

    #[test]
    fn parts_of_any_set_add_up_to_the_key() {
        let key = SecretKey::from_scalar(Scalar::from(77_u64)).unwrap();
        let shares = shares(&[77, 5, 9], 5);
        for indices in [[1_u8, 2, 3], [1, 3, 5], [2, 4, 5]] {
            let set = HolderSet::try_from(indices.to_vec()).unwrap();
            let parts = indices.map(|i| set.part(i, &shares[usize::from(i) - 1].1).unwrap());
            let sum: Scalar = parts.iter().map(|(part, _)| part.scalar()).sum();
            assert_eq!(sum, *key.scalar());
            for (i, (part, public)) in indices.iter().zip(&parts) {
                let share = shares[usize::from(*i) - 1].1.public();
                assert_eq!(set.public_part(*i, &share).unwrap(), *public);
                assert_eq!(part.public(), *public);
            }
            assert!(set.part(7, &key).is_err());
        }
        let alone = HolderSet::try_from(vec![1]).unwrap();
        assert_eq!(alone.part(1, &key).unwrap().0.to_bytes(), key.to_bytes());
    }

    #[test]
    fn shares_off_the_polynomial_are_noticed() {
        let key = SecretKey::from_scalar(Scalar::from(77_u64)).unwrap().public();
        let mut public: Vec<_> = shares(&[77, 5, 9], 5).iter().map(|(i, s)| (*i, s.public())).collect();
        assert!(lie_on_one_polynomial(&key, &public, 3));
        assert!(lie_on_one_polynomial(&key, &public, 4), "a lower degree is on every higher one");
        assert!(!lie_on_one_polynomial(&key, &public, 2));
        assert!(!lie_on_one_polynomial(&key, &public, 6));
        assert!(!lie_on_one_polynomial(&key, &public, 0));
        public[4].1 = key;
        assert!(!lie_on_one_polynomial(&key, &public, 3));
    }
}
