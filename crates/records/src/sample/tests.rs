use std::collections::{HashMap, HashSet};

use blindlist_protocol::identifier::{Identifier, Scheme};
use tempfile::TempDir;

use super::*;
use crate::{Batch, Columns, Table};

const OPTIONS: SampleOptions = SampleOptions { records: 3000, members: 1000, overlap: 0.1234, seed: 7 };

/// Identifiers and categories of all rows in order.
fn people(path: &Path, scheme: Scheme) -> Vec<(Identifier, Option<String>)> {
    let mut table = Table::open(path).unwrap();
    let columns = Columns::resolve(table.headers(), scheme, &[]).unwrap();
    let (mut batch, mut people) = (Batch::new(), Vec::new());
    while table.read_batch(&mut batch, 999).unwrap() > 0 {
        people.extend(
            batch.iter().map(|row| (columns.identifier(&row).unwrap(), columns.categories(&row).map(str::to_owned))),
        );
    }
    people
}

fn files(options: &SampleOptions) -> [Vec<u8>; 3] {
    let dir = TempDir::new().unwrap();
    let made = generate(dir.path().join("new"), options).unwrap();
    [made.breach, made.members, made.truth].map(|path| fs::read(path).unwrap())
}

#[test]
fn the_truth_is_true_under_every_scheme() {
    let dir = TempDir::new().unwrap();
    let made = generate(dir.path(), &OPTIONS).unwrap();
    assert_eq!(made.shared, 123);
    for scheme in Scheme::ALL {
        let breach = people(&made.breach, scheme);
        let list = breach.iter().cloned().collect::<HashMap<_, _>>();
        let members = people(&made.members, scheme);
        assert_eq!((breach.len(), list.len()), (3000, 3000), "people are distinct");
        assert_eq!(members.iter().collect::<HashSet<_>>().len(), 1000, "members are distinct");
        let mut truth = String::from("row,categories\n");
        for (row, (member, _)) in members.iter().enumerate() {
            if let Some(Some(categories)) = list.get(member) {
                truth += &format!("{},{categories}\n", row + 1);
            }
        }
        assert_eq!(truth.lines().count(), 124);
        assert_eq!(truth, fs::read_to_string(&made.truth).unwrap(), "{scheme}");
    }
}

#[test]
fn the_files_look_as_people_would_write_them() {
    let [breach, members, _] = files(&OPTIONS).map(|bytes| String::from_utf8(bytes).unwrap());
    let header = "nir,nom de naissance,prénom,date de naissance,rang gémellaire,assureur,contrat,début droits,fin droits,categories\n";
    assert!(breach.starts_with(header));
    let header = "Numéro de sécurité sociale;Nom de naissance;Prénom;Date de naissance;Numéro adhérent\n";
    assert!(members.starts_with(header));
    let numbers = members.lines().skip(1).map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>();
    assert!(numbers.iter().all(|number| number.len() == 21 && number.split(' ').count() == 7));
    for department in [" 2A ", " 2B ", " 99 "] {
        assert!(numbers.iter().any(|number| number.contains(department)), "{department}");
    }
    assert!(breach.contains(",2,"), "some are of rank 2");
    assert!(!breach.lines().skip(1).all(|line| line.ends_with(&CATEGORIES.join("|"))));
}

#[test]
fn the_same_options_give_the_same_bytes() {
    assert_eq!(files(&OPTIONS), files(&OPTIONS));
    assert_ne!(files(&OPTIONS), files(&SampleOptions { seed: 8, ..OPTIONS }));
}

#[test]
fn members_who_are_on_the_list_stand_anywhere() {
    let [_, _, truth] = files(&OPTIONS).map(|bytes| String::from_utf8(bytes).unwrap());
    let rows = truth.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<u64>().unwrap());
    let rows = rows.collect::<Vec<_>>();
    assert!(rows.is_sorted());
    assert!(rows.iter().filter(|row| **row <= 500).count().abs_diff(61) < 25, "they are spread evenly");
}

#[test]
fn edges() {
    for (records, members, overlap, shared) in
        [(0, 0, 1.0, 0), (5, 0, 0.5, 0), (0, 5, 0.0, 0), (3, 3, 1.0, 3), (1, 1, 0.5, 1)]
    {
        let dir = TempDir::new().unwrap();
        let made = generate(dir.path(), &SampleOptions { records, members, overlap, seed: 0 }).unwrap();
        assert_eq!(made.shared, shared);
        let lines = |path: &Path| u64::try_from(fs::read_to_string(path).unwrap().lines().count()).unwrap();
        assert_eq!(
            [lines(&made.breach), lines(&made.members), lines(&made.truth)],
            [records + 1, members + 1, shared + 1]
        );
    }
}

#[test]
fn options_that_contradict_each_other() {
    let dir = TempDir::new().unwrap();
    let fails = |records, members, overlap| {
        generate(dir.path(), &SampleOptions { records, members, overlap, seed: 0 }).unwrap_err()
    };
    for overlap in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(fails(9, 9, overlap), SampleError::Overlap(_)));
    }
    assert!(matches!(fails(4, 10, 0.5), SampleError::TooManyShared { shared: 5, records: 4 }));
    assert!(matches!(fails(u64::MAX, 1, 0.0), SampleError::TooMany));
    assert!(matches!(fails(POPULATION, 1, 0.0), SampleError::TooMany));
    fs::write(dir.path().join("file"), "").unwrap();
    let inside_a_file = generate(dir.path().join("file"), &OPTIONS);
    assert!(matches!(inside_a_file, Err(SampleError::Write { .. })));
}
