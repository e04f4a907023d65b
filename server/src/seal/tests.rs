//! Seals in real homes: what is published, what is not, and that a plan gives the same bytes again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use blindlist_protocol::entry::Entry;
use blindlist_protocol::identifier::{Identifier, Nir, Scheme};
use blindlist_protocol::index::Index;
use blindlist_protocol::manifest::segment_digests;
use blindlist_protocol::oprf::evaluate_inputs;
use blindlist_store::StoreError;
use blindlist_store::exit::Code;
use blindlist_store::memory::Memory;

use super::{By, Choices, Error, Outcome, PathBuf, Plan, Resources, dry_run, seal};
use crate::testing::{Operator, choices, nir, people};

/// So little that everything is written at once, and sorted in parts.
const TINY: Memory = Memory::from_bytes(1 << 16);

mod append;
mod audience;
mod resume;

/// The categories of a person on the live release of a list; none when it is not there.
fn categories(operator: &Operator, list: &str, identifier: &Identifier) -> Option<String> {
    let release = operator.live().into_iter().find(|release| release.manifest.list.as_str() == list).unwrap();
    let epochs = operator.home.epochs(&operator.home.operator_key().unwrap()).unwrap();
    let y = evaluate_inputs(&epochs[0].whole_key().unwrap(), &[identifier.as_bytes()]).remove(0);
    let entry = Entry::derive(&release.manifest.release, &y);
    let bytes = fs::read(release.index_path()).unwrap();
    let mut found = None;
    Index::parse(&bytes).unwrap().merge([entry.tag], |_, sealed| found = Some(sealed)).unwrap();
    let dictionary = &release.manifest.dictionary;
    let label = entry.open(found?, dictionary).unwrap();
    Some(dictionary.names(label).map(ToString::to_string).collect::<Vec<_>>().join("|"))
}

/// A dry run that does not try for long how fast this machine is.
fn dry(operator: &Operator, input: &Path, choices: &Choices) -> super::Checked {
    let resources = Resources { trial: std::time::Duration::ZERO, ..Resources::default() };
    dry_run(&operator.home, &[input.to_owned()], By::Choices(choices.clone()), &resources).unwrap()
}

fn person(i: u32) -> Identifier {
    Identifier::nir(&Nir::parse(&nir(i)).unwrap())
}

/// All files below a folder with their contents.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// [CAN-1], [LAB-3]
#[test]
fn a_list_becomes_a_release_in_which_everybody_is_found() {
    let operator = Operator::new_blocking();
    let rows = [
        format!("{},nir|contract", nir(1)),
        format!("{}, coverage ", nir(1)),
        format!("{},nir", nir(2)),
        format!("{},contract", nir(3)),
    ];
    let sealed = operator.seal("breach", &format!("nir,categories\n{}\n", rows.join("\n"))).unwrap();
    assert_eq!((sealed.rows, sealed.people(), sealed.lists[0].merged, sealed.outcome), (4, 3, 1, Outcome::Published));
    let expected = [(1, Some("nir|contract|coverage")), (2, Some("nir")), (3, Some("contract")), (4, None)];
    for (i, names) in expected {
        assert_eq!(categories(&operator, "breach", &person(i)).as_deref(), names, "{i}");
    }

    let key = operator.home.operator_key().unwrap();
    let epoch = operator.home.epochs(&key).unwrap().remove(0);
    let canaries = epoch.record.canaries(Scheme::Nir);
    let known = ["nir|contract|coverage", "nir", "contract", "coverage"];
    for (canary, names) in canaries.iter().zip(known) {
        assert_eq!(categories(&operator, "breach", canary).as_deref(), Some(names));
    }

    let [release] = &operator.live()[..] else { panic!("one release is live") };
    let index = fs::read(release.index_path()).unwrap();
    assert_eq!(release.manifest.segments, segment_digests(&index));
    assert_eq!((release.manifest.entries, release.manifest.sequence), (7, 1));
    assert_eq!((release.digest, operator.snapshot().catalog.sequence), (sealed.lists[0].manifest, 2));
    Index::parse(&index).unwrap().verify().unwrap();
}

/// [CAN-1]
#[test]
fn the_canaries_of_every_scheme_are_in_its_releases() {
    let operator = Operator::new_blocking();
    for (scheme, content) in [
        (Scheme::Beneficiary, format!("nir,date de naissance,rang\n{},2015-03-04,2\n", nir(1))),
        (Scheme::Person, "nom de naissance,prénom,date de naissance\nLE GOFF,ZOE,19750102\n".to_owned()),
    ] {
        let list = scheme.to_string();
        let input = operator.file(&format!("{list}.csv"), &content);
        let sealed = seal(&operator.home, &[input], By::Choices(Choices { scheme, ..choices(&list) })).unwrap();
        let epoch = operator.home.epochs(&operator.home.operator_key().unwrap()).unwrap().remove(0);
        let labels = ["nir|contract|coverage", "nir", "contract", "coverage"];
        for (canary, names) in epoch.record.canaries(scheme).iter().zip(labels) {
            assert_eq!(categories(&operator, &list, canary).as_deref(), Some(names), "{scheme}");
        }
        for canary in epoch.record.canaries(Scheme::Nir) {
            assert_eq!(categories(&operator, &list, &canary), None, "another scheme's");
        }
        assert_eq!(sealed.people(), 1);
    }
}

/// [LAB-4]: the same people sealed again are hidden under other tags and other pads.
#[test]
fn every_seal_draws_another_release_id() {
    let operator = Operator::new_blocking();
    let sealed = ["one", "two", "two"].map(|list| operator.seal(list, &people(3)).unwrap());
    let mut releases: Vec<_> = sealed.iter().map(|sealed| sealed.lists[0].release).collect();
    for (sealed, release) in sealed.iter().zip(&releases) {
        let plan = Plan::read(&sealed.plan).unwrap();
        assert_eq!((plan.releases[0].release, plan.inputs.len()), (*release, 1));
    }
    releases.sort();
    releases.dedup();
    assert_eq!(releases.len(), 3);
}

/// [LAB-4]
#[test]
fn a_release_id_is_not_used_for_other_labels() {
    let operator = Operator::new_blocking();
    let sealed = operator.seal("breach", &people(3)).unwrap();
    let before = files(operator.home.path());
    let plan = fs::read_to_string(&sealed.plan).unwrap();
    let changes = [
        ("\"coverage\"", "\"iban\""),
        ("\"contract\",", ""),
        ("\"false_positive_bits\": 40", "\"false_positive_bits\": 41"),
    ];
    for (from, to) in changes {
        assert_eq!(plan.matches(from).count(), 1, "{from} in {plan}");
        let edited = operator.file("edited.json", &plan.replace(from, to));
        let input = operator.folder.path().join("breach.csv");
        let error = seal(&operator.home, &[input], By::Plan(edited)).unwrap_err();
        // A longer manifest is not even read to be compared.
        assert!(matches!(error, Error::ReleaseDiffers { .. } | Error::Store(_)), "{from}: {error}");
        assert_eq!(files(operator.home.path()), before);
    }
}

#[test]
fn everything_is_private() {
    let operator = Operator::new_blocking();
    operator.seal("breach", &people(10)).unwrap();
    for path in files(operator.home.path()).keys() {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        let folder = path.parent().unwrap();
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
    }
}

#[test]
fn the_same_plan_and_inputs_give_the_same_bytes() {
    let operator = Operator::new_blocking();
    let before = fs::read(operator.home.catalog_path()).unwrap();
    let sealed = operator.seal("breach", &people(3_000)).unwrap();
    let first = files(operator.home.releases().unwrap().path());
    let plan = operator.file("kept.json", &fs::read_to_string(&sealed.plan).unwrap());
    let input = operator.folder.path().join("breach.csv");
    let again = || seal(&operator.home, std::slice::from_ref(&input), By::Plan(plan.clone()));

    let catalog = fs::read(operator.home.catalog_path()).unwrap();
    assert_eq!(again().unwrap().outcome, Outcome::Identical);
    assert_eq!(fs::read(operator.home.catalog_path()).unwrap(), catalog, "nothing new, no new catalog");

    // Cut off between the release and the catalog.
    operator.put_back(&before);
    assert_eq!(again().unwrap().outcome, Outcome::Published);
    assert_eq!(operator.live()[0].digest, sealed.lists[0].manifest);

    // Cut off before the release: made anew, to the byte.
    operator.put_back(&before);
    fs::remove_dir_all(sealed.plan.parent().unwrap()).unwrap();
    assert_eq!(again().unwrap().outcome, Outcome::Published);
    assert_eq!(files(operator.home.releases().unwrap().path()), first);
}

/// [LAB-4]
#[test]
fn a_plan_is_not_followed_with_other_inputs() {
    let operator = Operator::new_blocking();
    let plan = operator.seal("breach", &people(10)).unwrap().plan;
    let other = operator.file("other.csv", &people(11));
    let before = files(operator.home.path());
    let one = seal(&operator.home, std::slice::from_ref(&other), By::Plan(plan.clone())).unwrap_err();
    assert!(matches!(one, Error::NotThePlanned { .. }), "{one}");
    let two = seal(&operator.home, &[other.clone(), other], By::Plan(plan)).unwrap_err();
    assert!(matches!(two, Error::PlanInputs { expected: 1, found: 2 }), "{two}");
    assert_eq!((one.code(), two.code()), (Code::BadInput, Code::Usage));
    assert_eq!(files(operator.home.path()), before);
}

#[test]
fn a_damaged_release_is_noticed_and_left_alone() {
    let operator = Operator::new_blocking();
    let sealed = operator.seal("breach", &people(10)).unwrap();
    let index = operator.live()[0].index_path();
    let mut bytes = fs::read(&index).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&index, &bytes).unwrap();
    let input = operator.folder.path().join("breach.csv");
    let error = seal(&operator.home, &[input], By::Plan(sealed.plan)).unwrap_err();
    assert!(matches!(error, Error::ReleaseDiffers { .. }), "{error}");
    assert_eq!(fs::read(&index).unwrap(), bytes);
}

/// [CAT-4], [MAN-3]
#[test]
fn a_release_replaces_the_one_before_and_an_old_plan_does_not_come_back() {
    let operator = Operator::new_blocking();
    let first = operator.seal("breach", &people(10)).unwrap();
    let kept = operator.file("kept.json", &fs::read_to_string(&first.plan).unwrap());
    let input = operator.file("first.csv", &people(10));
    operator.seal("other", &people(5)).unwrap();
    let second = operator.seal("breach", &people(20)).unwrap();

    let live = operator.live();
    let lists: Vec<_> = live.iter().map(|release| release.manifest.list.as_str()).collect();
    assert_eq!(lists, ["breach", "other"]);
    assert_eq!((live[0].digest, live[0].manifest.sequence), (second.lists[0].manifest, 2));
    assert_eq!(live[0].manifest.previous, Some(first.lists[0].manifest));
    assert_eq!(operator.snapshot().catalog.sequence, 4, "one catalog for the home and one for each release");

    let by = || By::Plan(kept.clone());
    assert_eq!(seal(&operator.home, std::slice::from_ref(&input), by()).unwrap().outcome, Outcome::Identical);
    fs::remove_dir_all(first.plan.parent().unwrap()).unwrap();
    let error = seal(&operator.home, &[input], by()).unwrap_err();
    assert!(matches!(error, Error::PlanOutdated), "{error}");
    assert_eq!(operator.live()[0].digest, second.lists[0].manifest);
    assert!(!first.plan.exists());
}

#[test]
fn more_than_one_bad_row_in_a_hundred_is_not_published() {
    let operator = Operator::new_blocking();
    let before = fs::read(operator.home.catalog_path()).unwrap();
    let content = people(197) + "\n1\nx\n";
    let error = operator.seal("breach", &content).unwrap_err();
    assert!(matches!(error, Error::TooManyRejects { rows: 199, rejected: 2, .. }), "{error}");
    assert_eq!(error.code(), Code::BadInput);
    assert_eq!(fs::read(operator.home.catalog_path()).unwrap(), before);
    let left: Vec<_> = files(operator.home.releases().unwrap().path()).into_keys().collect();
    assert!(left.iter().all(|path| path.ends_with(".lock")), "{left:?}");
    let rejected = fs::read_to_string(operator.home.rejected().unwrap().join("breach.csv")).unwrap();
    let rows: Vec<_> = rejected.lines().filter_map(|line| line.split(',').nth(2)).collect();
    assert_eq!(rows, ["row", "198", "199"]);

    let sealed = operator.seal("breach", &(people(198) + "\n1\nx\n")).unwrap();
    assert_eq!((sealed.people(), sealed.rejected.len()), (198, 2));
    let accepting = Choices { accept_rejects: true, ..choices("breach") };
    let input = operator.file("breach.csv", &content);
    assert_eq!(seal(&operator.home, &[input], By::Choices(accepting)).unwrap().people(), 197);
}

#[test]
fn a_list_of_nobody_is_not_published() {
    let operator = Operator::new_blocking();
    let accepting = Choices { accept_rejects: true, ..choices("breach") };
    let attempt = |content| {
        let input = operator.file("empty.csv", content);
        let checked = dry(&operator, &input, &accepting);
        let error = seal(&operator.home, &[input], By::Choices(accepting.clone())).unwrap_err();
        assert_eq!((error.code(), checked.verdict().unwrap_err().code()), (Code::BadInput, Code::BadInput));
        error
    };
    let error = attempt("nir\n12\n");
    assert!(matches!(error, Error::NoPeople { rows: 1, .. }), "{error}");
    let error = attempt("nir\n");
    assert!(error.to_string().contains("empty.csv has no rows") && !error.to_string().contains("rejected"), "{error}");
    assert!(operator.live().is_empty());
}

/// [LAB-4]
#[test]
fn an_input_that_changes_meanwhile_is_not_published() {
    let operator = Operator::new_blocking();
    let input = operator.file("breach.csv", &people(10));
    let known = super::Operator::load(&operator.home).unwrap();
    let inputs = std::slice::from_ref(&input);
    let (plan, sources) = super::planned(&operator.home, &known, inputs, By::Choices(choices("breach"))).unwrap();
    let epoch = known.epoch(&plan).unwrap();
    let (home, resources) = (&operator.home, &Resources::default());
    for changed in [people(11), people(9), people(10).replace(&nir(3), &nir(30))] {
        fs::write(&input, changed).unwrap();
        let staging = super::Staging::create(&home.releases().unwrap(), &plan).unwrap();
        let (pool, key) = (resources.pool().unwrap(), epoch.whole_key().unwrap());
        let (operator, plan, sources, resources) = (&known, &plan, &sources, &resources);
        let sealing = super::Sealing { home, operator, plan, sources, epoch, key, resources, pool };
        let error = sealing.run(&staging).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }) && error.code() == Code::BadInput, "{error}");
        staging.settle(error, plan);
        assert!(super::staging::leftovers(home.releases().unwrap().path()).is_empty());
    }
}

/// [LAB-1]
#[test]
fn categories_are_those_of_the_list_or_the_row_is_rejected() {
    let operator = Operator::new_blocking();
    let bad = ["", "nir|", "|nir", "unknown", "nir|unknown", "NIR", "nir;contract"];
    let mut rows: Vec<_> = (0..700).map(|i| format!("{};nir", nir(i))).collect();
    rows.extend(
        bad.iter().map(|categories| format!("{};{categories}", nir(800)).replace("nir;contract", "\"nir;contract\"")),
    );
    rows.push(format!("{};contract|contract", nir(900)));
    let sealed = operator.seal("breach", &format!("nir;categories\n{}\n", rows.join("\n"))).unwrap();
    let [kind] = &sealed.rejected[..] else { panic!("{:?}", sealed.rejected) };
    assert_eq!((kind.column.as_str(), kind.rows), ("categories", bad.len() as u64));
    assert_eq!(categories(&operator, "breach", &person(900)).as_deref(), Some("contract"));
    assert_eq!(categories(&operator, "breach", &person(800)), None);
}

#[test]
fn several_inputs_are_one_list() {
    let operator = Operator::new_blocking();
    let one = operator.file("one.csv", &people(150));
    let two = operator.file("two.csv", &format!("Numéro de sécurité sociale;x\n{};\n{};\nbad;\n", nir(149), nir(999)));
    let sealed = seal(&operator.home, &[one, two], By::Choices(choices("breach"))).unwrap();
    assert_eq!((sealed.rows, sealed.people(), sealed.lists[0].merged), (153, 151, 1));
    let [first, second] = &sealed.rejected_files[..] else { panic!("one file for each input") };
    assert_eq!(fs::read_to_string(first).unwrap().lines().count(), 1);
    assert!(fs::read_to_string(second).unwrap().contains("/two.csv,4,3,nir,"));

    let others = ["breach.x.csv", "other.2.csv"].map(|name| first.with_file_name(name));
    others.iter().for_each(|other| fs::write(other, "kept").unwrap());
    operator.seal("breach", &people(10)).unwrap();
    assert_eq!((first.exists(), second.exists()), (true, false), "one input, one file");
    assert!(others.iter().all(|other| other.exists()));
}

#[test]
fn a_plan_of_an_epoch_that_is_not_live_is_not_followed() {
    let operator = Operator::new_blocking();
    let sealed = operator.seal("breach", &people(10)).unwrap();
    let plan = fs::read_to_string(&sealed.plan).unwrap();
    let epoch = operator.live()[0].manifest.epoch.to_string();
    let plan = operator.file("plan.json", &plan.replace(&epoch, &"0".repeat(epoch.len())));
    let error = seal(&operator.home, &[operator.folder.path().join("breach.csv")], By::Plan(plan)).unwrap_err();
    assert!(matches!(error, Error::PlanEpoch(_)) && error.code() == Code::Failure, "{error}");
}

#[test]
fn a_table_that_breaks_off_is_not_published_and_leaves_nothing() {
    let operator = Operator::new_blocking();
    operator.seal("other", &people(3)).unwrap();
    let before = files(operator.home.path());
    let error = operator.seal("breach", &(people(9_000) + "\n\"open\n")).unwrap_err();
    assert!(matches!(error, Error::Table(_)) && error.code() == Code::BadInput, "{error}");
    assert_eq!(files(operator.home.path()), before);
}

#[test]
fn one_seal_at_a_time() {
    let operator = Operator::new_blocking();
    let releases = operator.home.releases().unwrap();
    let held = releases.lock().unwrap();
    let error = operator.seal("breach", &people(10)).unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Locked { .. })) && error.code() == Code::TryAgain, "{error}");
    drop(held);
    operator.seal("breach", &people(10)).unwrap();
}

#[test]
fn a_dry_run_reads_everything_and_writes_nothing() {
    let operator = Operator::new_blocking();
    let input = operator.file("breach.csv", &(people(300) + "\nbad\n"));
    let before = files(operator.folder.path());
    let checked = dry(&operator, &input, &choices("breach"));
    assert_eq!((checked.rows, checked.rejected[0].rows, checked.columns.len()), (301, 1, 1));
    checked.verdict().unwrap();
    assert!(checked.to_text().contains("nir <-"), "{}", checked.to_text());
    let [list] = &checked.lists[..] else { panic!("one list") };
    assert_eq!((list.rows, list.merged, list.people), (300, 0, 300));
    assert_eq!(files(operator.folder.path()), before);

    fs::write(&input, people(3) + "\nbad\n").unwrap();
    let checked = dry(&operator, &input, &choices("breach"));
    assert!(matches!(checked.verdict(), Err(Error::TooManyRejects { listed: None, .. })));
}

/// Requires that every row of a seal is accounted for.
fn adds_up(account: &super::Account) {
    let rejected = |input: &super::InputAccount| input.rejected.iter().map(|kind| kind.rows).sum::<u64>();
    assert_eq!(account.rows, account.inputs.iter().map(|input| input.rows).sum::<u64>());
    assert_eq!(account.rejected, account.inputs.iter().map(rejected).sum::<u64>());
    assert_eq!(account.rows, account.rejected + account.lists.iter().map(|list| list.rows).sum::<u64>());
    for list in &account.lists {
        assert_eq!(list.people, list.earlier + list.rows - list.merged);
        assert_eq!((list.new, list.entries), (list.people - list.earlier, list.people + list.canaries));
    }
}
