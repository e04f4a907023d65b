//! The crate `voprf`, another implementation of RFC 9497: its types from bytes and to bytes, its outputs to entries.
//!
//! It has its own curve25519-dalek, so nothing but bytes goes from one implementation to the other.

use blindlist_protocol::entry::Entry;
use blindlist_protocol::ids::ReleaseId;
use blindlist_protocol::oprf::{Element, Evaluation, Proof, PublicKey};
use sha2::{Digest as _, Sha512};
use voprf::{BlindedElement, EvaluationElement, Group, Ristretto255};

/// Its client.
pub type Client = voprf::VoprfClient<Ristretto255>;
/// Its server.
pub type Server = voprf::VoprfServer<Ristretto255>;
/// Its public key.
pub type TheirKey = <Ristretto255 as Group>::Elem;

/// Its form of K.
pub fn their_key(key: &PublicKey) -> TheirKey {
    Ristretto255::deserialize_elem(key.element().as_bytes()).unwrap()
}

/// Our form of its public key.
pub fn our_key(key: TheirKey) -> PublicKey {
    Element::from_bytes(Ristretto255::serialize_elem(key).into()).try_into().unwrap()
}

/// What its client sends.
pub fn our_blinded(blinded: &BlindedElement<Ristretto255>) -> Element {
    Element::from_bytes(blinded.serialize().into())
}

/// What its server is sent.
pub fn their_blinded(blinded: &Element) -> BlindedElement<Ristretto255> {
    BlindedElement::deserialize(blinded.as_bytes()).unwrap()
}

/// What its server answers.
pub fn our_answer(answer: &EvaluationElement<Ristretto255>) -> Element {
    Element::from_bytes(answer.serialize().into())
}

/// What its client is answered.
pub fn their_answer(answer: &Element) -> EvaluationElement<Ristretto255> {
    EvaluationElement::deserialize(answer.as_bytes()).unwrap()
}

/// Our form of its proof.
pub fn our_proof(proof: &voprf::Proof<Ristretto255>) -> Proof {
    Proof::from_bytes(proof.serialize().as_slice().try_into().unwrap())
}

/// Its form of our proof.
pub fn their_proof(proof: &Proof) -> voprf::Proof<Ristretto255> {
    voprf::Proof::deserialize(proof.as_bytes()).unwrap()
}

/// Where their y stands in a release.
pub fn entry(release: &ReleaseId, y: &[u8]) -> Entry {
    Entry::derive(release, &Evaluation::from_bytes(y.try_into().unwrap()))
}

/// Randomness that is the same in every run, in the shape that the crate takes.
#[derive(Debug)]
pub struct Seeded {
    seed: u64,
    drawn: u64,
}

impl Seeded {
    /// The stream of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 64 bytes.
    pub fn bytes(&mut self) -> [u8; 64] {
        self.drawn += 1;
        Sha512::digest([self.seed.to_le_bytes(), self.drawn.to_le_bytes()].concat()).into()
    }

    /// The next `length` bytes.
    pub fn input(&mut self, length: usize) -> Vec<u8> {
        let blocks = std::iter::repeat_with(|| self.bytes()).take(length.div_ceil(64));
        let mut input: Vec<u8> = blocks.flatten().collect();
        input.truncate(length);
        input
    }
}

impl voprf_rand::RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        voprf_rand::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        voprf_rand::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.input(bytes.len()));
    }
}

impl voprf_rand::CryptoRng for Seeded {}
