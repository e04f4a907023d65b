use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::spill::Spill;

/// Little work: most of these tests are about what is found and what is refused.
const LITTLE: Work = Work { memory: 32, passes: 1, lanes: 1 };

const BINDING: &[u8] = b"an operator, an epoch";

fn passphrase(words: &str) -> Passphrase {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), words).unwrap();
    Passphrase::read(file.path()).unwrap()
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("vault")
    }

    fn open(&self) -> Result<Vault, StoreError> {
        self.open_with("right", BINDING)
    }

    fn open_with(&self, words: &str, binding: &[u8]) -> Result<Vault, StoreError> {
        Vault::open_with_work(&self.path(), &passphrase(words), binding, LITTLE)
    }

    fn additions(&self) -> Additions {
        Additions::new(Spill::temporary(self.0.path(), Additions::PARTITIONS, 1 << 16).unwrap())
    }

    /// Adds the values of these numbers.
    fn add(&self, numbers: impl IntoIterator<Item = u32>) -> u64 {
        let (vault, mut additions) = (self.open().unwrap(), self.additions());
        numbers.into_iter().for_each(|n| additions.push(&vault.handle(&name(n)), &value(n)).unwrap());
        vault.update(&additions).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// What opening and reading all of these bytes gives.
    fn read(&self, bytes: &[u8]) -> Result<(), StoreError> {
        // Not truncated first, which some file systems take long for.
        let file = fs::OpenOptions::new().write(true).open(self.path()).unwrap();
        file.write_all_at(bytes, 0).and_then(|()| file.set_len(bytes.len() as u64)).unwrap();
        let vault = self.open()?;
        (0..vault.partitions()).try_for_each(|partition| vault.verify(partition))
    }
}

fn name(n: u32) -> [u8; 4] {
    n.to_be_bytes()
}

fn value(n: u32) -> [u8; VALUE] {
    std::array::from_fn(|i| n.to_le_bytes()[i % 4] ^ u8::try_from(i).unwrap())
}

/// Finds the values of numbers, in the order of their handles.
fn find_all(vault: &Vault, numbers: impl IntoIterator<Item = u32>) -> BTreeMap<u32, [u8; VALUE]> {
    let mut handles: Vec<_> = numbers.into_iter().map(|n| (vault.handle(&name(n)), n)).collect();
    handles.sort_unstable();
    let mut reader = vault.reader();
    handles.into_iter().filter_map(|(handle, n)| Some((n, *reader.find(&handle).unwrap()?))).collect()
}

fn find(vault: &Vault, n: u32) -> Option<[u8; VALUE]> {
    vault.reader().find(&vault.handle(&name(n))).unwrap().map(|value| *value)
}

fn is_damaged<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotSealed { problem: "it is damaged, or cut off", .. }))
}

#[test]
fn values_are_found_again_and_nothing_else() {
    // The last has two partitions.
    for count in [0, 1, 300, 14_000] {
        let home = Home::new();
        let empty = home.open().unwrap();
        assert_eq!((empty.count(), empty.partitions(), find(&empty, 0)), (0, 0, None));
        assert_eq!(home.add(0..count), u64::from(count));
        let vault = home.open().unwrap();
        assert_eq!((vault.count(), vault.partitions()), (count.into(), if count > 13_107 { 2 } else { 1 }));
        assert_eq!(find_all(&vault, 0..count + 100), (0..count).map(|n| (n, value(n))).collect());
        assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 1, "nothing else is left");
    }
}

#[test]
fn what_is_added_joins_what_is_held_in_any_order() {
    let home = Home::new();
    let mut held = BTreeMap::new();
    let mut n = 1_u32;
    for size in [5, 0, 14_000, 1, 3_000, 700] {
        // Scattered, some of them held already, some twice.
        let numbers: Vec<u32> = (0..size)
            .map(|_| {
                n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                n >> 15
            })
            .collect();
        held.extend(numbers.iter().map(|n| (*n, value(*n))));
        assert_eq!(home.add(numbers), held.len() as u64);
        let vault = home.open().unwrap();
        assert_eq!(find_all(&vault, held.keys().copied()), held);
        let mut all = Vec::new();
        for partition in 0..vault.partitions() {
            let records = vault.read(partition).unwrap();
            all.extend(records.as_chunks().0.iter().map(handle_of));
        }
        assert_eq!(all.len(), held.len());
        assert!(all.is_sorted_by(|a, b| a < b));
    }
    assert!(home.open().unwrap().partitions() >= 2, "it was written with several partitions");
}

/// One value under "a name", by another implementation, with the usual work: Python's argon2-cffi and cryptography.
const FOREIGN: &str = "\
    626c696e646c697374207661756c742076310a000001000300000004000000000102030405060708090a0b0c0d0e0f070707\
    0707070707070707070707070707070707070707070707070707070707183445d12a3df20b08ca397dd90f202b12fffa8527\
    1d1beaddd8168b9ff348460100000074d3e716866858b55567f40cc9db191e9b0e9a794391ed5cc64499f9f146afe9b79353\
    68fd78fd7094527a4fbb90735cfbccf3f79ab6f62d60ca8a3eaf9e0d1fc49e069381d18241cf0e5dd40b5d8bc36c5485914c\
    012995df406b25a77c54b027171a4a2c67dac95259dd2850c4b7e1333b3f40dd3205f566ef2b8cfdfe48f88b14fdfbde255f\
    5b5f88976bdee8736f1f9960a215fdf2c610cc5213c5a132a5fca7bff6";

#[test]
fn the_format_is_what_another_implementation_writes() {
    let home = Home::new();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = FOREIGN.as_bytes().chunks(2).map(byte).collect();
    fs::write(home.path(), bytes).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o600)).unwrap();
    let vault = Vault::open(&home.path(), &passphrase("correct horse"), BINDING).unwrap();
    let value = vault.reader().find(&vault.handle(b"a name")).unwrap().unwrap();
    assert_eq!(*value, std::array::from_fn(|i| u8::try_from(i).unwrap()));
    // Written anew here, it asks for the same work.
    vault.update(&home.additions()).unwrap();
    let (_, header) = Header::read(&home.path()).unwrap().unwrap();
    assert_eq!(header.work, Work::USUAL);
    assert!(matches!(home.open(), Err(StoreError::WrongPassphrase { .. })));
}

#[test]
fn what_came_first_stays() {
    let home = Home::new();
    home.add([7]);
    let (vault, mut additions) = (home.open().unwrap(), home.additions());
    additions.push(&vault.handle(&name(7)), &value(8)).unwrap();
    additions.push(&vault.handle(&name(9)), &value(9)).unwrap();
    additions.push(&vault.handle(&name(9)), &value(10)).unwrap();
    assert_eq!((additions.count(), vault.update(&additions).unwrap()), (3, 2));
    let vault = home.open().unwrap();
    assert_eq!((find(&vault, 7), find(&vault, 9)), (Some(value(7)), Some(value(9))));
}

#[test]
fn a_wrong_passphrase_is_told_from_damage_and_from_another_purpose() {
    let home = Home::new();
    home.add(0..3);
    let error = home.open_with("wrong", BINDING).unwrap_err();
    assert!(matches!(error, StoreError::WrongPassphrase { .. }) && error.code().number() == 77, "{error}");
    let error = home.open_with("right", b"another epoch").unwrap_err();
    assert!(error.to_string().ends_with("cannot be decrypted: it was made for something else"), "{error}");
    let is_under = |words| Vault::is_under(&home.path(), &passphrase(words)).unwrap();
    assert!(is_under("right") && !is_under("wrong"));
    assert!(!Vault::is_under(&Home::new().path(), &passphrase("right")).unwrap());
    // The same passphrase gives other handles elsewhere.
    let handle = |home: &Home, binding| home.open_with("right", binding).unwrap().handle(&name(1));
    assert!(handle(&home, BINDING) == handle(&home, BINDING));
    assert!(handle(&home, BINDING) != handle(&Home::new(), BINDING));
}

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let home = Home::new();
    home.add(0..3);
    let whole = home.bytes();
    assert_eq!(whole.len(), header::LENGTH + 3 * RECORD + TAG + 4 + TAG);
    home.read(&whole).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        assert!(is_damaged(&home.read(&changed)), "byte {place}");
        assert!(is_damaged(&home.read(&whole[..place])), "{place} bytes");
    }
    assert!(is_damaged(&home.read(&[&whole[..], &[0]].concat())));
}

/// A vault of two partitions with as many records each.
fn two_partitions(home: &Home) {
    let (vault, mut additions) = (home.open().unwrap(), home.additions());
    for n in 0..14_000_u32 {
        let mut handle = [0; HANDLE];
        handle[..4].copy_from_slice(&(n << 31 | n).to_be_bytes());
        additions.push(&Handle::from_bytes(handle), &value(n)).unwrap();
    }
    vault.update(&additions).unwrap();
}

#[test]
fn partitions_cannot_change_places_or_come_from_an_earlier_writing() {
    let home = Home::new();
    two_partitions(&home);
    let whole = home.bytes();
    let partition = 7_000 * RECORD + TAG;
    let (head, rest) = whole.split_at(header::LENGTH);
    let (first, rest) = rest.split_at(partition);
    let (second, directory) = rest.split_at(partition);
    home.read(&[head, first, second, directory].concat()).unwrap();
    for wrong in [
        [head, second, first, directory],
        [head, first, first, directory],
        [head, first, directory, second],
        [head, first, second, &[]],
        [head, first, &[], directory],
    ] {
        assert!(is_damaged(&home.read(&wrong.concat())));
    }

    home.read(&whole).unwrap();
    home.open().unwrap().update(&home.additions()).unwrap();
    let later = home.bytes();
    assert_eq!(later.len(), whole.len());
    // Nothing but the header's beginning is the same: the key is another one.
    assert!(later.chunks_exact(8).zip(whole.chunks_exact(8)).skip(header::LENGTH / 8 + 1).all(|(a, b)| a != b));
    let mixed = [&later[..header::LENGTH], first, &later[header::LENGTH + partition..]].concat();
    assert!(is_damaged(&home.read(&mixed)));
}

#[test]
fn a_file_that_asks_for_too_much_is_refused_before_any_work() {
    let home = Home::new();
    home.add(0..3);
    let whole = home.bytes();
    // Memory, passes, lanes, partitions.
    for (place, value) in
        [(19, (256 << 10) + 1), (19, u32::MAX), (23, 11), (27, 17), (111, 1 << 21), (111, 0), (111, 3)]
    {
        let mut asking = whole.clone();
        asking[place..place + 4].copy_from_slice(&value.to_le_bytes());
        let (checked, _) = asking[..header::LENGTH].split_at(header::LENGTH - 16);
        let sum = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), checked));
        asking[header::LENGTH - 16..header::LENGTH].copy_from_slice(&sum[..16]);
        let error = home.read(&asking).unwrap_err();
        assert!(matches!(error, StoreError::NotSealed { .. }), "{error}");
        assert_eq!(error.to_string().contains("more work"), place < 111, "{error}");
    }
}

#[test]
fn two_who_write_at_once_do_not_lose_each_others_values() {
    let home = Home::new();
    let (one, two) = (home.open().unwrap(), home.open().unwrap());
    let mut additions = home.additions();
    additions.push(&one.handle(&name(1)), &value(1)).unwrap();
    one.update(&additions).unwrap();
    for late in [one, two] {
        let error = late.update(&additions).unwrap_err();
        assert!(matches!(error, StoreError::Changed { .. }), "{error}");
    }
    let vault = home.open().unwrap();
    assert_eq!((vault.count(), find(&vault, 1)), (1, Some(value(1))));
    // Nor does one that was removed come back.
    fs::remove_file(home.path()).unwrap();
    assert!(matches!(vault.update(&additions), Err(StoreError::Changed { .. })));
    assert!(!home.path().exists());
}

#[test]
fn a_file_open_to_others_or_none_at_all_is_refused() {
    let home = Home::new();
    home.add(0..3);
    fs::set_permissions(home.path(), Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(home.open(), Err(StoreError::OpenToOthers { .. })));
    fs::remove_file(home.path()).unwrap();
    fs::create_dir(home.path()).unwrap();
    assert!(matches!(home.open(), Err(StoreError::NotAFile { .. })));
    fs::remove_dir(home.path()).unwrap();
    std::os::unix::fs::symlink("elsewhere", home.path()).unwrap();
    assert!(home.open().is_err());
}

#[test]
fn neither_names_nor_values_nor_keys_are_shown() {
    let home = Home::new();
    home.add(0..3);
    let (bytes, vault) = (home.bytes(), home.open().unwrap());
    for n in 0..3 {
        let handle = vault.handle(&name(n));
        assert!(!bytes.windows(8).any(|window| window == &value(n)[..8] || window == &handle.as_bytes()[..8]));
    }
    let shown = format!("{vault:?} {:?} {:?} {:?}", vault.reader(), vault.handle(b"x"), home.additions());
    let expected =
        format!("Vault {{ path: {:?}, count: 3, .. }} Reader(redacted) Handle(redacted) Additions(0)", home.path());
    assert_eq!(shown, expected);
}
