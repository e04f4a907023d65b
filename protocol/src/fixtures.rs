//! What the tests of several modules need: an operator with its keys, an insurer, and damage to encodings.
//!
//! Everything here is a function of small numbers, so that a failure can be repeated. Not compiled outside tests.

pub(crate) mod any;

use crate::codec::CodecError;
use crate::entry::Dictionary;
use crate::epoch::{EpochRecord, Evidence, Holder};
use crate::holders::HolderSet;
use crate::identifier::{Identifier, Nir, Scheme};
use crate::ids::{Digest, InsurerId, JobId, LedgerId, ReleaseId};
use crate::insurer::{Asker, Epoch};
use crate::job::{BlindingSecret, Item, JobSeed};
use crate::manifest::Manifest;
use crate::message::{Account, Evaluate, Evaluated};
use crate::object::{self, Kind, ObjectError};
use crate::operator::{EpochKey, Question};
use crate::oprf::{Element, PublicKey, Scalar, SecretKey};
use crate::receipt::Receipt;
use crate::signature::SigningKey;
use crate::text::Slug;
use std::fmt;
use std::sync::Arc;

/// The encoding of G, the generator: RFC 9496, appendix A.1.
pub(crate) const G: &str = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";
/// The encoding of 2·G, of the same appendix.
pub(crate) const G2: &str = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919";

/// An operator with one epoch, whose key is shared among holders 1 to n.
pub(crate) struct Operator {
    /// The manifest key.
    pub(crate) signing: SigningKey,
    /// The epoch's key, whole.
    pub(crate) key: SecretKey,
    /// The share of each holder, in order.
    pub(crate) shares: Vec<SecretKey>,
    /// The epoch record.
    pub(crate) record: EpochRecord,
}

impl Operator {
    /// The operator of these two seeds; its epoch wants `threshold` of `holders`.
    pub(crate) fn new(signing: u8, key: u8, threshold: u8, holders: u8) -> Self {
        let signing = SigningKey::from_seed(&[signing; 32]);
        let coefficients: Vec<_> = (0..threshold).map(|i| secret_key(key, i)).collect();
        let at = |x: u8| {
            let terms = coefficients.iter().rev();
            terms.fold(Scalar::ZERO, |sum, c| sum * Scalar::from(x) + c.scalar())
        };
        let shares: Vec<_> = (1..=holders).map(|x| SecretKey::from_scalar(at(x)).unwrap()).collect();
        let key = coefficients[0].clone();
        let record = record(&signing, &key.public(), threshold, &shares);
        Self { signing, key, shares, record }
    }

    /// The signed epoch record.
    pub(crate) fn signed_record(&self) -> Vec<u8> {
        object::sign(&self.record, &self.signing)
    }

    /// What an insurer sees of the epoch.
    pub(crate) fn epoch(&self) -> Arc<Epoch> {
        Arc::new(Epoch::open(&self.signed_record(), &self.signing.verifying()).unwrap())
    }

    /// What a holder has.
    pub(crate) fn epoch_key(&self, index: u8) -> EpochKey {
        EpochKey::new(self.record.clone(), index, self.shares[usize::from(index) - 1].clone()).unwrap()
    }

    /// The blinding secret of a job in this epoch.
    pub(crate) fn blinding(&self, seed: u8) -> BlindingSecret {
        BlindingSecret::new(&JobSeed::from_bytes([seed; 32]), &self.signing.verifying(), &self.record.key)
    }

    /// A holder's answer to a request, with this much randomness.
    pub(crate) fn answer(&self, index: u8, request: &Evaluate, random: u8) -> Evaluated {
        let epoch_key = self.epoch_key(index);
        let question = Question::validate(request.clone(), &epoch_key, &insurer().verifying()).unwrap();
        let (elements, proof) = question.answer(&[random; 64]);
        let (ledger, charge) = (LedgerId::from_bytes([index; 16]), question.charge(INSURER, 10_000));
        let receipt = Receipt::of_charge(&ledger, index.into(), charge, 7, &receipt_key(index));
        Evaluated { elements, proof, account: Account { granted: 100, spent: 1 }, receipt }
    }

    /// The answers of all holders that a request names.
    pub(crate) fn answers(&self, request: &Evaluate) -> Vec<(u8, Evaluated)> {
        let indices = request.holders.indices().iter();
        indices.map(|i| (*i, self.answer(*i, request, *i))).collect()
    }

    /// A manifest of the epoch: the first release of a list, with one segment.
    pub(crate) fn manifest(&self) -> Manifest {
        Manifest {
            operator: slug("op"),
            operator_key: self.signing.verifying(),
            list: slug("li"),
            title: "é".parse().unwrap(),
            incident: None,
            audience: vec![],
            release: ReleaseId::from_bytes([0x22; 16]),
            sequence: 1,
            previous: None,
            created: 7,
            epoch: self.record.epoch,
            key: self.record.key,
            scheme: Scheme::Nir,
            entries: 4,
            false_positive_bits: 40,
            dictionary: Dictionary::try_from(vec![slug("a")]).unwrap(),
            source: Digest::from_bytes([0x33; 32]),
            index_length: 9,
            segment_length: 1 << 20,
            segments: vec![Digest::from_bytes([0x44; 32])],
        }
    }
}

fn record(signing: &SigningKey, key: &PublicKey, threshold: u8, shares: &[SecretKey]) -> EpochRecord {
    let holder = |(index, share): (u8, &SecretKey)| Holder {
        index,
        share: share.public(),
        receipt_key: receipt_key(index).verifying(),
        ledger: LedgerId::from_bytes([index; 16]),
        addresses: vec!["[::1]:4433".parse().unwrap()],
    };
    EpochRecord {
        version: 1,
        operator: slug("op"),
        operator_key: signing.verifying(),
        epoch: EpochRecord::id(&signing.verifying(), key),
        key: *key,
        threshold,
        holders: (1..).zip(shares).map(holder).collect(),
        canaries: [[1; 16], [2; 16], [3; 16], [4; 16]],
        evidence: Evidence::Optional,
        created: 1_700_000_000,
    }
}

/// A key that is a function of two numbers, which must not both be 0.
pub(crate) fn secret_key(seed: u8, i: u8) -> SecretKey {
    let mut bytes = [seed; 64];
    bytes[0] = i;
    SecretKey::from_uniform_bytes(&bytes).unwrap()
}

/// The insurer's request-signing key.
pub(crate) fn insurer() -> SigningKey {
    SigningKey::from_seed(&[0x1f; 32])
}

/// Who asks.
pub(crate) fn asker() -> Asker {
    Asker { insurer: INSURER, signer: insurer() }
}

/// A holder's receipt key.
pub(crate) fn receipt_key(index: u8) -> SigningKey {
    SigningKey::from_seed(&[0xa0 + index; 32])
}

/// The insurer's id.
pub(crate) const INSURER: InsurerId = InsurerId::from_bytes([0x1e; 16]);

/// The insurer's job.
pub(crate) const JOB: JobId = JobId::from_bytes([0x10; 16]);

/// A name.
pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// A set of holders.
pub(crate) fn holders(indices: &[u8]) -> HolderSet {
    HolderSet::try_from(indices.to_vec()).unwrap()
}

/// The public key of this encoding.
pub(crate) fn public_key(encoding: &str) -> PublicKey {
    let bytes: [u8; 32] = unhex(encoding).try_into().unwrap();
    Element::from_bytes(bytes).try_into().unwrap()
}

/// So many distinct people who do not exist.
pub(crate) fn people(count: u32) -> Vec<Identifier> {
    let numbers = (0..count).map(|i| format!("1800175{i:06}"));
    numbers.map(|text| Identifier::nir(&Nir::parse(&text).unwrap())).collect()
}

/// [`people`] as items of a job.
pub(crate) fn items(count: u32) -> Vec<Item> {
    people(count).into_iter().map(Item::Person).collect()
}

/// The bytes of a layout that is written as hexadecimal.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// The bytes with the one place where `from` stands replaced. Both are hexadecimal.
pub(crate) fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (unhex(from), unhex(to));
    let places: Vec<_> = (0..bytes.len()).filter(|i| bytes[*i..].starts_with(&from)).collect();
    assert_eq!(places.len(), 1, "the part to replace must occur once");
    let (before, rest) = bytes.split_at(places[0]);
    [before, &to, &rest[from.len()..]].concat()
}

/// Asserts what every message owes: `good` is the one encoding of one value, and damage shows.
///
/// Every prefix is malformed, one more byte is left over, and whatever decodes after any one byte was changed is another
/// value with exactly those bytes as its encoding.
pub(crate) fn assert_strict<T: PartialEq + fmt::Debug>(
    value: &T,
    encode: impl Fn(&T) -> Vec<u8>,
    decode: impl Fn(&[u8]) -> Result<T, CodecError>,
) {
    let good = encode(value);
    assert_eq!(decode(&good).as_ref(), Ok(value));
    for length in 0..good.len() {
        assert_eq!(decode(&good[..length]), Err(CodecError::Malformed), "the first {length} bytes");
    }
    assert_eq!(decode(&[&good[..], &[0]].concat()), Err(CodecError::Trailing(1)));
    for place in 0..good.len() {
        for change in [1, 2, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[place] ^= change;
            if let Ok(other) = decode(&bytes) {
                assert_ne!(&other, value, "byte {place} changed by {change}");
                assert_eq!(encode(&other), bytes, "byte {place} changed by {change}");
            }
        }
    }
}

/// A change, and the id of the rule that it breaks.
pub(crate) type Broken<T> = (fn(&mut T), &'static str);

/// Asserts that each change of `good` breaks the rule that is said with it, and that `good` itself breaks none.
pub(crate) fn assert_rules<T: Kind + Clone + PartialEq + fmt::Debug>(good: &T, key: &SigningKey, broken: &[Broken<T>]) {
    let reopened = |value: &T| object::open::<T>(&object::sign(value, key), &key.verifying());
    assert_eq!(reopened(good).as_ref(), Ok(good));
    for (i, (change, rule)) in broken.iter().enumerate() {
        let mut value = good.clone();
        change(&mut value);
        let Err(ObjectError::Invalid(found)) = reopened(&value) else { panic!("change {i} breaks no rule") };
        assert_eq!(found.rule, *rule, "change {i}: {found}");
    }
}

/// Asserts that each change of `good` keeps the rules.
pub(crate) fn assert_allowed<T: Kind + Clone + PartialEq + fmt::Debug>(
    good: &T,
    key: &SigningKey,
    allowed: &[fn(&mut T)],
) {
    for (i, change) in allowed.iter().enumerate() {
        let mut value = good.clone();
        change(&mut value);
        assert_ne!(&value, good, "change {i} changes something");
        assert_eq!(object::open::<T>(&object::sign(&value, key), &key.verifying()), Ok(value), "change {i}");
    }
}
