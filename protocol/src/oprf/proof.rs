//! Proofs that answers were computed with the published key (SPEC.md, "Proofs").
//!
//! One element has RFC 9497's proof. A chunk has Blindlist's own, in which every coefficient depends on the whole
//! chunk: the RFC's coefficients depend on one element each, so a server could choose wrong answers whose errors cancel.

use super::group::{
    Element, ElementError, Mode, Point, decode, decode_all, decode_single, encode_single, sums_vartime,
};
use super::{BLOCK, PublicKey, SecretKey, each_block};
use crate::codec::bytes64;
use crate::params::{PROOF_CHALLENGE_DOMAIN, PROOF_COEFFICIENT_DOMAIN, PROOF_NONCE_DOMAIN, PROOF_SEED_DOMAIN};
use blindlist_lanes::add_all;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// A proof of equal discrete logarithms: c ‖ s, two scalars of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof(#[serde(with = "bytes64")] [u8; 64]);

impl Proof {
    /// The proof that these bytes may encode.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    fn from_scalars(c: &Scalar, s: &Scalar) -> Self {
        let mut bytes = [0; 64];
        let (low, high) = bytes.split_at_mut(32);
        low.copy_from_slice(c.as_bytes());
        high.copy_from_slice(s.as_bytes());
        Self(bytes)
    }

    fn scalars(&self) -> Result<(Scalar, Scalar), ProofError> {
        let half = |range: &[u8]| {
            let bytes: [u8; 32] = range.try_into().expect("half of 64 bytes");
            Option::<Scalar>::from(Scalar::from_canonical_bytes(bytes)).ok_or(ProofError::NotCanonical)
        };
        let (c, s) = self.0.split_at(32);
        Ok((half(c)?, half(s)?))
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A scalar that is not canonical.
    #[error("the proof holds a scalar that is not canonical")]
    NotCanonical,
    /// The statement is not proven.
    #[error("the proof does not hold: the answers were not computed with the published key")]
    Invalid,
    /// The numbers of blinded and evaluated elements differ, or are zero.
    #[error("the answer has another number of elements than the question")]
    Shape,
    /// An answer that is not an element.
    #[error("an answer is {0}")]
    Element(ElementError),
}

/// Answers that were proven to be k times what was asked: the only ones that [`super::additive_unblind_all`] takes.
///
/// Only [`verify`] and [`verify_chunk`] make them:
///
/// ```compile_fail
/// # use blindlist_protocol::oprf::*;
/// # fn unblind(answers: &[Element], multiples: &[Point]) {
/// additive_unblind_all(&decode_all(answers).unwrap(), &[0], multiples); // not proven: does not compile
/// # }
/// ```
#[derive(Debug)]
pub struct Proven(Vec<Point>);

impl Proven {
    /// The answer for the element at a position.
    pub(super) fn point(&self, position: usize) -> Option<&Point> {
        self.0.get(position)
    }

    /// The sums of several holders' answers, position by position.
    ///
    /// # Errors
    /// [`ProofError::Shape`] when there is none, or their numbers of elements differ.
    pub fn sum(answers: impl IntoIterator<Item = Self>) -> Result<Self, ProofError> {
        let mut answers = answers.into_iter();
        let mut total = answers.next().ok_or(ProofError::Shape)?;
        for answer in answers {
            if answer.0.len() != total.0.len() {
                return Err(ProofError::Shape);
            }
            total.0 = add_all(&total.0, &answer.0);
        }
        Ok(total)
    }
}

/// What the proof of a chunk is bound to besides its elements.
#[derive(Clone, Debug)]
pub struct BatchContext<'a> {
    /// The epoch's id.
    pub epoch: &'a [u8; 32],
    /// The epoch's K.
    pub key: &'a PublicKey,
    /// The indices of the holders that answer this request, ascending.
    pub holders: &'a [u8],
    /// Which of them made this proof.
    pub holder: u8,
}

/// `GenerateProof` of RFC 9497 section 2.2.1 for one element, with a hedged nonce.
pub fn prove(
    key: &SecretKey,
    public: &PublicKey,
    blinded: (&Element, &Point),
    evaluated: &Element,
    random: &[u8; 64],
) -> Proof {
    let d = rfc_coefficient(Mode::Voprf, public, 0, blinded.0, evaluated);
    let m = Composite::new(d * RistrettoPoint::from(*blinded.1));
    let z = Composite::new(key.scalar() * m.point);
    let nonce = nonce(key, random, &[], public, &m, &z);
    prove_with_nonce(key, &m, &nonce, |t2, t3| rfc_challenge(Mode::Voprf, public, &m, &z, t2, t3))
}

/// `VerifyProof` of RFC 9497 section 2.2.2 for one element. Variable-time, on public values.
///
/// # Errors
/// [`ProofError`] when the answer is not an element or the proof does not hold.
pub fn verify(
    public: &PublicKey,
    blinded: (&Element, &Point),
    evaluated: &Element,
    proof: &Proof,
) -> Result<Proven, ProofError> {
    let point = decode(evaluated).map_err(ProofError::Element)?;
    let d = rfc_coefficient(Mode::Voprf, public, 0, blinded.0, evaluated);
    let [m, z] = [*blinded.1, point].map(|point| Composite::new(d * RistrettoPoint::from(point)));
    verify_composites(public, &m, &z, proof, |t2, t3| rfc_challenge(Mode::Voprf, public, &m, &z, t2, t3))?;
    Ok(Proven(vec![point]))
}

/// Blindlist's proof of a whole chunk: `key` times each of `blinded` is the one in `evaluated`.
///
/// `public` is `key`·G; `random` are 64 fresh random bytes, hedged with the key so that bad ones do not reveal it.
///
/// # Errors
/// [`ProofError::Shape`] when the numbers of elements differ or are zero.
pub fn prove_chunk(
    context: &BatchContext<'_>,
    key: &SecretKey,
    public: &PublicKey,
    blinded: (&[Element], &[Point]),
    evaluated: &[Element],
    random: &[u8; 64],
) -> Result<Proof, ProofError> {
    if blinded.0.len() != blinded.1.len() {
        return Err(ProofError::Shape);
    }
    let seed = seed(context, public, blinded.0, evaluated)?;
    let d = coefficients(&seed, evaluated.len());
    let [m] = sums_vartime(&d, [blinded.1]).map(Composite::of);
    let z = Composite::new(key.scalar() * m.point);
    let nonce = nonce(key, random, &seed, public, &m, &z);
    Ok(prove_with_nonce(key, &m, &nonce, |t2, t3| challenge(&seed, public, &m, &z, t2, t3)))
}

/// Verifies [`prove_chunk`]'s proof. Variable-time, on public values.
///
/// # Errors
/// [`ProofError`] when an answer is not an element or the proof does not hold.
pub fn verify_chunk(
    context: &BatchContext<'_>,
    public: &PublicKey,
    blinded: (&[Element], &[Point]),
    evaluated: &[Element],
    proof: &Proof,
) -> Result<Proven, ProofError> {
    if blinded.0.len() != blinded.1.len() {
        return Err(ProofError::Shape);
    }
    let seed = seed(context, public, blinded.0, evaluated)?;
    let points = decode_all(evaluated).map_err(ProofError::Element)?;
    let d = coefficients(&seed, points.len());
    let [m, z] = sums_vartime(&d, [blinded.1, &points]).map(Composite::of);
    verify_composites(public, &m, &z, proof, |t2, t3| challenge(&seed, public, &m, &z, t2, t3))?;
    Ok(Proven(points))
}

/// The hash of everything that the proof of a chunk speaks about.
fn seed(
    context: &BatchContext<'_>,
    public: &PublicKey,
    blinded: &[Element],
    evaluated: &[Element],
) -> Result<[u8; 64], ProofError> {
    let count = u32::try_from(blinded.len()).map_err(|_| ProofError::Shape)?;
    let holders = u8::try_from(context.holders.len()).map_err(|_| ProofError::Shape)?;
    if count == 0 || blinded.len() != evaluated.len() {
        return Err(ProofError::Shape);
    }
    let mut hash = Sha512::new();
    hash.update(PROOF_SEED_DOMAIN);
    hash.update(context.key.element().as_bytes());
    hash.update(context.epoch);
    hash.update([holders]);
    hash.update(context.holders);
    hash.update([context.holder]);
    hash.update(public.element().as_bytes());
    hash.update(count.to_le_bytes());
    for element in blinded.iter().chain(evaluated) {
        hash.update(element.as_bytes());
    }
    Ok(hash.finalize().into())
}

/// d_0, d_1, …: 128 bits each, of the seed and the element's position.
fn coefficients(seed: &[u8; 64], count: usize) -> Vec<u128> {
    let hash = Sha512::new().chain_update(PROOF_COEFFICIENT_DOMAIN).chain_update(seed);
    let coefficient = |i: usize| {
        let position = u32::try_from(i).expect("a chunk has at most 8,192 elements");
        let digest = hash.clone().chain_update(position.to_le_bytes()).finalize();
        u128::from_le_bytes(*digest.first_chunk().expect("SHA-512 has 64 bytes"))
    };
    let blocks = (0..count).step_by(BLOCK).map(|first| first..count.min(first + BLOCK));
    each_block(blocks, |block| block.map(coefficient).collect::<Vec<_>>()).concat()
}

/// M or Z of a proof, and its encoding for transcripts.
pub(super) struct Composite {
    point: RistrettoPoint,
    element: Element,
}

impl Composite {
    pub(super) fn new(point: RistrettoPoint) -> Self {
        Self { point, element: encode_single(&point) }
    }

    /// Of a sum, whose point is for lanes.
    fn of(element: Element) -> Self {
        Self { point: decode_single(&element).expect("the encoding of a sum is that of an element"), element }
    }
}

fn challenge(
    seed: &[u8; 64],
    public: &PublicKey,
    m: &Composite,
    z: &Composite,
    t2: &RistrettoPoint,
    t3: &RistrettoPoint,
) -> Scalar {
    let mut hash = Sha512::new().chain_update(PROOF_CHALLENGE_DOMAIN).chain_update(seed);
    for element in [*public.element(), m.element, z.element, encode_single(t2), encode_single(t3)] {
        hash.update(element.as_bytes());
    }
    Scalar::from_bytes_mod_order_wide(&hash.finalize().into())
}

/// A nonce hashed from the key, fresh randomness and everything that the challenge depends on: neither bad randomness nor
/// a statement that comes again gives two challenges one nonce. `seed` is empty for one element.
fn nonce(
    key: &SecretKey,
    random: &[u8; 64],
    seed: &[u8],
    public: &PublicKey,
    m: &Composite,
    z: &Composite,
) -> Zeroizing<Scalar> {
    let mut hash =
        Sha512::new().chain_update(PROOF_NONCE_DOMAIN).chain_update(key.to_bytes().as_slice()).chain_update(random);
    hash.update(seed);
    for element in [public.element(), &m.element, &z.element] {
        hash.update(element.as_bytes());
    }
    let wide: Zeroizing<[u8; 64]> = Zeroizing::new(hash.finalize().into());
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
}

/// A Schnorr proof that log_G(k·G) = log_m(k·m).
pub(super) fn prove_with_nonce(
    key: &SecretKey,
    m: &Composite,
    nonce: &Scalar,
    challenge: impl FnOnce(&RistrettoPoint, &RistrettoPoint) -> Scalar,
) -> Proof {
    let (t2, t3) = (nonce * RISTRETTO_BASEPOINT_TABLE, nonce * m.point);
    let c = challenge(&t2, &t3);
    Proof::from_scalars(&c, &(nonce - c * key.scalar()))
}

pub(super) fn verify_composites(
    public: &PublicKey,
    m: &Composite,
    z: &Composite,
    proof: &Proof,
    challenge: impl FnOnce(&RistrettoPoint, &RistrettoPoint) -> Scalar,
) -> Result<(), ProofError> {
    let (c, s) = proof.scalars()?;
    let t2 = RistrettoPoint::vartime_double_scalar_mul_basepoint(&c, public.point(), &s);
    let t3 = RistrettoPoint::vartime_multiscalar_mul([s, c], [m.point, z.point]);
    if challenge(&t2, &t3) == c { Ok(()) } else { Err(ProofError::Invalid) }
}

/// d_i of `ComputeComposites`, RFC 9497 section 2.2.1.
pub(super) fn rfc_coefficient(mode: Mode, public: &PublicKey, i: u16, c: &Element, d: &Element) -> Scalar {
    let mut input = Vec::with_capacity(256);
    push(&mut input, public.element().as_bytes());
    push(&mut input, &mode.tagged("Seed-"));
    let seed: [u8; 64] = Sha512::digest(&input).into();
    input.clear();
    push(&mut input, &seed);
    input.extend_from_slice(&i.to_be_bytes());
    push(&mut input, c.as_bytes());
    push(&mut input, d.as_bytes());
    input.extend_from_slice(b"Composite");
    mode.hash_to_scalar(&input)
}

/// c of `GenerateProof` and `VerifyProof`, RFC 9497 section 2.2.
pub(super) fn rfc_challenge(
    mode: Mode,
    public: &PublicKey,
    m: &Composite,
    z: &Composite,
    t2: &RistrettoPoint,
    t3: &RistrettoPoint,
) -> Scalar {
    let mut transcript = Vec::with_capacity(256);
    for element in [*public.element(), m.element, z.element, encode_single(t2), encode_single(t3)] {
        push(&mut transcript, element.as_bytes());
    }
    transcript.extend_from_slice(b"Challenge");
    mode.hash_to_scalar(&transcript)
}

/// `I2OSP(len(bytes), 2) ‖ bytes`.
fn push(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("the RFC's transcripts hold elements and short labels");
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oprf::hash_to_group;

    /// [PRF-3]: with the same randomness and the same composites, another chunk must still have another nonce.
    #[test]
    fn everything_in_the_challenge_enters_the_nonce() {
        let key = SecretKey::from_uniform_bytes(&[5; 64]).unwrap();
        let other = SecretKey::from_uniform_bytes(&[6; 64]).unwrap();
        let [m, z] = [b"m", b"z"].map(|input| Composite::new(hash_to_group(input).into()));
        let of = |key: &SecretKey, random: u8, seed: &[u8], m: &Composite, z: &Composite| {
            *nonce(key, &[random; 64], seed, &key.public(), m, z)
        };
        let all = [
            of(&key, 1, &[1; 64], &m, &z),
            of(&other, 1, &[1; 64], &m, &z),
            of(&key, 2, &[1; 64], &m, &z),
            of(&key, 1, &[2; 64], &m, &z),
            of(&key, 1, &[], &m, &z),
            of(&key, 1, &[1; 64], &z, &z),
            of(&key, 1, &[1; 64], &m, &m),
        ];
        for (i, nonce) in all.iter().enumerate() {
            assert!(!all[..i].contains(nonce), "case {i}");
        }
    }
}
