//! The insurer's work for one member under each blinding, from the identifier's bytes to the encoding of N.
//!
//! The proof is left out, because it costs the same on all sides; so is making the scalars. "multiplicative batched" is RFC
//! 9497's blinding with every batching that is open to it; "multiplicative" does each member alone, as libraries do.
//!
//! All three compute with curve25519-dalek: lanes multiply by one scalar for all, which only the additive blinding can use,
//! and would make the comparison one of libraries.

use blindlist_benches::{Source, criterion, identifiers};
use blindlist_lanes::Path;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::oprf::{
    BatchContext, BlindingBase, Element, Point, Proven, PublicKey, Scalar, SecretKey, additive_blind_all,
    additive_unblind_all, blind_evaluate, decode, decode_all, encode, evaluate_inputs, finalize, hash_to_group,
    multiplicative_blind, prove_chunk, verify_chunk,
};
use criterion::Throughput;
use curve25519_dalek::ristretto::RistrettoPoint;
use std::hint::black_box;
use std::process::Command;

/// Members blinded and unblinded in one go.
const MEMBERS: usize = 1_024;

fn main() {
    if Path::fastest().lanes() > 1 {
        let again = std::env::current_exe().expect("this program");
        let ended = Command::new(again).args(std::env::args_os().skip(1)).env("BLINDLIST_LANES", "1").status();
        assert!(ended.expect("it is started again").success());
        return;
    }
    let mut criterion = criterion();
    let world = World::new();
    world.check();
    let mut group = criterion.benchmark_group("blinding");
    group.throughput(Throughput::Elements(MEMBERS as u64));
    group.bench_function("additive", |b| b.iter(|| world.additive()));
    group.bench_function("multiplicative batched", |b| b.iter(|| world.multiplicative_batched()));
    group.bench_function("multiplicative", |b| b.iter(|| world.multiplicative()));
    group.finish();
    criterion.final_summary();
}

/// Members, their scalars, and what the operator answered to each blinding.
struct World {
    members: Vec<Identifier>,
    scalars: Vec<Scalar>,
    key: SecretKey,
    base: BlindingBase,
    /// The answers to the additive blinding, and what their proof made of them.
    additive_answers: Vec<Element>,
    proven: Proven,
    multiplicative_answers: Vec<Element>,
}

impl World {
    fn new() -> Self {
        let mut source = Source::new(4);
        let members = identifiers(MEMBERS);
        let scalars: Vec<Scalar> = members.iter().map(|_| source.scalar()).collect();
        let key = source.key();
        let inputs: Vec<_> = members.iter().map(|member| Some(member.as_bytes())).collect();
        let (elements, points) = additive_blind_all(&inputs, &scalars);
        let additive_answers = answers(&key, &points);
        let proven = proven(&key, (&elements, &points), &additive_answers);
        let multiplied: Vec<Point> =
            members.iter().zip(&scalars).map(|(member, r)| (r * hashed(member)).into()).collect();
        Self {
            multiplicative_answers: answers(&key, &multiplied),
            base: BlindingBase::new(&key.public()),
            members,
            scalars,
            key,
            additive_answers,
            proven,
        }
    }

    /// Makes sure that all three come to the same N, and that it is the right one.
    fn check(&self) {
        let additive = self.additive();
        assert_eq!(additive, self.multiplicative_batched());
        assert_eq!(additive, self.multiplicative());
        let inputs: Vec<&[u8]> = self.members.iter().map(Identifier::as_bytes).collect();
        let found = inputs.iter().zip(&additive).map(|(input, n)| finalize(input, n));
        assert!(found.eq(evaluate_inputs(&self.key, &inputs)));
    }

    /// B = H(x) + r·G; N = Z − r·K. The answers are decoded here a second time, so that this is counted: in a real check
    /// the verification of the proof does it.
    fn additive(&self) -> Vec<Element> {
        let inputs: Vec<_> = black_box(&self.members).iter().map(|member| Some(member.as_bytes())).collect();
        black_box(additive_blind_all(&inputs, black_box(&self.scalars)));
        black_box(decode_all(&self.additive_answers)).expect("answers are elements");
        let positions: Vec<usize> = (0..MEMBERS).collect();
        let unblinded = additive_unblind_all(&self.proven, &positions, &self.base.multiples(&self.scalars));
        unblinded.expect("an answer for each member")
    }

    /// B = 2·(r/2)·H(x); N = 2·(r⁻¹/2)·Z: encodings and inversions are shared by all members.
    fn multiplicative_batched(&self) -> Vec<Element> {
        let halves: Vec<_> = self.inputs().map(|(member, r)| r.div_by_2() * hashed(member)).collect();
        black_box(RistrettoPoint::double_and_compress_batch(&halves));
        let mut inverses = self.scalars.clone();
        Scalar::invert_batch_alloc(&mut inverses);
        let answers = decode_all(&self.multiplicative_answers).expect("answers are elements");
        let halves: Vec<_> = answers
            .into_iter()
            .zip(&inverses)
            .map(|(z, inverse)| inverse.div_by_2() * RistrettoPoint::from(z))
            .collect();
        let encoded = RistrettoPoint::double_and_compress_batch(&halves);
        encoded.iter().map(|n| Element::from_bytes(n.to_bytes())).collect()
    }

    /// B = r·H(x); N = r⁻¹·Z, each for itself.
    fn multiplicative(&self) -> Vec<Element> {
        let blinded: Vec<_> = self.inputs().map(|(member, r)| multiplicative_blind(member.as_bytes(), r)).collect();
        black_box(blinded);
        let answered = self.multiplicative_answers.iter().zip(&self.scalars);
        let unblind = |(z, r): (&Element, &Scalar)| {
            let z = RistrettoPoint::from(decode(z).expect("answers are elements"));
            encode(&(r.invert() * z).into())
        };
        answered.map(unblind).collect()
    }

    fn inputs(&self) -> impl Iterator<Item = (&Identifier, &Scalar)> {
        black_box(&self.members).iter().zip(black_box(&self.scalars))
    }
}

/// H(x).
fn hashed(member: &Identifier) -> RistrettoPoint {
    hash_to_group(member.as_bytes()).into()
}

fn answers(key: &SecretKey, blinded: &[Point]) -> Vec<Element> {
    blind_evaluate(key, blinded).expect("fewer members than a chunk holds")
}

/// The answers after a real proof of them was verified: nothing else makes [`Proven`].
fn proven(key: &SecretKey, blinded: (&[Element], &[Point]), answers: &[Element]) -> Proven {
    let public: PublicKey = key.public();
    let context = BatchContext { epoch: &[0; 32], key: &public, holders: &[1], holder: 1 };
    let proof = prove_chunk(&context, key, &public, blinded, answers, &[0; 64]).expect("an answer for each element");
    verify_chunk(&context, &public, blinded, answers, &proof).expect("an honest proof")
}
