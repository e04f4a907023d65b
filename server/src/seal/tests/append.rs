//! Additions: a whole new release, of everybody who was there and of new rows.

use blindlist_protocol::entry::Dictionary;

use super::super::audience::{Addressee, AudienceError};
use super::super::{Account, Additions, AppendError, Audience, destroy_kept, seal_with, staging};
use super::*;

fn keeping(list: &str) -> By {
    By::Choices(Choices { keep_evaluations: true, ..choices(list) })
}

fn additions(list: &str) -> Additions {
    Additions {
        list: list.parse().unwrap(),
        audience: Audience::Unsaid,
        title: None,
        incident: None,
        scheme: None,
        columns: vec![],
        encoding: None,
        sheet: None,
        categories: vec![],
        false_positive_bits: None,
        accept_rejects: false,
    }
}

fn rows(people: impl IntoIterator<Item = (u32, &'static str)>) -> String {
    let rows = people.into_iter().map(|(person, categories)| format!("{},{categories}\n", nir(person)));
    std::iter::once("nir,categories\n".to_owned()).chain(rows).collect()
}

fn seal_by(operator: &Operator, content: &str, by: By) -> Result<super::super::Sealed, Error> {
    seal(&operator.home, &[operator.file("in.csv", content)], by)
}

fn add(operator: &Operator, content: &str) -> Result<super::super::Sealed, Error> {
    seal_by(operator, content, By::Additions(additions("breach")))
}

fn evaluations(operator: &Operator) -> Vec<PathBuf> {
    let all = files(operator.home.releases().unwrap().path()).into_keys();
    all.filter(|path| path.ends_with("evaluations")).collect()
}

/// Everybody of some, as the live release has them.
fn all_categories(operator: &Operator, people: u32) -> Vec<Option<String>> {
    (0..people).map(|i| categories(operator, "breach", &person(i))).collect()
}

#[test]
fn additions_equal_everything_sealed_at_once_and_can_be_added_to_again() {
    let first = || (0..300).map(|i| (i, if i % 2 == 0 { "nir" } else { "contract" }));
    let second = || (250..400).map(|i| (i, "coverage"));
    let third = || [(0, "nir"), (399, "nir"), (400, "contract"), (400, "nir")].into_iter();
    let whole = Operator::new_blocking();
    seal_by(&whole, &rows(first().chain(second()).chain(third())), By::Choices(choices("breach"))).unwrap();

    let operator = Operator::new_blocking();
    let one = seal_by(&operator, &rows(first()), keeping("breach")).unwrap();
    assert!(one.kept && one.added.is_none());
    let two = add(&operator, &rows(second())).unwrap();
    let three = add(&operator, &rows(third())).unwrap();
    let added = |sealed: &super::super::Sealed| sealed.added.map(|added| (added.earlier, added.new)).unwrap();
    assert_eq!((added(&two), added(&three)), ((300, 100), (400, 1)));
    assert_eq!((three.rows, three.people(), three.lists[0].merged), (4, 401, 3));
    assert!(three.to_text().contains("401: 400 were there, 1 new"), "{}", three.to_text());
    assert_eq!(all_categories(&operator, 403), all_categories(&whole, 403));

    let [live] = &operator.live()[..] else { panic!("one is live") };
    assert_eq!((live.manifest.sequence, live.manifest.previous), (3, Some(two.lists[0].manifest)));
    assert_eq!((live.manifest.title.as_str(), live.manifest.entries), ("Fuite d'essai", 405));
    assert_ne!(two.lists[0].release, three.lists[0].release);
    let account: Account =
        serde_json::from_slice(&fs::read(three.plan.with_file_name("seal-report.json")).unwrap()).unwrap();
    adds_up(&account);
    assert_eq!((account.lists[0].earlier, account.lists[0].new, account.lists[0].merged), (400, 1, 3));
    // What the manifest commits to are all inputs, in order.
    let plans = [&one, &two, &three].map(|sealed| Plan::read(&sealed.plan).unwrap());
    let inputs: Vec<_> = plans.iter().flat_map(|plan| plan.inputs.clone()).collect();
    assert_eq!(plans[2].all_inputs().copied().collect::<Vec<_>>(), inputs);
    assert_eq!(live.manifest.source, plans[2].source());
    // Of the replaced releases nothing is kept.
    assert_eq!(evaluations(&operator), [live.path().join("evaluations")]);
}

#[test]
fn nothing_is_added_to_a_release_that_kept_nothing() {
    let operator = Operator::new_blocking();
    let error = add(&operator, &people(3)).unwrap_err();
    assert!(matches!(error, Error::Append(AppendError::NotLive(_))) && error.code() == Code::Failure, "{error}");
    let sealed = operator.seal("breach", &people(3)).unwrap();
    assert!(!sealed.kept && sealed.to_text().contains("evaluate everything again"));
    let before = files(operator.home.path());
    let error = add(&operator, &people(4)).unwrap_err();
    assert!(matches!(error, Error::Append(AppendError::NotKept(_))) && error.code() == Code::BadInput, "{error}");
    assert!(error.to_string().contains("--keep-evaluations"), "{error}");
    assert_eq!(files(operator.home.path()), before);
}

#[test]
fn categories_may_be_extended_and_not_moved() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &rows([(1, "coverage"), (2, "nir")]), keeping("breach")).unwrap();
    let slugs = |names: &str| names.split(',').map(|name| name.parse().unwrap()).collect::<Vec<_>>();
    let with = |names: &str| By::Additions(Additions { categories: slugs(names), ..additions("breach") });
    for bad in ["nir", "contract,nir,coverage", "nir,contract,iban,coverage", "nir,contract,coverage,nir"] {
        let error = seal_by(&operator, &rows([(1, "nir")]), with(bad)).unwrap_err();
        assert_eq!(error.code(), Code::Usage, "{bad}: {error}");
    }
    // More than eight: a longer label.
    let many = "nir,contract,coverage,iban,c5,c6,c7,c8,c9";
    seal_by(&operator, &rows([(1, "c9"), (3, "iban|contract")]), with(many)).unwrap();
    assert_eq!(
        [1, 2, 3].map(|i| categories(&operator, "breach", &person(i))),
        ["coverage|c9", "nir", "contract|iban"].map(|names| Some(names.to_owned()))
    );
    let dictionary = Dictionary::try_from(slugs(many)).unwrap();
    assert_eq!(operator.live()[0].manifest.dictionary, dictionary);
    add(&operator, &rows([(4, "c8")])).unwrap();
    assert_eq!(categories(&operator, "breach", &person(1)).as_deref(), Some("coverage|c9"));
}

#[test]
fn what_is_not_said_stays_as_it_is() {
    let operator = Operator::new_blocking();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let insurers = ["a", "b"].map(|name| runtime.block_on(operator.approve(name, 60)));
    let named = |insurer: &crate::testing::Insurer| Addressee {
        name: insurer.bundle.insurer.clone(),
        id: insurer.bundle.insurer_id,
    };
    let chosen = Choices {
        audience: Audience::Named(insurers.iter().map(named).collect()),
        false_positive_bits: 44,
        keep_evaluations: true,
        ..choices("breach")
    };
    seal_by(&operator, &people(3), By::Choices(chosen)).unwrap();
    let listed = operator.snapshot().catalog.manifests[0].audience.len();
    add(&operator, &people(5)).unwrap();
    let manifest = &operator.live()[0].manifest;
    assert_eq!(manifest.audience, ["a", "b"].map(|name| name.parse().unwrap()));
    assert_eq!((manifest.false_positive_bits, manifest.incident.is_some(), listed), (44, true, 2));
    assert_eq!(operator.snapshot().catalog.manifests[0].audience.len(), 2);
    let said = Additions {
        audience: Audience::All,
        title: Some("Autre".parse().unwrap()),
        false_positive_bits: Some(40),
        ..additions("breach")
    };
    seal_by(&operator, &people(6), By::Additions(said)).unwrap();
    let manifest = &operator.live()[0].manifest;
    assert_eq!((manifest.audience.len(), manifest.title.as_str(), manifest.false_positive_bits), (0, "Autre", 40));
    let scheme = Additions { scheme: Some(Scheme::Person), ..additions("breach") };
    let error = seal_by(&operator, &people(6), By::Additions(scheme)).unwrap_err();
    assert!(matches!(error, Error::Append(AppendError::Scheme { .. })) && error.code() == Code::Usage, "{error}");
    // Whoever is not enrolled any more is named, not left out.
    seal_by(&operator, &people(6), {
        let audience = Audience::Named(insurers.iter().map(named).collect());
        By::Additions(Additions { audience, ..additions("breach") })
    })
    .unwrap();
    runtime.block_on(crate::insurers::revoke(&operator.home, &"a".parse().unwrap(), true)).unwrap();
    let error = add(&operator, &people(7)).unwrap_err();
    assert!(matches!(error, Error::Audience(AudienceError::Unknown(_))), "{error}");
}

#[test]
fn additions_that_were_cut_off_go_on() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(3_000), keeping("breach")).unwrap();
    let input = operator.file("more.csv", &rows((2_000..6_000).map(|i| (i, "coverage"))));
    let by = || By::Additions(additions("breach"));
    let mut resources = Resources::new(None, TINY);
    resources.checkpoints.rows = 1_024;
    for stop in [1, 1_100, 3_000] {
        resources.checkpoints.fail_at = Some(stop);
        seal_with(&operator.home, std::slice::from_ref(&input), by(), &resources).unwrap_err();
    }
    let [folder] = &staging::leftovers(operator.home.releases().unwrap().path())[..] else { panic!("one is left") };
    let copy: Vec<_> = files(folder).into_iter().collect();
    let sealed = seal(&operator.home, std::slice::from_ref(&input), by()).unwrap();
    assert_eq!(sealed.added.map(|added| (added.earlier, added.new)), Some((3_000, 3_000)));
    assert_eq!(all_categories(&operator, 6_001).iter().flatten().count(), 6_000);
    // Cut off when all is published, and the earlier evaluations are destroyed: it only says so.
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    copy.into_iter().for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    let again = seal(&operator.home, &[input], by()).unwrap();
    assert_eq!((again.outcome, again.lists), (Outcome::Identical, sealed.lists));
}

#[test]
fn kept_evaluations_are_encrypted_and_noticed_when_damaged() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(50), keeping("breach")).unwrap();
    let [path] = &evaluations(&operator)[..] else { panic!("one is kept") };
    let mut bytes = fs::read(path).unwrap();
    let epoch = operator.home.epochs(&operator.home.operator_key().unwrap()).unwrap().remove(0);
    let y = evaluate_inputs(&epoch.whole_key().unwrap(), &[person(7).as_bytes()]).remove(0);
    assert!(!bytes.windows(8).any(|window| window == &y.as_bytes()[..8]));
    for place in [0, bytes.len() / 2, bytes.len() - 1] {
        bytes[place] ^= 1;
        fs::write(path, &bytes).unwrap();
        let error = add(&operator, &people(60)).unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::NotSealed { .. })), "{error}");
        bytes[place] ^= 1;
    }
    fs::write(path, &bytes[..bytes.len() - 41]).unwrap();
    add(&operator, &people(60)).unwrap_err();
    fs::write(path, &bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(add(&operator, &people(60)), Err(Error::Store(StoreError::OpenToOthers { .. }))));
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    add(&operator, &people(60)).unwrap();
}

/// [LAB-4]: the plan of additions gives the same bytes while what it needs is there.
#[test]
fn a_plan_of_additions_gives_the_same_bytes_again() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(50), keeping("breach")).unwrap();
    let catalog = fs::read(operator.home.catalog_path()).unwrap();
    let [earlier] = &evaluations(&operator)[..] else { panic!("one is kept") };
    let kept = fs::read(earlier).unwrap();
    let sealed = add(&operator, &people(70)).unwrap();
    let folder = sealed.plan.parent().unwrap();
    let plan = operator.file("kept.json", &fs::read_to_string(&sealed.plan).unwrap());
    let first = files(folder);
    let input = [operator.folder.path().join("in.csv")];
    let error = seal(&operator.home, &input, By::Plan(plan.clone())).unwrap_err();
    assert!(matches!(error, Error::Append(AppendError::NotKept(_))), "{error}");
    operator.put_back(&catalog);
    fs::remove_dir_all(folder).unwrap();
    fs::write(earlier, kept).unwrap();
    fs::set_permissions(earlier, fs::Permissions::from_mode(0o600)).unwrap();
    seal(&operator.home, &input, By::Plan(plan)).unwrap();
    let mut second = files(folder);
    // Encrypted under other nonces.
    let path = folder.join("evaluations");
    second.insert(path.clone(), first[&path].clone());
    assert_eq!(second, first);
}

#[test]
fn a_dry_run_of_additions_counts_both_and_evaluates_nobody() {
    let operator = Operator::new_blocking();
    seal_by(&operator, &people(50), keeping("breach")).unwrap();
    let before = files(operator.home.path());
    let input = operator.file("more.csv", &rows([(1, "nir"), (1, "coverage"), (60, "nir")]));
    let resources = Resources { trial: std::time::Duration::ZERO, ..Resources::default() };
    let checked = dry_run(&operator.home, &[input], By::Additions(additions("breach")), &resources).unwrap();
    let [list] = &checked.lists[..] else { panic!("one list") };
    assert_eq!((checked.earlier, list.rows, list.merged, list.people), (Some(50), 3, 1, 2));
    assert!(checked.to_text().contains("2, and 50 of the live release"), "{}", checked.to_text());
    assert_eq!(files(operator.home.path()), before);
}

#[test]
fn what_is_not_live_is_destroyed() {
    let operator = Operator::new_blocking();
    for list in ["one", "two"] {
        seal_by(&operator, &people(5), keeping(list)).unwrap();
    }
    assert_eq!(evaluations(&operator).len(), 2);
    let two = operator.live().into_iter().find(|release| release.manifest.list.as_str() == "two").unwrap();
    destroy_kept(&operator.home, &[two.manifest.release]).unwrap();
    assert_eq!(evaluations(&operator), [two.path().join("evaluations")]);
    // A release that replaces another without --append leaves nothing of it either.
    operator.seal("two", &people(5)).unwrap();
    assert!(evaluations(&operator).is_empty());
}

#[test]
fn a_retired_epoch_takes_what_was_kept_and_cut_off_in_it_along() {
    let operator = Operator::new_blocking();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    seal_by(&operator, &people(5), keeping("old")).unwrap();
    let epoch = operator.live()[0].manifest.epoch.to_string();
    let input = [operator.file("cut.csv", &people(5))];
    let mut resources = Resources::default();
    resources.checkpoints.fail_at = Some(1);
    seal_with(&operator.home, &input, keeping("cut"), &resources).unwrap_err();
    let new = runtime.block_on(crate::epochs::new(&operator.home, blindlist_protocol::epoch::Evidence::Optional));
    new.unwrap();
    seal_by(&operator, &people(5), keeping("new")).unwrap();
    seal_with(&operator.home, &input, keeping("cut-too"), &resources).unwrap_err();
    let left = || staging::leftovers(operator.home.releases().unwrap().path()).len();
    assert_eq!((evaluations(&operator).len(), left()), (2, 2));
    runtime.block_on(crate::epochs::retire(&operator.home, &epoch, true)).unwrap();
    let [live] = &operator.live()[..] else { panic!("one list is left") };
    assert_eq!((evaluations(&operator), left()), (vec![live.path().join("evaluations")], 1));
    // What is left can be added to.
    seal_by(&operator, &people(6), By::Additions(additions("new"))).unwrap();
}

/// The plan of a split is in the folder of another list.
#[test]
fn a_part_of_a_split_can_be_added_to() {
    let operator = Operator::new_blocking();
    let sealed = seal_by(&operator, &audience::split_input(&[(1, "01"), (2, "02"), (3, "02"), (3, "02")]), {
        let parts: [(&str, &[&str]); 2] = [("a", &["01"]), ("b", &["02"])];
        By::Choices(Choices { keep_evaluations: true, ..audience::split("breach", &parts) })
    })
    .unwrap();
    assert_eq!(evaluations(&operator).len(), 2);
    let audience = Audience::Named(vec![audience::addressee("b")]);
    let added = Additions { audience, ..additions("breach-b") };
    let added = seal_by(&operator, &people(3), By::Additions(added)).unwrap();
    assert_eq!(added.added.map(|added| (added.earlier, added.new)), Some((2, 2)));
    let plan = Plan::read(&added.plan).unwrap();
    assert_eq!(plan.append.unwrap().inputs, Plan::read(&sealed.plan).unwrap().inputs);
    assert_eq!(evaluations(&operator).len(), 2, "the other part keeps its own");
}
