//! An operator's audit log in memory, which tests may change as no honest operator would.

use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::checkpoint::note::Note;
use blindlist_protocol::ids::{Digest, LedgerId};
use blindlist_protocol::log::export::{entry_line, first_line, last_line};
use blindlist_protocol::log::tree::{self, Frontier, Head, Node, leaf};
use blindlist_protocol::log::{Entry, Event};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::signature::SigningKey;

use super::operator::NOW;

/// The log.
#[derive(Clone)]
pub(crate) struct TestLog {
    pub(super) ledger: LedgerId,
    pub(super) key: SigningKey,
    pub(super) entries: Vec<Vec<u8>>,
    /// Added to the time of its checkpoints.
    pub(super) later: u64,
}

impl TestLog {
    pub(super) fn new(ledger: LedgerId, key: SigningKey) -> Self {
        Self { ledger, key, entries: Vec::new(), later: 0 }
    }

    /// Appends an event and gives its receipt.
    pub(super) fn append(&mut self, event: Event) -> Receipt {
        let entry = Entry { time: NOW, event }.encode();
        self.entries.push(entry.clone());
        Receipt::sign(&self.ledger, self.entries.len() as u64 - 1, entry, &self.key)
    }

    fn head(&self, size: usize) -> Head {
        let mut tree = Frontier::default();
        self.entries[..size].iter().for_each(|entry| drop(tree.append(leaf(entry))));
        tree.head()
    }

    /// The checkpoint of all entries.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::sign(self.ledger, &self.head(self.entries.len()), NOW + self.later, &self.key)
    }

    fn hash(&self, node: Node) -> Digest {
        let (first, count) = (usize::try_from(node.index << node.level).unwrap(), 1_usize << node.level);
        let mut tree = Frontier::default();
        self.entries[first..first + count].iter().for_each(|entry| drop(tree.append(leaf(entry))));
        tree.head().root
    }

    fn path(&self, nodes: Option<Vec<Vec<Node>>>, size: u64) -> Option<Vec<Digest>> {
        let nodes = nodes.filter(|_| size <= self.entries.len() as u64)?;
        let fold = |nodes: Vec<Node>| tree::fold(&nodes.into_iter().map(|node| self.hash(node)).collect::<Vec<_>>());
        Some(nodes.into_iter().map(fold).collect())
    }

    pub(super) fn consistency(&self, from: u64, to: u64) -> Option<Vec<Digest>> {
        self.path(tree::consistency(from, to), to)
    }

    pub(super) fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Digest>> {
        self.path(tree::inclusion(index, size), size)
    }

    /// The note of all entries.
    pub(super) fn note(&self) -> Note {
        Note::new(self.checkpoint(), &self.key.verifying()).unwrap()
    }

    /// The export of all entries.
    pub(super) fn export(&self) -> String {
        let entries = (0..).zip(&self.entries).map(|(index, entry)| entry_line(index, entry));
        let lines = std::iter::once(first_line(&self.ledger)).chain(entries);
        lines.chain([last_line(&self.note())]).map(|line| line + "\n").collect()
    }
}
