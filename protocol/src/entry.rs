//! From an evaluation to an entry of a release, and labels (SPEC.md, "Entries and labels").

use crate::ids::ReleaseId;
use crate::oprf::Evaluation;
use crate::params::{ENTRY_DOMAIN, MAX_CATEGORIES};
use crate::text::Slug;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use std::fmt;

/// Where a person stands in a release, and what hides the label: both known to whoever has the evaluation only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The first 16 bytes of the hash, as a little-endian integer.
    pub tag: u128,
    /// The next 16 bytes, as a little-endian integer; a label uses its low bytes.
    pub pad: u128,
}

impl Entry {
    /// (tag, pad) of SHA-512(domain ‖ release id ‖ y).
    pub fn derive(release: &ReleaseId, evaluation: &Evaluation) -> Self {
        let hash = Sha512::new().chain_update(ENTRY_DOMAIN).chain_update(release.as_bytes());
        let digest: [u8; 64] = hash.chain_update(evaluation.as_bytes()).finalize().into();
        let (tag, rest) = digest.split_first_chunk::<16>().expect("SHA-512 has 64 bytes");
        let pad = rest.first_chunk::<16>().expect("48 bytes are left");
        Self { tag: u128::from_le_bytes(*tag), pad: u128::from_le_bytes(*pad) }
    }

    /// The label hidden by this entry's pad, in its `length` low bytes.
    pub fn seal(&self, label: Label, dictionary: &Dictionary) -> u64 {
        label.0 ^ self.pad_for(dictionary)
    }

    /// The label that was hidden.
    ///
    /// # Errors
    /// [`InconsistentLabel`] when no bit or an unused bit is set: key, proof, index and code do not belong together.
    pub fn open(&self, sealed: u64, dictionary: &Dictionary) -> Result<Label, InconsistentLabel> {
        dictionary.label(sealed ^ self.pad_for(dictionary)).ok_or(InconsistentLabel)
    }

    fn pad_for(&self, dictionary: &Dictionary) -> u64 {
        let bits = 8 * u32::from(dictionary.label_length());
        let low = u64::try_from(self.pad & u128::from(u64::MAX)).expect("64 bits");
        low & (u64::MAX >> (64 - bits))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry(redacted)")
    }
}

/// A decrypted label with no bit or an unused bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label has no category, or one that the release does not know: index, key and evaluation do not belong together"
)]
pub struct InconsistentLabel;

/// The categories exposed for one person: bit i stands for the dictionary's i-th category. Never empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label(u64);

impl Label {
    /// The bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The categories of both: a person in several rows.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Label(redacted)")
    }
}

/// The categories that the labels of a release speak of: 1 to 64 distinct names, in the order of the bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Slug>")]
pub struct Dictionary(Vec<Slug>);

/// Not a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a list has 1 to 64 categories, each named once")]
pub struct DictionaryError;

impl TryFrom<Vec<Slug>> for Dictionary {
    type Error = DictionaryError;
    fn try_from(categories: Vec<Slug>) -> Result<Self, DictionaryError> {
        let mut sorted: Vec<_> = categories.iter().collect();
        sorted.sort_unstable();
        let distinct = sorted.windows(2).all(|pair| pair.first() != pair.last());
        if distinct && (1..=MAX_CATEGORIES).contains(&categories.len()) {
            Ok(Self(categories))
        } else {
            Err(DictionaryError)
        }
    }
}

impl Dictionary {
    /// The names, in the order of the bits.
    pub fn categories(&self) -> &[Slug] {
        &self.0
    }

    /// Bytes of a label: an eighth of the number of categories, rounded up; 1 to 8.
    pub fn label_length(&self) -> u8 {
        u8::try_from(self.0.len().div_ceil(8)).expect("at most 64 categories")
    }

    /// The label with all categories.
    pub fn full(&self) -> Label {
        let unused = MAX_CATEGORIES - self.0.len();
        Label(u64::MAX >> unused)
    }

    /// The label of these bits; none when no bit or an unused one is set.
    pub fn label(&self, bits: u64) -> Option<Label> {
        (bits != 0 && bits & !self.full().0 == 0).then_some(Label(bits))
    }

    /// The label of one category, by name.
    pub fn one(&self, category: &str) -> Option<Label> {
        self.0.iter().position(|known| known.as_str() == category).map(|bit| Label(1 << bit))
    }

    /// The names of a label's categories, in the order of the bits.
    pub fn names(&self, label: Label) -> impl Iterator<Item = &Slug> {
        self.0.iter().enumerate().filter(move |(bit, _)| label.0 >> bit & 1 == 1).map(|(_, name)| name)
    }

    /// The known label of canary `i` (SPEC.md, "Canaries"): all categories for the first, then one each in turn.
    pub fn canary_label(&self, i: usize) -> Label {
        match i.checked_sub(1) {
            None => self.full(),
            Some(turn) => Label(1 << (turn % self.0.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oprf::{SecretKey, evaluate_inputs};

    fn dictionary(n: usize) -> Dictionary {
        let names: Vec<Slug> = (0..n).map(|i| format!("c{i}").parse().unwrap()).collect();
        Dictionary::try_from(names).unwrap()
    }

    fn entry(release: u8) -> Entry {
        let key = SecretKey::from_uniform_bytes(&[1; 64]).unwrap();
        let y = evaluate_inputs(&key, &[b"x"]).remove(0);
        Entry::derive(&ReleaseId::from_bytes([release; 16]), &y)
    }

    #[test]
    fn labels_survive_sealing_at_every_width() {
        for n in 1..=64 {
            let dictionary = dictionary(n);
            for label in [dictionary.full(), dictionary.one(&format!("c{}", n - 1)).unwrap()] {
                let sealed = entry(1).seal(label, &dictionary);
                assert!(u64::from(dictionary.label_length()) == 8 || sealed < 1 << (8 * dictionary.label_length()));
                assert_eq!(entry(1).open(sealed, &dictionary), Ok(label));
            }
        }
    }

    /// [LAB-2]
    #[test]
    fn empty_and_unused_bits_are_inconsistent() {
        let dictionary = dictionary(3);
        for bits in [0_u64, 0b1000, 0b1001, 0xff] {
            let sealed = bits ^ entry(1).pad_for(&dictionary);
            assert_eq!(entry(1).open(sealed, &dictionary), Err(InconsistentLabel), "{bits:b}");
        }
    }

    #[test]
    fn releases_share_neither_tag_nor_pad() {
        assert_ne!(entry(1).tag, entry(2).tag);
        assert_ne!(entry(1).pad, entry(2).pad);
    }

    /// [LAB-3]: the union has the categories of both, in the order of the dictionary.
    #[test]
    fn labels_have_names_and_unions() {
        let dictionary = dictionary(10);
        let one = |name: &str| dictionary.one(name).unwrap();
        let union = one("c9").union(one("c0")).union(one("c3")).union(one("c9"));
        let names = |label| dictionary.names(label).map(Slug::as_str).collect::<Vec<_>>();
        assert_eq!((union.bits(), names(union)), (0b10_0000_1001, vec!["c0", "c3", "c9"]));
        assert_eq!(names(dictionary.full()), dictionary.categories().iter().map(Slug::as_str).collect::<Vec<_>>());
        assert_eq!(dictionary.one("c10"), None);
    }

    #[test]
    fn debug_shows_neither_tags_nor_categories() {
        let shown = format!("{:?} {:?}", entry(1), dictionary(3).full());
        assert_eq!(shown, "Entry(redacted) Label(redacted)");
    }

    /// [MAN-2]
    #[test]
    fn dictionaries_are_distinct_names() {
        assert_eq!(Dictionary::try_from(vec![]), Err(DictionaryError));
        let twice: Vec<Slug> = vec!["a".parse().unwrap(), "b".parse().unwrap(), "a".parse().unwrap()];
        assert_eq!(Dictionary::try_from(twice), Err(DictionaryError));
        let many: Vec<Slug> = (0..65).map(|i| format!("c{i}").parse().unwrap()).collect();
        assert_eq!(Dictionary::try_from(many), Err(DictionaryError));
    }

    #[test]
    fn canary_labels_are_all_then_each_in_turn() {
        let bits: Vec<_> = (0..5).map(|i| dictionary(3).canary_label(i).bits()).collect();
        assert_eq!(bits, [0b111, 0b001, 0b010, 0b100, 0b001]);
        assert_eq!(dictionary(64).full().bits(), u64::MAX);
    }
}
