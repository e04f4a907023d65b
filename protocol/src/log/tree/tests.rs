//! The tree against the definition of RFC 9162, section 2.1, and every path at every size up to a few dozen.

use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|i| leaf(&i.to_le_bytes())).collect()
}

/// MTH, as section 2.1.1 defines it over hashed leaves.
fn merkle_tree_hash(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::from_bytes(Sha256::digest([]).into()),
        [one] => *one,
        _ => {
            let mut k = 1;
            while 2 * k < leaves.len() {
                k *= 2;
            }
            parent(&merkle_tree_hash(&leaves[..k]), &merkle_tree_hash(&leaves[k..]))
        }
    }
}

/// A log that keeps what the frontier completes.
struct Log {
    frontier: Frontier,
    nodes: HashMap<Node, Digest>,
}

impl Log {
    fn new(count: u64) -> Self {
        let mut log = Self { frontier: Frontier::default(), nodes: HashMap::new() };
        for leaf in leaves(count) {
            for (node, hash) in log.frontier.append(leaf) {
                assert_eq!(log.nodes.insert(node, hash), None, "no node is completed twice");
            }
        }
        log
    }

    fn hashes(&self, path: &[Vec<Node>]) -> Vec<Digest> {
        path.iter().map(|nodes| fold(&nodes.iter().map(|node| self.nodes[node]).collect::<Vec<_>>())).collect()
    }

    fn head(&self, size: u64) -> Head {
        Head { size, root: self.hashes(&[roots(size)])[0] }
    }
}

const SIZES: u64 = 40;

#[test]
fn the_root_is_the_merkle_tree_hash() {
    assert_eq!(
        Frontier::default().head().root.to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "of nothing, SHA-256 of nothing"
    );
    let log = Log::new(SIZES);
    for size in 0..=SIZES {
        let root = merkle_tree_hash(&leaves(size));
        assert_eq!(log.head(size).root, root, "read from the nodes of a larger tree");
        assert_eq!(Log::new(size).frontier.head(), Head { size, root });
    }
}

#[test]
fn a_frontier_comes_back_from_its_parts_only() {
    let frontier = Log::new(11).frontier;
    assert_eq!(Frontier::from_parts(11, frontier.roots().to_vec()), Some(frontier.clone()));
    for wrong in [8, 12, 15, 0] {
        assert_eq!(Frontier::from_parts(wrong, frontier.roots().to_vec()), None, "{wrong}");
    }
}

#[test]
fn every_entry_is_shown_to_be_included() {
    let (log, leaves) = (Log::new(SIZES), leaves(SIZES));
    for size in 1..=SIZES {
        let head = log.head(size);
        for (index, leaf) in (0..size).zip(leaves.iter().copied()) {
            let path = log.hashes(&inclusion(index, size).unwrap());
            assert_eq!(verify_inclusion(leaf, index, &head, &path), Ok(()), "{index} of {size}");
            for other in (0..size + 2).filter(|other| *other != index) {
                assert_eq!(verify_inclusion(leaf, other, &head, &path), Err(BadPath), "{index} of {size} at {other}");
            }
        }
        assert_eq!(inclusion(size, size), None);
    }
}

#[test]
fn every_tree_is_shown_to_be_the_beginning_of_every_larger_one() {
    let log = Log::new(SIZES);
    for to in 1..=SIZES {
        for from in 1..=to {
            let path = log.hashes(&consistency(from, to).unwrap());
            let heads = (log.head(from), log.head(to));
            assert_eq!(verify_consistency(&heads.0, &heads.1, &path), Ok(()), "{from} in {to}");
            for other in (1..=to + 2).filter(|other| *other != from && *other <= SIZES) {
                let wrong = verify_consistency(&log.head(other), &heads.1, &path);
                assert_eq!(wrong, Err(BadPath), "the path of {from} in {to} for {other}");
            }
        }
        assert_eq!(consistency(0, to), None);
        assert_eq!(consistency(to + 1, to), None);
    }
}

proptest! {
    /// [AUD-6]: a path that was changed, cut or drawn out shows nothing.
    #[test]
    fn a_damaged_path_does_not_hold(size in 2_u64..400, at in any::<(u64, usize)>(), way in 0..4) {
        let log = Log::new(size);
        let head = log.head(size);
        let index = at.0 % size;
        let from = 1 + at.0 % (size - 1);
        let damaged = |mut path: Vec<Digest>| {
            let place = at.1 % path.len().max(1);
            match way {
                0 => path.push(head.root),
                1 => drop(path.pop()),
                2 => path.insert(place, head.root),
                _ => if let Some(hash) = path.get_mut(place) { *hash = leaf(hash.as_bytes()) },
            }
            path
        };
        let path = log.hashes(&inclusion(index, size).unwrap());
        prop_assert_eq!(verify_inclusion(leaf(&index.to_le_bytes()), index, &head, &damaged(path)), Err(BadPath));
        let path = log.hashes(&consistency(from, size).unwrap());
        prop_assert_eq!(verify_consistency(&log.head(from), &head, &damaged(path)), Err(BadPath));
    }
}

#[test]
fn another_root_is_not_consistent() {
    let log = Log::new(9);
    let other = |head: Head| Head { root: leaf(b"other"), ..head };
    for (from, to) in [(1, 9), (4, 9), (5, 9), (8, 9), (9, 9)] {
        let path = log.hashes(&consistency(from, to).unwrap());
        assert_eq!(verify_consistency(&other(log.head(from)), &log.head(to), &path), Err(BadPath), "{from}");
        assert_eq!(verify_consistency(&log.head(from), &other(log.head(to)), &path), Err(BadPath), "{from}");
    }
    let nothing = log.head(0);
    assert_eq!(verify_consistency(&nothing, &log.head(9), &[]), Err(BadPath), "nothing is shown from nothing");
    assert_eq!(verify_consistency(&nothing, &nothing, &[]), Ok(()));
    assert_eq!(verify_inclusion(leaf(b""), 0, &nothing, &[]), Err(BadPath));
}
