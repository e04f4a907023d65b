//! Made-up people, and an operator and an insurer that know each other.

use std::sync::Arc;

use blindlist_protocol::epoch::{EpochRecord, Evidence, Holder};
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::identifier::{Identifier, Nir};
use blindlist_protocol::ids::{InsurerId, JobId, LedgerId};
use blindlist_protocol::insurer::{Asked, Asker, Epoch};
use blindlist_protocol::job::{BlindingSecret, Item, JobSeed};
use blindlist_protocol::message::{Account, Evaluated};
use blindlist_protocol::object;
use blindlist_protocol::operator::{EpochKey, Question};
use blindlist_protocol::oprf::{Scalar, SecretKey};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use curve25519_dalek::ristretto::RistrettoPoint;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// Random values that are the same in every run.
#[derive(Debug)]
pub struct Source(ChaCha12Rng);

impl Source {
    /// The source of a seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A random 128-bit number.
    pub fn number(&mut self) -> u128 {
        u128::from_le_bytes(self.bytes())
    }

    /// A random scalar.
    pub fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.bytes())
    }

    /// A random element.
    pub fn point(&mut self) -> RistrettoPoint {
        RistrettoPoint::from_uniform_bytes(&self.bytes())
    }

    /// A random secret key.
    pub fn key(&mut self) -> SecretKey {
        SecretKey::from_uniform_bytes(&self.bytes()).expect("random bytes do not reduce to zero")
    }
}

/// Identifiers of `count` different people, 39 bytes each: at most 100,000,000.
pub fn identifiers(count: usize) -> Vec<Identifier> {
    let identifier = |i| {
        let nir = Nir::parse(&format!("18006{i:08}")).expect("a man born in June 1980, in any commune");
        Identifier::nir(&nir)
    };
    (0..count).map(identifier).collect()
}

/// A name that is known to be one.
pub fn slug(name: &str) -> Slug {
    name.parse().expect("benchmarks use lower-case names")
}

/// An operator with one key holder, and an insurer that asks it.
#[derive(Debug)]
pub struct Parties {
    /// The holder's key.
    pub key: EpochKey,
    /// What the insurer knows of the epoch.
    pub epoch: Arc<Epoch>,
    /// The key that verifies the insurer's signatures.
    pub insurer: VerifyingKey,
    asker: Asker,
    receipt_key: SigningKey,
    secret: BlindingSecret,
}

/// The insurer's id.
const INSURER: InsurerId = InsurerId::from_bytes([1; 16]);

impl Parties {
    /// The parties of a seed.
    pub fn new(seed: u64) -> Self {
        let mut source = Source::new(seed);
        let (operator, signer) = (SigningKey::from_seed(&source.bytes()), SigningKey::from_seed(&source.bytes()));
        let (share, receipt_key) = (source.key(), SigningKey::from_seed(&source.bytes()));
        let key = share.public();
        let record = EpochRecord {
            version: 1,
            operator: slug("operator"),
            operator_key: operator.verifying(),
            epoch: EpochRecord::id(&operator.verifying(), &key),
            key,
            threshold: 1,
            holders: vec![Holder {
                index: 1,
                share: key,
                receipt_key: receipt_key.verifying(),
                ledger: LedgerId::from_bytes(source.bytes()),
                addresses: Vec::new(),
            }],
            canaries: [source.bytes(), source.bytes(), source.bytes(), source.bytes()],
            evidence: Evidence::Optional,
            created: 0,
        };
        let signed = object::sign(&record, &operator);
        let epoch = Arc::new(Epoch::open(&signed, &operator.verifying()).expect("the operator signed this record"));
        let secret = epoch.blinding(&JobSeed::from_bytes(source.bytes()));
        Self {
            key: EpochKey::new(record, 1, share).expect("the record names this share"),
            epoch,
            insurer: signer.verifying(),
            asker: Asker { insurer: INSURER, signer },
            receipt_key,
            secret,
        }
    }

    /// The insurer blinds a chunk.
    pub fn ask(&self, items: &Arc<[Item]>) -> Asked {
        let holders = HolderSet::try_from(vec![1]).expect("one holder");
        let job = JobId::from_bytes([0; 16]);
        let asked = self.epoch.ask(holders, job, 0, Arc::clone(items), &self.secret, &self.asker);
        asked.expect("a chunk of 1 to 8,192 for the epoch's holder")
    }

    /// The operator answers it.
    pub fn answer(&self, asked: &Asked) -> [(u8, Evaluated); 1] {
        let question = Question::validate(asked.request().clone(), &self.key, &self.insurer);
        let question = question.expect("the insurer asks rightly");
        let (elements, proof) = question.answer(&[0; 64]);
        let (ledger, charge) =
            (self.key.record().holders.first().map(|one| one.ledger), question.charge(INSURER, 8_192));
        let receipt = Receipt::of_charge(&ledger.expect("one holder"), 0, charge, 0, &self.receipt_key);
        let account = Account { granted: 0, spent: 0 };
        let answer = Evaluated { elements, proof, account, receipt };
        [(1, answer)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use blindlist_protocol::oprf::evaluate_inputs;

    #[test]
    fn identifiers_are_distinct_and_have_39_bytes() {
        let mut people = identifiers(1_000);
        assert!(people.iter().all(|identifier| identifier.as_bytes().len() == 39));
        people.sort_unstable();
        people.dedup();
        assert_eq!(people.len(), 1_000);
    }

    #[test]
    fn parties_find_what_the_key_gives() {
        let parties = Parties::new(7);
        let people = identifiers(64);
        let items = people.iter().cloned().map(Item::Person).collect();
        let asked = parties.ask(&items);
        let answers = parties.answer(&asked);
        let proven = asked.prove(&answers).expect("an honest operator");
        let found = proven.finish();

        let mut source = Source::new(7);
        let (_, _): ([u8; 32], [u8; 32]) = (source.bytes(), source.bytes());
        let inputs: Vec<&[u8]> = people.iter().map(Identifier::as_bytes).collect();
        let expected = evaluate_inputs(&source.key(), &inputs);
        assert!(found.into_iter().eq(expected.into_iter().map(Some)));
    }
}
