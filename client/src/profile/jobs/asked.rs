//! Whom a job asks about when it does not ask about everybody, since the others' evaluations are remembered.
//!
//! People are written down by their places in the job (SPEC.md, "Jobs and blinding"): who has not the job's seed cannot
//! tell who they are.

use std::fmt;
use std::path::Path;

use blindlist_protocol::job::Place;
use blindlist_protocol::object;
use blindlist_store::file::read_limited;

use crate::ClientError;

/// Bytes of a place.
const PLACE: usize = 16;
/// Bytes that a file of them may have: one for each member.
const MAX_FILE: u64 = (PLACE as u64) << 32;

/// Places of people, each once.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AskedPeople(Vec<Place>);

impl fmt::Debug for AskedPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AskedPeople({})", self.0.len())
    }
}

impl AskedPeople {
    /// The people at these places.
    pub(crate) fn new(mut places: Vec<Place>) -> Self {
        places.sort_unstable();
        places.dedup();
        Self(places)
    }

    /// How many they are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether somebody is among them.
    pub(crate) fn contains(&self, place: Place) -> bool {
        self.0.binary_search(&place).is_ok()
    }

    /// The places, ascending, each as 16 little-endian bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|place| place.bits().to_le_bytes()).collect()
    }

    /// The digest of the places, 64 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        object::digest(&self.to_bytes()).to_string()
    }

    /// Those that are written in a file; none when there is no such file.
    ///
    /// # Errors
    /// [`ClientError::Store`], and what `damaged` says of a file that holds anything else.
    pub(crate) fn read(path: &Path, damaged: impl FnOnce(&Path) -> ClientError) -> Result<Option<Self>, ClientError> {
        if !path.exists() {
            return Ok(None);
        }
        Self::from_bytes(&read_limited(path, MAX_FILE)?).map(Some).ok_or_else(|| damaged(path))
    }

    /// What [`AskedPeople::to_bytes`] gave; nothing for anything else.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (places, []) = bytes.as_chunks::<PLACE>() else { return None };
        let places: Vec<_> = places.iter().map(|place| Place::from_bits(u128::from_le_bytes(*place))).collect();
        places.is_sorted_by(|a, b| a < b).then_some(Self(places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_in_one_way() {
        let people = AskedPeople::new([5, 1 << 100, 5, 2].map(Place::from_bits).to_vec());
        assert_eq!(people.count(), 3);
        assert!(people.contains(Place::from_bits(2)) && !people.contains(Place::from_bits(3)));
        let bytes = people.to_bytes();
        assert_eq!(AskedPeople::from_bytes(&bytes).unwrap(), people);
        assert_eq!(AskedPeople::from_bytes(&bytes[1..]), None);
        assert_eq!(AskedPeople::from_bytes(&[&bytes[16..32], &bytes[..16]].concat()), None);
        assert_eq!(AskedPeople::from_bytes(&[&bytes[..16], &bytes[..16]].concat()), None);
        assert_eq!(AskedPeople::from_bytes(&[]).unwrap().count(), 0);
    }

    #[test]
    fn a_file_of_them_is_whole_or_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asked");
        let read = || AskedPeople::read(&path, |path| ClientError::NotAFile(path.to_owned()));
        assert_eq!(read().unwrap(), None);
        let people = AskedPeople::new([5, 2].map(Place::from_bits).to_vec());
        std::fs::write(&path, people.to_bytes()).unwrap();
        assert_eq!(read().unwrap(), Some(people.clone()));
        std::fs::write(&path, &people.to_bytes()[1..]).unwrap();
        assert!(matches!(read(), Err(ClientError::NotAFile(at)) if at == path));
    }
}
