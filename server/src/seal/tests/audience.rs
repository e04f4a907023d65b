//! Lists for some insurers, and one list for each: what is addressed to whom, and all of a split or none.

use blindlist_protocol::catalog::audience_tag;
use blindlist_protocol::ids::InsurerId;

use super::super::{Addressee, Audience, AudienceError, Part, Sealed, Split};
use super::*;

pub(super) fn addressee(name: &str) -> Addressee {
    let mut id = [0; 16];
    id[..name.len()].copy_from_slice(name.as_bytes());
    Addressee { name: name.parse().unwrap(), id: InsurerId::from_bytes(id) }
}

/// Choices for some insurers, or for all when none is named.
fn addressed(list: &str, names: &[&str]) -> Choices {
    let named = names.iter().map(|name| addressee(name)).collect();
    Choices { audience: if names.is_empty() { Audience::All } else { Audience::Named(named) }, ..choices(list) }
}

/// A split by the column `code`: insurers with their codes.
pub(super) fn split(list: &str, parts: &[(&str, &[&str])]) -> Choices {
    let part = |(name, codes): &(&str, &[&str])| Part {
        insurer: addressee(name),
        codes: codes.iter().map(ToString::to_string).collect(),
    };
    let audience = Audience::Split(Split { column: "code".to_owned(), parts: parts.iter().map(part).collect() });
    Choices { audience, ..choices(list) }
}

pub(super) fn split_input(rows: &[(u32, &str)]) -> String {
    std::iter::once("nir,code".to_owned())
        .chain(rows.iter().map(|(i, code)| format!("{},{code}", nir(*i))))
        .collect::<Vec<_>>()
        .join("\n")
}

fn seal_by(operator: &Operator, content: &str, choices: Choices) -> Result<Sealed, Error> {
    seal(&operator.home, &[operator.file("in.csv", content)], By::Choices(choices))
}

/// [CAT-6]: the manifest names them, the catalog has a hash for each and for nobody else.
#[test]
fn an_audience_is_in_the_manifest_and_hashed_in_the_catalog() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(3), addressed("breach", &["a", "b"])).unwrap();
    let [release] = &operator.live()[..] else { panic!("one is live") };
    assert_eq!(release.manifest.audience, ["a", "b"].map(|name| name.parse().unwrap()));
    let [listed] = &operator.snapshot().catalog.manifests[..] else { panic!("one is listed") };
    let mut tags = ["a", "b"].map(|name| audience_tag(&release.digest, &addressee(name).id)).to_vec();
    tags.sort_unstable();
    assert_eq!((listed.manifest, &listed.audience), (release.digest, &tags));
}

#[test]
fn a_list_of_some_is_not_opened_to_all_for_want_of_a_word() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(3), addressed("breach", &["a", "b"])).unwrap();
    let before = files(operator.home.path());
    let error = seal_by(&operator, &people(4), choices("breach")).unwrap_err();
    assert!(matches!(error, Error::Audience(AudienceError::Unsaid { .. })) && error.code() == Code::Usage, "{error}");
    assert!(error.to_string().contains("a, b") && error.to_string().contains("--to-all"), "{error}");
    assert_eq!(files(operator.home.path()), before);
    seal_by(&operator, &people(4), addressed("breach", &["c"])).unwrap();
    assert_eq!(operator.live()[0].manifest.audience, ["c".parse().unwrap()]);
    seal_by(&operator, &people(4), addressed("breach", &[])).unwrap();
    seal_by(&operator, &people(4), choices("breach")).unwrap();
    assert!(operator.live()[0].manifest.audience.is_empty() && operator.live()[0].manifest.sequence == 4);
}

#[test]
fn a_plan_keeps_its_audience() {
    let operator = Operator::new_blocking();
    let catalog = fs::read(operator.home.catalog_path()).unwrap();
    let sealed = seal_by(&operator, &people(3), addressed("breach", &["a"])).unwrap();
    let published = operator.snapshot().catalog.manifests;
    operator.put_back(&catalog);
    let again = seal(&operator.home, &[operator.folder.path().join("in.csv")], By::Plan(sealed.plan)).unwrap();
    assert_eq!((again.outcome, again.lists), (Outcome::Published, sealed.lists));
    assert_eq!(operator.snapshot().catalog.manifests, published);
}

/// [CAN-1], [LAB-3]
#[test]
fn a_split_makes_a_list_for_each_insurer_in_one_catalog() {
    let operator = Operator::new_blocking();
    let rows = [(1, "01"), (2, "02"), (3, " 03 "), (1, "02"), (4, "01"), (4, "03")];
    let parts: [(&str, &[&str]); 3] = [("a", &["01", "03"]), ("b", &["02"]), ("c", &["04"])];
    let sealed = seal_by(&operator, &split_input(&rows), split("breach", &parts)).unwrap();
    let lists: Vec<_> = sealed.lists.iter().map(|list| (list.list.as_str(), list.people, list.merged)).collect();
    assert_eq!(lists, [("breach-a", 3, 1), ("breach-b", 2, 0)]);
    assert_eq!((sealed.rows, sealed.people(), &sealed.without[..]), (6, 5, &["breach-c".parse().unwrap()][..]));
    assert_eq!(operator.snapshot().catalog.sequence, 2, "one catalog for both");
    for (list, on, off) in [("breach-a", &[1, 3, 4][..], 2), ("breach-b", &[1, 2][..], 3)] {
        assert!(on.iter().all(|i| categories(&operator, list, &person(*i)).is_some()), "{list}");
        assert_eq!(categories(&operator, list, &person(off)), None);
        let epoch = operator.home.epochs(&operator.home.operator_key().unwrap()).unwrap().remove(0);
        assert!(epoch.record.canaries(Scheme::Nir).iter().all(|canary| categories(&operator, list, canary).is_some()));
    }
    let text = sealed.to_text();
    assert!(text.contains("2 lists went live together") && text.contains("No row, and so no list: breach-c"), "{text}");
    assert_eq!(operator.live().iter().map(|release| release.manifest.audience.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_row_whose_code_nobody_stands_for_is_rejected() {
    let operator = Operator::new_blocking();
    let rows = [(1, "01"), (2, "1"), (3, ""), (4, "09")];
    let choices = || split("breach", &[("a", &["01"])]);
    let error = seal_by(&operator, &split_input(&rows), choices()).unwrap_err();
    assert!(matches!(error, Error::TooManyRejects { rows: 4, rejected: 3, .. }), "{error}");
    let sealed = seal_by(&operator, &split_input(&rows), Choices { accept_rejects: true, ..choices() }).unwrap();
    assert_eq!((sealed.people(), sealed.rejected.len(), sealed.rejected[0].rows), (1, 1, 3));
    let listed = fs::read_to_string(&sealed.rejected_files[0]).unwrap();
    assert!(listed.contains(",3,2,split_by,unmapped: "), "{listed}");
    let error = seal_by(&operator, &people(3), choices()).unwrap_err();
    assert!(error.code() == Code::BadInput && error.to_string().contains("--split-by: "), "{error}");
    let checked = dry(&operator, &operator.file("in.csv", &split_input(&rows)), &choices());
    let lists: Vec<_> = checked.lists.iter().map(|list| (list.list.as_str(), list.rows, list.people)).collect();
    assert_eq!(lists, [("breach-a", 1, 1)]);
    assert!(checked.verdict().is_err());
}

/// The list `x-a` with a part for `b`, and the list `x` with a part for `a-b`, would be one name.
#[test]
fn a_part_never_takes_the_name_of_another_list() {
    let operator = Operator::new_blocking();
    let input = split_input(&[(1, "01")]);
    seal_by(&operator, &input, split("x", &[("a-b", &["01"])])).unwrap();
    seal_by(&operator, &people(2), choices("y-a")).unwrap();
    seal_by(&operator, &people(2), addressed("z-a", &["a", "b"])).unwrap();
    let before = files(operator.home.path());
    for (list, insurer, live) in [("x-a", "b", "x-a-b"), ("y", "a", "y-a"), ("z", "a", "z-a")] {
        let error = seal_by(&operator, &input, split(list, &[(insurer, &["01"])])).unwrap_err();
        assert!(matches!(error, Error::Audience(AudienceError::Taken { .. })), "{error}");
        assert!(error.to_string().contains(live), "{error}");
        assert_eq!(files(operator.home.path()), before);
    }
    let long = "l".repeat(60);
    let error = seal_by(&operator, &input, split(&long, &[("insurer", &["01"])])).unwrap_err();
    assert!(matches!(error, Error::Audience(AudienceError::LongName { .. })), "{error}");
}

#[test]
fn a_split_is_replaced_as_a_whole_and_what_stays_is_told() {
    let operator = Operator::new_blocking();
    let parts: [(&str, &[&str]); 2] = [("a", &["01"]), ("b", &["02"])];
    let first = seal_by(&operator, &split_input(&[(1, "01"), (2, "02")]), split("breach", &parts)).unwrap();
    let second = seal_by(&operator, &split_input(&[(3, "01")]), split("breach", &parts)).unwrap();
    assert_eq!((&second.stays[..], &second.without), (&["breach-b".parse().unwrap()][..], &second.stays));
    let live = operator.live();
    assert_eq!((live[0].manifest.previous, live[0].manifest.sequence), (Some(first.lists[0].manifest), 2));
    assert_eq!(live[1].digest, first.lists[1].manifest);

    seal_by(&operator, &people(3), choices("breach")).unwrap();
    let third = seal_by(&operator, &split_input(&[(3, "01"), (4, "02")]), split("breach", &parts)).unwrap();
    assert_eq!(third.stays, ["breach".parse().unwrap()], "it is open to all, beside the parts");
    assert!(third.to_text().contains("left as it was: breach\n"), "{}", third.to_text());
}

#[test]
fn a_split_that_was_cut_off_is_finished_by_its_plan() {
    let operator = Operator::new_blocking();
    let catalog = fs::read(operator.home.catalog_path()).unwrap();
    let parts: [(&str, &[&str]); 3] = [("a", &["00"]), ("b", &["01"]), ("c", &["02"])];
    // The first list has nobody: the plan is kept with another.
    let input = split_input(&[(1, "01"), (2, "02")]);
    let sealed = seal_by(&operator, &input, split("breach", &parts)).unwrap();
    let releases = files(operator.home.releases().unwrap().path());
    let published = operator.snapshot().catalog.manifests;
    let kept = operator.file("kept.json", &fs::read_to_string(&sealed.plan).unwrap());
    let again = || seal(&operator.home, &[operator.folder.path().join("in.csv")], By::Plan(kept.clone())).unwrap();
    assert_eq!(again().outcome, Outcome::Identical);
    for gone in [&sealed.lists[..0], &sealed.lists[..1], &sealed.lists[1..], &sealed.lists[..]] {
        operator.put_back(&catalog);
        for list in gone {
            fs::remove_dir_all(operator.home.releases().unwrap().join(list.release.to_string())).unwrap();
        }
        assert!(operator.live().is_empty());
        assert_eq!(again().outcome, Outcome::Published);
        assert_eq!(operator.snapshot().catalog.manifests, published);
        assert_eq!(files(operator.home.releases().unwrap().path()), releases);
    }
}

#[test]
fn the_report_of_a_split_of_several_inputs_adds_up() {
    let operator = Operator::new_blocking();
    let parts: [(&str, &[&str]); 3] = [("a", &["01", "03"]), ("b", &["02"]), ("c", &["04"])];
    let rows = |from: u32, to: u32| -> Vec<_> {
        (from..to).map(|i| (i % 60, ["01", "02", "03", "09"][(i % 4) as usize])).collect()
    };
    let inputs =
        [operator.file("one.csv", &split_input(&rows(0, 90))), operator.file("two.csv", &split_input(&rows(40, 150)))];
    let chosen = Choices { accept_rejects: true, ..split("breach", &parts) };
    let sealed = seal(&operator.home, &inputs, By::Choices(chosen)).unwrap();
    let account: super::super::Account =
        serde_json::from_slice(&fs::read(sealed.plan.with_file_name("seal-report.json")).unwrap()).unwrap();
    adds_up(&account);
    assert_eq!((account.rows, account.rejected, account.lists.len()), (200, 49, 2));
    // People of 60 whose number leaves 0 or 2, and 1, divided by 4: rows come round to the same list.
    let people: Vec<_> = account.lists.iter().map(|list| (list.list.as_str(), list.people, list.merged)).collect();
    assert_eq!(people, [("breach-a", 30, 70), ("breach-b", 15, 36)]);
    for (list, release) in account.lists.iter().zip(operator.live()) {
        assert_eq!((u64::from(release.manifest.entries), release.manifest.release), (list.entries, list.release));
    }
}
