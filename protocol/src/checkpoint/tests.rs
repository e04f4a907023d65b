//! What is signed, and what a client holds a checkpoint against.

use super::*;
use crate::log::tree::{Frontier, leaf};

const LEDGER: LedgerId = LedgerId::from_bytes([0x22; 16]);

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// The head of a log whose entries are the numbers 0, 1, …
fn head(size: u64) -> Head {
    let mut log = Frontier::default();
    (0..size).for_each(|i| drop(log.append(leaf(&i.to_le_bytes()))));
    log.head()
}

/// The path that [`tree`] asks for, in the log of 8 entries.
fn path(nodes: Option<Vec<Vec<tree::Node>>>) -> Vec<Digest> {
    let mut log = Frontier::default();
    let nodes_of: Vec<_> = (0..8_u64).flat_map(|i| log.append(leaf(&i.to_le_bytes()))).collect();
    let hash = |node: &tree::Node| nodes_of.iter().find(|(found, _)| found == node).unwrap().1;
    nodes.unwrap().iter().map(|nodes| tree::fold(&nodes.iter().map(hash).collect::<Vec<_>>())).collect()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint::sign(LEDGER, &head(size), 1_700_000_000, &key())
}

fn receipt(index: u64) -> (Receipt, Vec<Digest>) {
    let receipt = Receipt::sign(&LEDGER, index, index.to_le_bytes().to_vec(), &key());
    (receipt, path(tree::inclusion(index, 8)))
}

fn earlier(size: u64) -> (Head, Vec<Digest>) {
    (head(size), path(tree::consistency(size, 8)))
}

fn accepted(
    checkpoint: &Checkpoint,
    earlier: &[(Head, Vec<Digest>)],
    receipts: &[(Receipt, Vec<Digest>)],
) -> Result<Head, CheckpointError> {
    checkpoint.accept(&LEDGER, &key().verifying(), earlier, receipts)
}

#[test]
fn what_is_signed_is_four_lines() {
    let checkpoint = Checkpoint { root: Digest::from_bytes([0; 32]), ..checkpoint(3) };
    let expected = "blindlist/1/checkpoint/22222222222222222222222222222222\n3\n\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nblindlist time 1700000000\n";
    assert_eq!(checkpoint.text(), expected);
    assert_eq!(key().verifying().verify(expected.as_bytes(), &checkpoint.signature), Err(BadSignature));
}

/// [AUD-7]
#[test]
fn a_checkpoint_goes_on_from_what_is_known() {
    let eight = checkpoint(8);
    let known = [earlier(1), earlier(3), earlier(8), (head(0), vec![])];
    assert_eq!(accepted(&eight, &known, &[receipt(0), receipt(5), receipt(7)]), Ok(head(8)));

    let by_another = Checkpoint::sign(LEDGER, &head(8), 7, &SigningKey::from_seed(&[2; 32]));
    assert_eq!(accepted(&by_another, &[], &[]), Err(CheckpointError::Signature));
    let elsewhere = Checkpoint::sign(LedgerId::from_bytes([3; 16]), &head(8), 7, &key());
    assert_eq!(accepted(&elsewhere, &[], &[]), Err(CheckpointError::Ledger));

    let mut forked = earlier(3);
    forked.0.root = leaf(b"other");
    assert_eq!(accepted(&eight, &[earlier(1), forked], &[]), Err(CheckpointError::NotConsistent(3)));
    let (three, _) = earlier(3);
    assert_eq!(accepted(&eight, &[(three, earlier(4).1)], &[]), Err(CheckpointError::NotConsistent(3)));

    let seven = checkpoint(7);
    assert_eq!(accepted(&seven, &[], &[receipt(7)]), Err(CheckpointError::Uncovered(7)));
    let mut changed = receipt(5);
    changed.0.entry.push(0);
    assert_eq!(accepted(&eight, &[], &[receipt(0), changed]), Err(CheckpointError::NotIncluded(5)));
    let moved = (Receipt { index: 4, ..receipt(5).0 }, receipt(5).1);
    assert_eq!(accepted(&eight, &[], &[moved]), Err(CheckpointError::NotIncluded(4)));
}

/// [AUD-8]
#[test]
fn a_log_never_shrinks() {
    assert_eq!(accepted(&checkpoint(7), &[earlier(8)], &[]), Err(CheckpointError::Shrunk(8)));
    let other = Head { root: leaf(b"other"), ..head(8) };
    assert_eq!(accepted(&checkpoint(8), &[(other, vec![])], &[]), Err(CheckpointError::Shrunk(8)));
    assert_eq!(accepted(&checkpoint(8), &[(head(8), vec![])], &[]), Ok(head(8)));
    let nothing = Head { root: leaf(b"other"), size: 0 };
    assert!(accepted(&checkpoint(8), &[(nothing, vec![])], &[]).is_err(), "the empty log has one root");
}
