//! Operations of entries, labels, indexes and what a manifest says of them: sections 8, 9 and 11 of SPEC.md.

use blindlist_protocol::entry::{Dictionary, DictionaryError, Entry, Label};
use blindlist_protocol::ids::{Digest, ReleaseId};
use blindlist_protocol::index::{self, Header, Index, SealedEntry};
use blindlist_protocol::manifest::{segment_digests, source_commitment};
use blindlist_protocol::oprf::Evaluation;
use blindlist_protocol::text::Slug;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::values::{Fixed, Hex};

/// Input of `dictionary`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categories {
    categories: Vec<String>,
}

/// Output of `dictionary`.
#[derive(Debug, Serialize)]
pub struct DictionaryOutput {
    label_length: u8,
    canary_labels: Vec<Vec<Slug>>,
}

pub(super) fn dictionary(Categories { categories }: Categories) -> Result<DictionaryOutput, Fault> {
    let dictionary = dictionary_of(&categories)?;
    let canary_labels = (0..4).map(|i| names(&dictionary, dictionary.canary_label(i))).collect();
    Ok(DictionaryOutput { label_length: dictionary.label_length(), canary_labels })
}

fn dictionary_of(categories: &[String]) -> Result<Dictionary, Fault> {
    // The layer `text` is for texts alone: a dictionary of what are no slugs is none.
    let slugs = categories.iter().map(|text| text.parse()).collect::<Result<Vec<Slug>, _>>();
    Ok(Dictionary::try_from(slugs.map_err(|_| DictionaryError)?)?)
}

/// A label's categories.
pub(super) fn names(dictionary: &Dictionary, label: Label) -> Vec<Slug> {
    dictionary.names(label).cloned().collect()
}

/// Input of `entry`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryInput {
    release: Fixed<16>,
    evaluation: Fixed<64>,
    dictionary: Vec<String>,
    categories: Vec<String>,
}

/// Output of `entry`.
#[derive(Debug, Serialize)]
pub struct EntryOutput {
    tag: [u8; 16],
    pad: [u8; 16],
    hidden: Vec<u8>,
}

pub(super) fn entry(input: EntryInput) -> Result<EntryOutput, Fault> {
    let dictionary = dictionary_of(&input.dictionary)?;
    let entry = Entry::derive(&ReleaseId::from_bytes(input.release.0), &Evaluation::from_bytes(input.evaluation.0));
    let labels = input.categories.iter().map(|name| dictionary.one(name));
    let labels: Option<Vec<Label>> = labels.collect();
    let label = labels.and_then(|labels| labels.into_iter().reduce(Label::union));
    let label = label.ok_or(Fault::misuse("no category, or an unknown one"))?;
    let hidden = hidden_bytes(entry.seal(label, &dictionary), dictionary.label_length());
    Ok(EntryOutput { tag: entry.tag.to_le_bytes(), pad: entry.pad.to_le_bytes(), hidden })
}

/// Input of `label`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelInput {
    release: Fixed<16>,
    evaluation: Fixed<64>,
    dictionary: Vec<String>,
    hidden: Hex,
}

/// Output of `label`.
#[derive(Debug, Serialize)]
pub struct LabelOutput {
    categories: Vec<Slug>,
}

pub(super) fn label(input: LabelInput) -> Result<LabelOutput, Fault> {
    let dictionary = dictionary_of(&input.dictionary)?;
    let entry = Entry::derive(&ReleaseId::from_bytes(input.release.0), &Evaluation::from_bytes(input.evaluation.0));
    assert_eq!(input.hidden.0.len(), usize::from(dictionary.label_length()), "bytes of the hidden label");
    let label = entry.open(hidden_number(&input.hidden)?, &dictionary)?;
    Ok(LabelOutput { categories: names(&dictionary, label) })
}

/// A hidden label's bytes: the code has it as a number.
fn hidden_bytes(hidden: u64, label_length: u8) -> Vec<u8> {
    let bytes = hidden.to_le_bytes();
    let (low, high) = bytes.split_at(label_length.into());
    assert!(high.iter().all(|byte| *byte == 0), "a hidden label has no bits above its bytes");
    low.to_vec()
}

fn hidden_number(Hex(bytes): &Hex) -> Result<u64, Fault> {
    let mut number = [0; 8];
    let low = number.get_mut(..bytes.len()).ok_or(Fault::misuse("a label of more than 8 bytes"))?;
    low.copy_from_slice(bytes);
    Ok(u64::from_le_bytes(number))
}

/// Input of `index-encode`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexEncode {
    release: Fixed<16>,
    false_positive_bits: u8,
    label_length: u8,
    entries: Vec<(Fixed<16>, Hex)>,
}

/// Output of `index-encode`.
#[derive(Debug, Serialize)]
pub struct IndexOutput {
    false_positive_bits: u8,
    index: Vec<u8>,
}

pub(super) fn index_encode(input: IndexEncode) -> Result<IndexOutput, Fault> {
    let entry = |(tag, hidden): &(Fixed<16>, Hex)| {
        Ok(SealedEntry { tag: u128::from_le_bytes(tag.0), label: hidden_number(hidden)? })
    };
    let mut entries = input.entries.iter().map(entry).collect::<Result<Vec<_>, Fault>>()?;
    let index = index::encode(input.release.0, input.false_positive_bits, input.label_length, &mut entries)?;
    Index::parse(&index)?.verify()?;
    Ok(IndexOutput { false_positive_bits: Header::parse(&index)?.f(), index })
}

/// Input of `index-read`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexRead {
    index: Hex,
}

/// Output of `index-read`.
#[derive(Debug, Serialize)]
pub struct IndexContent {
    release: [u8; 16],
    entries: u32,
    false_positive_bits: u8,
    label_length: u8,
    values: Vec<[u8; 12]>,
    labels: Vec<Vec<u8>>,
}

pub(super) fn index_read(IndexRead { index: Hex(bytes) }: IndexRead) -> Result<IndexContent, Fault> {
    let index = Index::parse(&bytes)?;
    index.verify()?;
    let header = index.header();
    let (mut values, mut block_values) = (Vec::new(), Vec::new());
    for block in 0..header.blocks() {
        index.decode_block(block, &mut block_values)?;
        values.append(&mut block_values);
    }
    let tags: Vec<u128> = values.iter().map(|value| tag_of(header, *value)).collect();
    let labels = look_up(&index, &tags)?.into_iter();
    let labels = labels.map(|label| label.expect("every value of an index is found in it")).collect();
    Ok(IndexContent {
        release: header.release(),
        entries: header.entries(),
        false_positive_bits: header.f(),
        label_length: header.label_len(),
        values: values.iter().map(|value| *value.to_le_bytes().first_chunk().expect("a value of 16 bytes")).collect(),
        labels,
    })
}

/// The first tag of a value. The protocol gives labels to whoever has a tag only.
fn tag_of(header: &Header, value: u128) -> u128 {
    let (mut low, mut high) = (0, u128::MAX);
    while low < high {
        let middle = low.midpoint(high);
        if header.value(middle) < value {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    assert_eq!(header.value(low), value, "every value below R has a tag");
    low
}

/// The hidden labels of ascending tags.
fn look_up(index: &Index<&[u8]>, sorted_tags: &[u128]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
    let mut labels: Vec<Option<Vec<u8>>> = vec![None; sorted_tags.len()];
    let length = index.header().label_len();
    index.merge(sorted_tags.iter().copied(), |place, label| {
        let slot = labels.get_mut(place).expect("the place of a tag that was asked for");
        assert!(slot.replace(hidden_bytes(label, length)).is_none(), "each tag is found once");
    })?;
    for (tag, label) in sorted_tags.iter().zip(&labels) {
        let alone = index.lookup(*tag)?.map(|label| hidden_bytes(label, length));
        assert_eq!(alone, *label, "one tag and many are looked up alike");
    }
    Ok(labels)
}

/// Input of `index-look-up`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexLookUp {
    index: Hex,
    tags: Vec<Fixed<16>>,
}

/// Output of `index-look-up`.
#[derive(Debug, Serialize)]
pub struct LookedUp {
    hidden: Vec<Option<Vec<u8>>>,
}

pub(super) fn index_look_up(IndexLookUp { index: Hex(bytes), tags }: IndexLookUp) -> Result<LookedUp, Fault> {
    let index = Index::parse(&bytes)?;
    index.verify()?;
    let mut tags: Vec<(u128, usize)> = tags.iter().map(|tag| u128::from_le_bytes(tag.0)).zip(0..).collect();
    tags.sort_unstable();
    let sorted: Vec<u128> = tags.iter().map(|(tag, _)| *tag).collect();
    let found = look_up(&index, &sorted)?;
    let mut hidden: Vec<_> = tags.into_iter().map(|(_, place)| place).zip(found).collect();
    hidden.sort_unstable();
    Ok(LookedUp { hidden: hidden.into_iter().map(|(_, label)| label).collect() })
}

/// Input of `source`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    salt: Fixed<32>,
    inputs: Vec<Fixed<32>>,
}

/// Output of `source`.
#[derive(Debug, Serialize)]
pub struct SourceOutput {
    source: Digest,
}

pub(super) fn source(Source { salt, inputs }: Source) -> Result<SourceOutput, Fault> {
    let inputs: Vec<Digest> = inputs.iter().map(|digest| Digest::from_bytes(digest.0)).collect();
    Ok(SourceOutput { source: source_commitment(&salt.0, &inputs) })
}

/// Input of `segments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segments {
    length: usize,
}

/// Output of `segments`.
#[derive(Debug, Serialize)]
pub struct SegmentsOutput {
    segments: Vec<Digest>,
}

pub(super) fn segments(Segments { length }: Segments) -> Result<SegmentsOutput, Fault> {
    let index: Vec<u8> = (0..=250).cycle().take(length).collect();
    Ok(SegmentsOutput { segments: segment_digests(&index) })
}
