use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;

use blindlist_store::memory::Memory;

use super::*;
use crate::tests::operator::{epoch, person};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn profile(&self) -> Profile {
        Profile::create(&self.0.path().join("profile")).unwrap()
    }

    /// Room that holds everything in memory, or where everything is spilled.
    fn room(&self, memory: usize) -> Room {
        Room::new(self.0.path(), NonZeroUsize::new(3), Memory::from_bytes(memory))
    }

    fn passphrase(&self, words: &str) -> Passphrase {
        let path = self.0.path().join("words");
        fs::write(&path, words).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        Passphrase::read(path).unwrap()
    }

    fn open(&self) -> Result<Remembered, ClientError> {
        self.open_with("right", 1)
    }

    fn open_with(&self, words: &str, operator: u8) -> Result<Remembered, ClientError> {
        let (passphrase, room) = (self.passphrase(words), self.room(1 << 20));
        Remembered::open(&self.profile(), &epoch(operator), &passphrase, &room, &Caller::nobody())
    }

    /// Remembers these people.
    fn remember(&self, people: impl IntoIterator<Item = u32>) {
        let remembered = self.open().unwrap();
        people.into_iter().for_each(|n| remembered.add(&person(n), &evaluation(n)).unwrap());
        remembered.keep().unwrap();
    }

    fn file(&self) -> PathBuf {
        self.profile().remembered_path().join(epoch(1).record().epoch.to_string())
    }
}

fn evaluation(n: u32) -> Evaluation {
    Evaluation::from_bytes(std::array::from_fn(|i| n.to_le_bytes()[i % 4] ^ u8::try_from(i).unwrap()))
}

fn people(numbers: impl IntoIterator<Item = u32>, room: &Room) -> People {
    let mut gathering = Gathering::new(room).unwrap();
    numbers.into_iter().for_each(|n| gathering.add(person(n)).unwrap());
    gathering.finish(room, &Caller::nobody()).unwrap()
}

fn listed(people: &People, room: &Room) -> Vec<Identifier> {
    let all = Mutex::new(Vec::new());
    let list = |one| {
        all.lock().unwrap().push(one);
        Ok(())
    };
    people.each(room, &Caller::nobody(), list).unwrap();
    let mut all = all.into_inner().unwrap();
    all.sort_unstable();
    all
}

fn sorted(numbers: impl Iterator<Item = u32>) -> Vec<Identifier> {
    let mut all: Vec<_> = numbers.map(person).collect();
    all.sort_unstable();
    all
}

/// All of it is read, which takes its time.
#[test]
fn opening_it_ends_at_ctrl_c() {
    let home = Home::new();
    home.remember(0..5);
    let (caller, interrupt, _progress) = Caller::new();
    interrupt.now();
    let (passphrase, room) = (home.passphrase("right"), home.room(1 << 20));
    let opened = Remembered::open(&home.profile(), &epoch(1), &passphrase, &room, &caller);
    assert!(matches!(opened, Err(ClientError::Interrupted)));
}

/// [JOB-5]
#[test]
fn who_is_remembered_is_told_from_who_is_not() {
    // The last has several partitions.
    for held in [0, 1, 900, 14_000] {
        let home = Home::new();
        home.remember((0..held).map(|n| 2 * n));
        let remembered = home.open().unwrap();
        for memory in [1 << 24, 1 << 10] {
            let room = home.room(memory);
            let handed = Mutex::new(BTreeMap::new());
            let each = |one: Identifier, evaluation: &Evaluation| {
                assert!(handed.lock().unwrap().insert(one, evaluation.clone()).is_none(), "twice");
                Ok(())
            };
            let all = people(0..1_000, &room);
            let others = remembered.split(&all, &room, &Caller::nobody(), each).unwrap();
            let expected = (0..1_000).filter(|n| n % 2 == 0 && *n < 2 * held);
            assert!(handed.into_inner().unwrap() == expected.map(|n| (person(n), evaluation(n))).collect(), "{held}");
            let expected = sorted((0..1_000).filter(|n| n % 2 == 1 || *n >= 2 * held));
            assert_eq!(others.distinct(), expected.len() as u64);
            assert!(listed(&others, &room) == expected, "{held}");
        }
        drop(remembered);
    }
}

#[test]
fn what_is_remembered_grows() {
    let home = Home::new();
    assert_eq!(files(&home.profile()).unwrap(), Vec::<PathBuf>::new());
    drop(home.open().unwrap());
    assert!(!home.profile().remembered_path().exists(), "nothing is written without need");
    home.remember(0..5);
    home.remember(3..9);
    assert_eq!(home.open().unwrap().vault.count(), 9);
    let written = fs::read(home.file()).unwrap();
    home.remember([]);
    assert!(fs::read(home.file()).unwrap() == written, "nothing is written without need");
    assert_eq!(files(&home.profile()).unwrap(), [home.file()]);
    assert_eq!(fs::metadata(home.profile().remembered_path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn several_threads_add_and_nothing_comes_after_the_end() {
    let home = Home::new();
    let (remembered, room) = (home.open().unwrap(), home.room(1 << 20));
    room.each(8, &Caller::nobody(), |run| {
        let run = u32::try_from(run).unwrap();
        (run * 50..run * 50 + 50).try_for_each(|n| remembered.add(&person(n), &evaluation(n)))
    })
    .unwrap();
    remembered.keep().unwrap();
    remembered.keep().unwrap();
    assert!(matches!(remembered.add(&person(1), &evaluation(1)), Err(ClientError::Internal(_))));
    assert_eq!(home.open().unwrap().vault.count(), 400);
}

/// [JOB-5]
#[test]
fn it_is_for_one_epoch_and_one_passphrase() {
    let home = Home::new();
    home.remember(0..5);
    let error = home.open_with("wrong", 1).unwrap_err();
    assert!(matches!(error, ClientError::Store(StoreError::WrongPassphrase { .. })), "{error}");
    assert_eq!(error.code().number(), 77);
    // Another operator has another epoch, which knows nothing of it.
    assert_eq!(home.open_with("right", 2).unwrap().vault.count(), 0);
    let other = home.profile().remembered_path().join(epoch(2).record().epoch.to_string());
    fs::rename(home.file(), other).unwrap();
    assert!(matches!(home.open_with("right", 2), Err(ClientError::Damaged { .. })));
}

#[test]
fn damage_anywhere_is_found_when_it_is_opened() {
    let home = Home::new();
    home.remember(0..14_000);
    let whole = fs::read(home.file()).unwrap();
    for place in [0, 60, 200, whole.len() / 3, whole.len() / 2, 2 * whole.len() / 3, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        fs::write(home.file(), damaged).unwrap();
        let error = home.open().unwrap_err();
        assert!(matches!(error, ClientError::Damaged { .. }), "{place}: {error}");
        assert!(error.to_string().contains("blindlist forget --remembered"), "{error}");
        assert!(!error.resumable());
    }
    fs::write(home.file(), &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(home.open(), Err(ClientError::Damaged { .. })));
    fs::write(home.file(), "").unwrap();
    assert!(matches!(home.open(), Err(ClientError::Damaged { .. })));
}

#[test]
fn what_a_killed_process_left_goes() {
    let home = Home::new();
    home.remember(0..5);
    let folder = home.profile().remembered_path();
    let left = folder.join(format!(".{}.abcdef.tmp", epoch(1).record().epoch));
    let of_another = folder.join(format!(".{}.abcdef.tmp", epoch(2).record().epoch));
    fs::write(&left, "x").unwrap();
    fs::write(&of_another, "x").unwrap();
    assert_eq!(files(&home.profile()).unwrap(), [home.file()]);
    assert_eq!(home.open().unwrap().vault.count(), 5);
    assert!(!left.exists() && of_another.exists());
}

#[test]
fn a_failure_and_ctrl_c_end_the_look_up() {
    let home = Home::new();
    home.remember(0..5);
    let (remembered, room) = (home.open().unwrap(), home.room(1 << 20));
    let all = people(0..10, &room);
    let split = |caller: &Caller, result: fn() -> Result<(), ClientError>| {
        remembered.split(&all, &room, caller, |_, _| result()).unwrap_err()
    };
    let failed = || Err(ClientError::Internal("x"));
    assert!(matches!(split(&Caller::nobody(), failed), ClientError::Internal("x")));
    let (caller, interrupt, _progress) = Caller::new();
    interrupt.now();
    assert!(matches!(split(&caller, || Ok(())), ClientError::Interrupted));
}

#[test]
fn nobody_is_shown() {
    let home = Home::new();
    home.remember(0..5);
    assert_eq!(format!("{:?}", home.open().unwrap()), "Remembered(5)");
}
