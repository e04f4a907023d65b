//! One operation on a secret, for `tests/constant_time.rs`, which follows every step of it.
//!
//! `secret_operation NAME < 32 secret bytes`. All else is the same each time, so that only the secret can make two runs
//! differ. Where a proof is made or verified, what is public is given, not computed from the secret: the code may, and
//! does, take its time over that.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure of the harness is a failed test")]

use std::hint::black_box;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use blindlist_lanes::add_all;
use blindlist_protocol::epoch::{EpochRecord, Evidence, Holder};
use blindlist_protocol::identifier::{Identifier, Scheme};
use blindlist_protocol::ids::{EpochId, InsurerId, JobId, LedgerId};
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{Item, JobSeed};
use blindlist_protocol::object;
use blindlist_protocol::oprf::{
    BatchContext, BlindingBase, Element, Point, Proven, Scalar, SecretKey, additive_blind, additive_unblind,
    blind_evaluate, decode_all, encode, evaluate_inputs, hash_to_group, multiplicative_blind, multiplicative_unblind,
    prove, prove_chunk, verify,
};
use blindlist_protocol::signature::SigningKey;

/// Written to when the operation begins: where it is, in hexadecimal, is what this program prints.
static BEGUN: AtomicU8 = AtomicU8::new(0);
/// Elements of the chunk that is evaluated and proven.
const CHUNK: u8 = 2;

fn main() {
    let operation = std::env::args().nth(1).unwrap();
    let mut secret = [0; 32];
    std::io::stdin().read_exact(&mut secret).unwrap();
    println!("{:p}", BEGUN.as_ptr());
    BEGUN.store(1, Ordering::SeqCst);
    let scalar = || black_box(Scalar::from_bytes_mod_order(secret));
    let key = || SecretKey::from_bytes(&secret).unwrap();
    match operation.as_str() {
        "public-key" => drop(black_box(key().public())),
        "evaluate" => drop(black_box(blind_evaluate(&key(), &Public::new().points))),
        "evaluate-inputs" => drop(black_box(evaluate_inputs(&key(), &[b"one", b"two"]))),
        "prove" => {
            let public = Public::new();
            let (c, d) = (&public.blinded[0], &public.evaluated[0]);
            let _ = black_box(prove(&key(), &public.key.public(), (c, &public.points[0]), d, &[7; 64]));
        }
        "prove-chunk" => {
            let public = Public::new();
            let (epoch, k) = (EpochId::from_bytes([1; 32]), public.key.public());
            let context = BatchContext { epoch: epoch.as_bytes(), key: &k, holders: &[1], holder: 1 };
            let blinded = (public.blinded.as_slice(), public.points.as_slice());
            black_box(prove_chunk(&context, &key(), &k, blinded, &public.evaluated, &[7; 64])).unwrap();
        }
        "hash-to-group" => drop(black_box(hash_to_group(&secret))),
        "ask" => drop(black_box(ask(secret))),
        "blind" => drop(black_box(additive_blind(b"somebody", &scalar()))),
        "blind-identifier" => drop(black_box(additive_blind(&secret, &Scalar::from(77_u64)))),
        "unblind" => {
            let public = Public::new();
            let base = BlindingBase::new(&public.key.public());
            black_box(additive_unblind(&public.proven(), 0, &scalar(), &base)).unwrap();
        }
        "blind-as-the-rfc" => drop(black_box(multiplicative_blind(b"somebody", &scalar()))),
        "unblind-as-the-rfc" => drop(black_box(multiplicative_unblind(&Public::new().proven(), 0, &scalar()))),
        "leaky-multiplication" => drop(black_box(leaky_multiplication(&scalar()))),
        "leaky-look-up" => drop(black_box(leaky_look_up(&secret))),
        other => panic!("no operation {other}"),
    }
}

/// What everybody may know: a key whose secret half is of no interest, and a chunk with its answer.
struct Public {
    key: SecretKey,
    blinded: Vec<Element>,
    points: Vec<Point>,
    evaluated: Vec<Element>,
}

impl Public {
    fn new() -> Self {
        let key = known_key();
        let blinded: Vec<Element> = (0..CHUNK).map(|i| encode(&hash_to_group(&[i]))).collect();
        let points = decode_all(&blinded).unwrap();
        let evaluated = blind_evaluate(&key, &points).unwrap();
        Self { key, blinded, points, evaluated }
    }

    fn proven(&self) -> Proven {
        let (c, d) = ((&self.blinded[0], &self.points[0]), &self.evaluated[0]);
        let proof = prove(&self.key, &self.key.public(), c, d, &[7; 64]);
        verify(&self.key.public(), c, d, &proof).unwrap()
    }
}

/// Its secret half is of no interest.
fn known_key() -> SecretKey {
    SecretKey::from_uniform_bytes(&[5; 64]).unwrap()
}

/// A chunk of one person, blinded under a secret seed and signed.
fn ask(secret: [u8; 32]) -> Asked {
    let operator = SigningKey::from_seed(&[3; 32]);
    let key = known_key().public();
    let holder = Holder {
        index: 1,
        share: key,
        receipt_key: SigningKey::from_seed(&[4; 32]).verifying(),
        ledger: LedgerId::from_bytes([1; 16]),
        addresses: vec![],
    };
    let record = EpochRecord {
        version: 1,
        operator: "op".parse().unwrap(),
        operator_key: operator.verifying(),
        epoch: EpochRecord::id(&operator.verifying(), &key),
        key,
        threshold: 1,
        holders: vec![holder],
        canaries: [[1; 16], [2; 16], [3; 16], [4; 16]],
        evidence: Evidence::Optional,
        created: 1,
    };
    let epoch = Arc::new(Epoch::open(&object::sign(&record, &operator), &operator.verifying()).unwrap());
    let person = Item::Person(Identifier::canary(Scheme::Nir, secret.first_chunk().unwrap()));
    let (blinding, asker) = (
        epoch.blinding(&JobSeed::from_bytes(secret)),
        Asker { insurer: InsurerId::from_bytes([2; 16]), signer: SigningKey::from_seed(&secret) },
    );
    epoch.ask(record.first_set().unwrap(), JobId::from_bytes([1; 16]), 0, [person], &blinding, &asker).unwrap()
}

/// What must be caught: a multiplication that looks at each bit.
fn leaky_multiplication(scalar: &Scalar) -> Point {
    let mut sum = vec![Point::IDENTITY];
    let other = [hash_to_group(b"somebody")];
    for byte in scalar.to_bytes().iter().rev() {
        for bit in (0..8).rev() {
            sum = add_all(&sum, &sum);
            if byte >> bit & 1 == 1 {
                sum = add_all(&sum, &other);
            }
        }
    }
    sum[0]
}

/// What must be caught: a table read where the secret says.
fn leaky_look_up(secret: &[u8; 32]) -> u8 {
    let table: [u8; 256] = black_box(std::array::from_fn(|i| u8::try_from(i).unwrap().wrapping_mul(7)));
    table[usize::from(secret[0])]
}
