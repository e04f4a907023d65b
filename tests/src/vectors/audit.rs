//! Operations of the audit log and of what hangs on it: sections 22 and 24 of SPEC.md.

use std::collections::HashMap;

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::log::Entry;
use blindlist_protocol::log::audit::Auditor;
use blindlist_protocol::log::export::{ExportError, Line, Reader};
use blindlist_protocol::log::tree::{self, Frontier, Head, Node};
use blindlist_protocol::params::MAX_SUCCESSIONS;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::{Signature, SigningKey, VerifyingKey};
use blindlist_protocol::succession::Pins;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::people::Nothing;
use super::values::{Fixed, Hex};

/// Input of `log-entry`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryInput {
    entry: Hex,
}

/// Output of `log-entry`.
#[derive(Debug, Serialize)]
pub struct EntryOutput {
    fields: Entry,
    leaf: Digest,
}

pub(super) fn log_entry(EntryInput { entry: Hex(bytes) }: EntryInput) -> Result<EntryOutput, Fault> {
    let fields = Entry::decode(&bytes)?;
    assert_eq!(fields.encode(), bytes, "the entry encoded again");
    Ok(EntryOutput { fields, leaf: tree::leaf(&bytes) })
}

/// Input of `log-verify`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogInput {
    entries: Vec<Hex>,
}

/// Output of `log-verify`.
#[derive(Debug, Serialize)]
pub struct RootOutput {
    root: Digest,
}

pub(super) fn log_verify(LogInput { entries }: LogInput) -> Result<RootOutput, Fault> {
    let mut auditor = Auditor::default();
    for Hex(entry) in &entries {
        auditor.read(entry)?;
    }
    Ok(RootOutput { root: auditor.head().root })
}

/// A log with all its nodes.
struct Log(HashMap<Node, Digest>);

impl Log {
    fn of(entries: &[Hex]) -> Self {
        let mut frontier = Frontier::default();
        Self(entries.iter().flat_map(|Hex(entry)| frontier.append(tree::leaf(entry))).collect())
    }

    fn fold(&self, nodes: &[Node]) -> Result<Digest, Fault> {
        let hashes: Option<Vec<Digest>> = nodes.iter().map(|node| self.0.get(node).copied()).collect();
        Ok(tree::fold(&hashes.ok_or(Fault::misuse("a tree that is larger than the log"))?))
    }

    fn root(&self, size: u64) -> Result<Digest, Fault> {
        self.fold(&tree::roots(size))
    }

    fn path(&self, path: Option<Vec<Vec<Node>>>) -> Result<Vec<Digest>, Fault> {
        let path = path.ok_or(Fault::misuse("a path that there is not"))?;
        path.iter().map(|nodes| self.fold(nodes)).collect()
    }
}

/// Input of `inclusion-prove`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionInput {
    entries: Vec<Hex>,
    index: u64,
    size: u64,
}

/// Output of `inclusion-prove`.
#[derive(Debug, Serialize)]
pub struct InclusionOutput {
    root: Digest,
    path: Vec<Digest>,
}

pub(super) fn inclusion_prove(input: InclusionInput) -> Result<InclusionOutput, Fault> {
    let log = Log::of(&input.entries);
    Ok(InclusionOutput { root: log.root(input.size)?, path: log.path(tree::inclusion(input.index, input.size))? })
}

/// Input of `inclusion-verify`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InclusionProof {
    entry: Hex,
    index: u64,
    size: u64,
    root: Fixed<32>,
    path: Vec<Fixed<32>>,
}

pub(super) fn inclusion_verify(input: InclusionProof) -> Result<Nothing, Fault> {
    let head = Head { size: input.size, root: Digest::from_bytes(input.root.0) };
    tree::verify_inclusion(tree::leaf(&input.entry.0), input.index, &head, &path(&input.path))?;
    Ok(Nothing {})
}

fn path(hashes: &[Fixed<32>]) -> Vec<Digest> {
    hashes.iter().map(|hash| Digest::from_bytes(hash.0)).collect()
}

/// Input of `consistency-prove`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyInput {
    entries: Vec<Hex>,
    from: u64,
    to: u64,
}

/// Output of `consistency-prove`.
#[derive(Debug, Serialize)]
pub struct ConsistencyOutput {
    from_root: Digest,
    to_root: Digest,
    path: Vec<Digest>,
}

pub(super) fn consistency_prove(
    ConsistencyInput { entries, from, to }: ConsistencyInput,
) -> Result<ConsistencyOutput, Fault> {
    let log = Log::of(&entries);
    let path = log.path(tree::consistency(from, to))?;
    Ok(ConsistencyOutput { from_root: log.root(from)?, to_root: log.root(to)?, path })
}

/// Input of `consistency-verify`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyProof {
    from: u64,
    from_root: Fixed<32>,
    to: u64,
    to_root: Fixed<32>,
    path: Vec<Fixed<32>>,
}

pub(super) fn consistency_verify(input: ConsistencyProof) -> Result<Nothing, Fault> {
    let head = |size, root: Fixed<32>| Head { size, root: Digest::from_bytes(root.0) };
    let (from, to) = (head(input.from, input.from_root), head(input.to, input.to_root));
    tree::verify_consistency(&from, &to, &path(&input.path))?;
    Ok(Nothing {})
}

/// Input of `receipt-sign`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptInput {
    ledger: Fixed<16>,
    index: u64,
    entry: Hex,
    seed: Fixed<32>,
}

/// Output of `receipt-sign`.
#[derive(Debug, Serialize)]
pub struct SignatureOutput {
    signature: Signature,
}

pub(super) fn receipt_sign(input: ReceiptInput) -> Result<SignatureOutput, Fault> {
    let ReceiptInput { ledger, index, entry: Hex(entry), seed } = input;
    let receipt = Receipt::sign(&LedgerId::from_bytes(ledger.0), index, entry, &SigningKey::from_seed(&seed.0));
    Ok(SignatureOutput { signature: receipt.signature })
}

/// Input of `checkpoint-sign`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointInput {
    ledger: Fixed<16>,
    size: u64,
    root: Fixed<32>,
    time: u64,
    seed: Fixed<32>,
}

/// Output of `checkpoint-sign`.
#[derive(Debug, Serialize)]
pub struct CheckpointOutput {
    signature: Signature,
    note: String,
}

pub(super) fn checkpoint_sign(input: CheckpointInput) -> Result<CheckpointOutput, Fault> {
    let CheckpointInput { ledger, size, root, time, seed } = input;
    let (head, key) = (Head { size, root: Digest::from_bytes(root.0) }, SigningKey::from_seed(&seed.0));
    let checkpoint = Checkpoint::sign(LedgerId::from_bytes(ledger.0), &head, time, &key);
    let signature = checkpoint.signature;
    Ok(CheckpointOutput { signature, note: Note::new(checkpoint, &key.verifying())?.to_string() })
}

/// Input of `note-open`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteInput {
    note: String,
    key: Fixed<32>,
}

pub(super) fn note_open(NoteInput { note, key }: NoteInput) -> Result<Checkpoint, Fault> {
    let opened = Note::open(&note, &VerifyingKey::from_bytes(key.0))?;
    assert_eq!(opened.to_string(), note, "the note written again");
    Ok(opened.checkpoint().clone())
}

/// Input of `cosign`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosignInput {
    note: String,
    key: Fixed<32>,
    name: String,
    time: u64,
    seed: Fixed<32>,
}

/// Output of `cosign`.
#[derive(Debug, Serialize)]
pub struct NoteOutput {
    note: String,
}

pub(super) fn cosign(CosignInput { note, key, name, time, seed }: CosignInput) -> Result<NoteOutput, Fault> {
    let mut note = Note::open(&note, &VerifyingKey::from_bytes(key.0))?;
    let witness = SigningKey::from_seed(&seed.0);
    note.cosign(&name, time, &witness)?;
    assert_eq!(note.cosigned(&name, &witness.verifying()), Some(time));
    Ok(NoteOutput { note: note.to_string() })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointFields {
    ledger: Fixed<16>,
    size: u64,
    root: Fixed<32>,
    time: u64,
    signature: Fixed<64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    index: u64,
    entry: Hex,
    path: Vec<Fixed<32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    size: u64,
    root: Fixed<32>,
    path: Vec<Fixed<32>>,
}

/// Input of `checkpoint-accept`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptInput {
    ledger: Fixed<16>,
    key: Fixed<32>,
    checkpoint: CheckpointFields,
    receipts: Vec<Held>,
    earlier: Vec<Earlier>,
}

/// Output of `checkpoint-accept`.
#[derive(Debug, Serialize)]
pub struct SizeOutput {
    size: u64,
}

pub(super) fn checkpoint_accept(input: AcceptInput) -> Result<SizeOutput, Fault> {
    let CheckpointFields { ledger, size, root, time, signature } = input.checkpoint;
    let (root, signature) = (Digest::from_bytes(root.0), Signature::from_bytes(signature.0));
    let checkpoint = Checkpoint { ledger: LedgerId::from_bytes(ledger.0), size, root, time, signature };
    // Who signed a receipt is not asked here.
    let receipts = input.receipts.into_iter().map(|held| {
        let receipt = Receipt { index: held.index, entry: held.entry.0, signature };
        (receipt, path(&held.path))
    });
    let earlier = input.earlier.iter().map(|earlier| {
        let head = Head { size: earlier.size, root: Digest::from_bytes(earlier.root.0) };
        (head, path(&earlier.path))
    });
    let (ledger, key) = (LedgerId::from_bytes(input.ledger.0), VerifyingKey::from_bytes(input.key.0));
    let accepted = checkpoint.accept(&ledger, &key, &earlier.collect::<Vec<_>>(), &receipts.collect::<Vec<_>>())?;
    Ok(SizeOutput { size: accepted.size })
}

/// Input of `export-read`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportInput {
    export: String,
    key: Fixed<32>,
}

/// Output of `export-read`.
#[derive(Debug, Serialize)]
pub struct ExportOutput {
    ledger: LedgerId,
    size: u64,
    root: Digest,
}

pub(super) fn export_read(ExportInput { export, key }: ExportInput) -> Result<ExportOutput, Fault> {
    let key = VerifyingKey::from_bytes(key.0);
    let mut lines = export.strip_suffix('\n').ok_or(ExportError::Malformed)?.split('\n');
    let mut reader = Reader::new(lines.next().ok_or(ExportError::Malformed)?)?;
    let mut ended = false;
    for line in lines {
        if ended {
            return Err(ExportError::Malformed.into());
        }
        ended = matches!(reader.read(line, &key)?, Line::End(_));
    }
    if !ended {
        return Err(ExportError::Malformed.into());
    }
    let head = reader.head();
    Ok(ExportOutput { ledger: *reader.ledger(), size: head.size, root: head.root })
}

/// Input of `succession-accept`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuccessionInput {
    pinned: Fixed<32>,
    successor: Fixed<32>,
    successions: Vec<Hex>,
}

/// Output of `succession-accept`.
#[derive(Debug, Serialize)]
pub struct PinsOutput {
    pinned: VerifyingKey,
    successor: Digest,
}

pub(super) fn succession_accept(input: SuccessionInput) -> Result<PinsOutput, Fault> {
    let (operator_key, successor) = (VerifyingKey::from_bytes(input.pinned.0), Digest::from_bytes(input.successor.0));
    let mut pins = Pins { operator_key, successor };
    for (number, Hex(succession)) in input.successions.iter().enumerate() {
        if number == MAX_SUCCESSIONS {
            return Err(Fault::new("succession", "SUC-2"));
        }
        pins = pins.follow(succession)?;
    }
    Ok(PinsOutput { pinned: pins.operator_key, successor: pins.successor })
}
