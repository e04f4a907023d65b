use super::*;

const RECORD: usize = 18;

fn record(number: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    for (place, bytes) in record.chunks_mut(8).enumerate() {
        let word = (number + place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        bytes.copy_from_slice(&word[..bytes.len()]);
    }
    record
}

fn fill(spill: &mut Spill, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let partition = usize::try_from(number).unwrap() % spill.partitions();
        spill.push(partition, &record(number)).unwrap();
    }
}

/// Requires that it holds the records 0..count, each partition in order.
fn holds(spill: &Spill, count: u64) {
    let partitions = spill.partitions();
    for partition in 0..partitions {
        let expected: Vec<u8> = (0..count)
            .filter(|number| usize::try_from(*number).unwrap() % partitions == partition)
            .flat_map(record)
            .collect();
        assert_eq!(*spill.read(partition).unwrap(), expected);
        assert_eq!(spill.len(partition), expected.len() as u64);
    }
    assert_eq!(spill.total(), count * RECORD as u64);
}

fn key() -> SpillKey {
    SpillKey::derive(b"a secret", &[b"a purpose"])
}

#[test]
fn what_is_small_stays_in_memory_and_what_is_large_does_not() {
    let folder = tempfile::tempdir().unwrap();
    for (memory, spilled) in [(1 << 20, false), (1 << 10, true)] {
        let mut spill = Spill::temporary(folder.path(), 7, memory).unwrap();
        assert!(spill.is_empty());
        fill(&mut spill, 0..5_000);
        assert_eq!(spill.file.is_some(), spilled);
        holds(&spill, 5_000);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it has no name");
    }
}

#[test]
fn frames_hold_whole_records() {
    let folder = tempfile::tempdir().unwrap();
    let mut spill = Spill::temporary(folder.path(), 3, 1 << 12).unwrap();
    fill(&mut spill, 0..4_000);
    let frames: Vec<_> = spill.frames(1).map(Result::unwrap).collect();
    assert!(frames.len() > 3);
    assert!(frames.iter().all(|frame| frame.len() % RECORD == 0 && !frame.is_empty()));
    let joined: Vec<u8> = frames.iter().flat_map(|frame| frame.iter().copied()).collect();
    assert_eq!(joined, *spill.read(1).unwrap());
}

#[test]
fn a_spill_goes_on_from_where_it_was_synced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spill");
    let mut spill = Spill::create(&path, &key(), 5, 1 << 12).unwrap();
    fill(&mut spill, 0..1_234);
    let length = spill.sync().unwrap();
    fill(&mut spill, 1_234..3_000);
    drop(spill);
    assert!(path.metadata().unwrap().len() > length);

    let mut spill = Spill::resume(&path, &key(), 5, 1 << 12, length).unwrap();
    assert_eq!(path.metadata().unwrap().len(), length);
    holds(&spill, 1_234);
    fill(&mut spill, 1_234..3_000);
    holds(&spill, 3_000);
    assert!(matches!(Spill::resume(&path, &key(), 5, 1 << 12, length + 1), Err(StoreError::NotSealed { .. })));
    assert!(matches!(Spill::create(&path, &key(), 5, 0), Err(StoreError::Exists { .. })));
}

#[test]
fn a_file_that_was_ended_is_opened_and_one_that_was_cut_off_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let mut spill = Spill::create(&path, &key(), 4, 1 << 12).unwrap();
    fill(&mut spill, 0..2_000);
    spill.finish().unwrap();
    holds(&Spill::open(&path, &key(), 4).unwrap(), 2_000);

    let whole = std::fs::read(&path).unwrap();
    let spilled = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Spill::open(&path, &key(), 4)
    };
    let end = whole.len() - (HEAD + TAG);
    for cut in [0, 1, HEAD, end / 2, end, whole.len() - 1] {
        assert!(matches!(spilled(&whole[..cut]), Err(StoreError::NotSealed { .. })), "{cut}");
    }
    assert!(matches!(spilled(&[&whole[..], &[0]].concat()), Err(StoreError::NotSealed { .. })));
    let other = SpillKey::derive(b"a secret", &[b"another purpose"]);
    std::fs::write(&path, &whole).unwrap();
    assert!(matches!(Spill::open(&path, &other, 4), Err(StoreError::NotSealed { .. })));
}

#[test]
fn every_changed_byte_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let mut spill = Spill::create(&path, &key(), 2, 1 << 12).unwrap();
    fill(&mut spill, 0..20);
    spill.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let read = Spill::open(&path, &key(), 2).and_then(|spill| {
            spill.read(0)?;
            spill.read(1)
        });
        assert!(matches!(read, Err(StoreError::NotSealed { .. })), "{place}");
    }
}

#[test]
fn frames_cannot_change_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let mut spill = Spill::create(&path, &key(), 1, 0).unwrap();
    fill(&mut spill, 0..3);
    spill.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let frame = HEAD + RECORD + TAG;
    let (one, two) = (&whole[..frame], &whole[frame..2 * frame]);
    std::fs::write(&path, [two, one, &whole[2 * frame..]].concat()).unwrap();
    assert!(Spill::open(&path, &key(), 1).unwrap().read(0).is_err());
    std::fs::write(&path, [one, &whole[2 * frame..]].concat()).unwrap();
    assert!(Spill::open(&path, &key(), 1).is_err());
}

#[test]
fn nothing_can_be_read_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept");
    let mut spill = Spill::create(&path, &key(), 1, 0).unwrap();
    spill.push(0, b"1850175001123").unwrap();
    spill.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"185017"));
    assert_eq!(format!("{:?}", key()), "SpillKey(redacted)");
}
