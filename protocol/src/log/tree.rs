//! The Merkle tree over a log (RFC 9162, section 2.1, with SHA-256).
//!
//! A [`Frontier`] grows by one leaf and needs nothing but the roots of the perfect subtrees that it is made of. A proof is
//! read from nodes that the frontier completed: [`inclusion`] and [`consistency`] say which, a log stores and fetches them.
//! Where the log is kept is not known here.

use crate::ids::Digest;
use sha2::{Digest as _, Sha256};

/// The root of a perfect subtree: of 2^level leaves, the index-th of its level, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// 0 for a leaf.
    pub level: u8,
    /// The place in its level.
    pub index: u64,
}

/// A tree's size and root: all that a checkpoint says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
}

/// A path does not show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path of hashes does not hold")]
pub struct BadPath;

/// The hash of an entry as a leaf.
pub fn leaf(entry: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

fn parent(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The root over neighbouring perfect subtrees that shrink from left to right; of none, SHA-256 of nothing.
pub fn fold(roots: &[Digest]) -> Digest {
    let folded = roots.iter().rev().copied().reduce(|right, left| parent(&left, &right));
    folded.unwrap_or_else(|| Digest::from_bytes(Sha256::digest([]).into()))
}

/// A tree that can grow: its size and the roots of its perfect subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// The tree of this size with these subtrees, if there are as many as it has.
    pub fn from_parts(size: u64, roots: Vec<Digest>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, largest first.
    pub fn roots(&self) -> &[Digest] {
        &self.roots
    }

    /// Its size and root.
    pub fn head(&self) -> Head {
        Head { size: self.size, root: fold(&self.roots) }
    }

    /// Appends a leaf; the nodes that are complete now, the leaf first.
    pub fn append(&mut self, leaf: Digest) -> Vec<(Node, Digest)> {
        let mut completed = vec![(Node { level: 0, index: self.size }, leaf)];
        let (mut node, mut hash) = (Node { level: 0, index: self.size }, leaf);
        while node.index % 2 == 1 {
            let left = self.roots.pop().expect("an odd index has a left neighbour");
            hash = parent(&left, &hash);
            node = Node { level: node.level + 1, index: node.index / 2 };
            completed.push((node, hash));
        }
        self.roots.push(hash);
        self.size += 1;
        completed
    }
}

/// The perfect subtrees of the leaves from `start` to `end`, left to right.
///
/// `start` is a multiple of a power of two that is not below their number.
fn subtrees(start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut place = start;
    while let Some(level) = (end - place).checked_ilog2() {
        nodes.push(Node { level: u8::try_from(level).expect("below 64"), index: place >> level });
        place += 1 << level;
    }
    nodes
}

/// The nodes of the tree over the first `size` leaves, left to right.
pub fn roots(size: u64) -> Vec<Node> {
    subtrees(0, size)
}

/// Leaves of the left half of a tree with so many, more than one: the largest power of two below.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// PATH(index, D\[size\]): for each hash of the inclusion proof the nodes that it is [`fold`]ed from.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Vec<Node>>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtrees(middle, end));
            end = middle;
        } else {
            path.push(subtrees(start, middle));
            start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// PROOF(from, D\[to\]): for each hash of the consistency proof the nodes that it is [`fold`]ed from; 1 ≤ from ≤ to.
pub fn consistency(from: u64, to: u64) -> Option<Vec<Vec<Node>>> {
    if from == 0 || from > to {
        return None;
    }
    let (mut start, mut end, mut path) = (0, to, Vec::new());
    while end != from {
        let middle = start + split(end - start);
        if from <= middle {
            path.push(subtrees(middle, end));
            end = middle;
        } else {
            path.push(subtrees(start, middle));
            start = middle;
        }
    }
    // Whoever asks knows the root of the smaller tree.
    if start > 0 {
        path.push(subtrees(start, end));
    }
    path.reverse();
    Some(path)
}

/// Verifies that a leaf stands at an index of a tree (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// [`BadPath`].
pub fn verify_inclusion(leaf: Digest, index: u64, head: &Head, path: &[Digest]) -> Result<(), BadPath> {
    let mut last = head.size.checked_sub(1).filter(|last| index <= *last).ok_or(BadPath)?;
    let (mut place, mut root) = (index, leaf);
    for hash in path {
        if last == 0 {
            return Err(BadPath);
        }
        if place % 2 == 1 || place == last {
            root = parent(hash, &root);
            skip_lone(&mut place, &mut last);
        } else {
            root = parent(&root, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 && root == head.root { Ok(()) } else { Err(BadPath) }
}

/// Verifies that a tree is the beginning of a larger one, or the same (RFC 9162, section 2.1.4.2).
///
/// # Errors
/// [`BadPath`].
pub fn verify_consistency(from: &Head, to: &Head, path: &[Digest]) -> Result<(), BadPath> {
    if from.size == to.size {
        return if from == to && path.is_empty() { Ok(()) } else { Err(BadPath) };
    }
    if from.size == 0 || from.size > to.size {
        return Err(BadPath);
    }
    let (mut place, mut last) = (from.size - 1, to.size - 1);
    while place % 2 == 1 {
        (place, last) = (place >> 1, last >> 1);
    }
    // The tree of a power of two of leaves is itself a node of the larger one, and left out of the path.
    let mut path = path.iter();
    let first = if place == 0 { from.root } else { *path.next().ok_or(BadPath)? };
    let (mut smaller, mut larger) = (first, first);
    for hash in path {
        if last == 0 {
            return Err(BadPath);
        }
        if place % 2 == 1 || place == last {
            (smaller, larger) = (parent(hash, &smaller), parent(hash, &larger));
            skip_lone(&mut place, &mut last);
        } else {
            larger = parent(&larger, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 && smaller == from.root && larger == to.root { Ok(()) } else { Err(BadPath) }
}

/// Climbs past the levels on which a node at the right edge has no neighbour.
fn skip_lone(place: &mut u64, last: &mut u64) {
    while place.is_multiple_of(2) && *place != 0 {
        (*place, *last) = (*place >> 1, *last >> 1);
    }
}

#[cfg(test)]
mod tests;
