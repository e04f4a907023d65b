//! What a profile keeps: shown, cleaned, forgotten.

use std::fs;
use std::path::PathBuf;

use blindlist_protocol::message::Request;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_store::StoreError;
use blindlist_store::exit::Code;

use super::operator::{Insurer, NOW, Operator, nir, person};
use crate::channel::ChannelError;
use crate::check::CheckOptions;
use crate::forget::{What, choose, kept};
use crate::profile::jobs::look::CommandLine;
use crate::{ClientError, EvidenceError, cache, unfinished};

/// An operator with the list `leak`, and an insurer whose first check ended without an answer.
fn setting() -> (Operator, Insurer) {
    let mut operator = Operator::new(1);
    operator.seal("leak", &[(person(1), 1)]);
    let insurer = Insurer::joined(&mut operator);
    insurer.has(format!("nir\n{}\n{}\n", nir(1), nir(2)));
    operator.tamper = Some(Box::new(|request, response| {
        let refused = matches!(request, Request::Evaluate(_));
        if refused { Err(ChannelError::Refused(Refusal::from(RefusalCode::Busy))) } else { Ok(response) }
    }));
    let words = ["blindlist", "check", "members.csv", "--out", "out"].map(str::to_owned).to_vec();
    let command = Some(CommandLine::new("/some/where".into(), words));
    let error = insurer.check_with(&operator, &CheckOptions { command, ..insurer.options() }).unwrap_err();
    assert_eq!(error.code(), Code::TryAgain, "{error}");
    operator.tamper = None;
    (operator, insurer)
}

fn indexes(insurer: &Insurer) -> Vec<PathBuf> {
    let entries = fs::read_dir(insurer.path("profile/indexes")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn json(shown: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(shown).unwrap()
}

#[test]
fn an_unfinished_check_is_shown_with_the_command_that_goes_on() {
    let (operator, insurer) = setting();
    let profile = insurer.profile();
    let shown = unfinished::unfinished(&profile).unwrap();
    let text = shown.to_string();
    assert!(text.contains("answered  0 of 1 chunks"), "{text}");
    assert!(text.contains("cd /some/where && blindlist check members.csv --out out --resume\n"), "{text}");
    assert!(text.contains("members.csv") && !text.contains(&nir(1)), "{text}");
    let shown = json(&shown);
    assert_eq!((&shown["busy"], shown["jobs"].as_array().unwrap().len()), (&false.into(), 1));
    assert_eq!(shown["jobs"][0]["chunks"], 1);

    let held = profile.jobs().unwrap();
    assert!(unfinished::unfinished(&profile).unwrap().to_string().contains("under way now"));
    drop(held);
    insurer.resume(&operator).unwrap();
    assert_eq!(unfinished::unfinished(&profile).unwrap().to_string(), "no check is unfinished\n");
}

#[test]
fn a_damaged_job_is_shown_and_can_be_forgotten() {
    let (_, insurer) = setting();
    let profile = insurer.profile();
    let folder = fs::read_dir(profile.jobs_path()).unwrap().map(|entry| entry.unwrap().path());
    let folder = folder.into_iter().find(|path| path.is_dir()).unwrap();
    fs::write(folder.join("job.json"), "{}").unwrap();
    let text = unfinished::unfinished(&profile).unwrap().to_string();
    assert!(text.contains("it is damaged"), "{text}");
    let id = folder.file_name().unwrap().to_str().unwrap().parse().unwrap();
    choose(&profile, &What::Job(id)).unwrap().forget().unwrap();
    assert!(!folder.exists());
    assert!(matches!(choose(&profile, &What::Job(id)), Err(ClientError::NoUnfinishedJob { .. })));
}

#[test]
fn what_is_forgotten_is_gone_and_what_is_not_stays() {
    let (operator, insurer) = setting();
    let profile = insurer.profile();
    fs::create_dir(profile.remembered_path()).unwrap();
    fs::write(profile.remembered_path().join("epoch"), "evaluations").unwrap();
    let before = kept(&profile).unwrap().to_string();
    for words in ["--jobs", "--remembered", "--indexes", "keys and bundle", "nothing was removed"] {
        assert!(before.contains(words), "{words}: {before}");
    }
    assert!(!before.contains("--evidence") && !indexes(&insurer).is_empty(), "{before}");

    let choice = choose(&profile, &What::Indexes).unwrap();
    assert!(choice.to_string().contains("fetches them again"), "{choice}");
    choice.forget().unwrap();
    assert!(indexes(&insurer).is_empty());
    assert_eq!(insurer.unfinished(), 1);

    let forgotten = choose(&profile, &What::All).unwrap().forget().unwrap();
    assert_eq!(json(&forgotten)["removed"].as_array().unwrap().len(), 2);
    assert_eq!(insurer.unfinished(), 0);
    assert!(!profile.remembered_path().exists());
    assert!(choose(&profile, &What::All).unwrap().is_empty());
    // The insurer is let in still.
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1);
}

#[test]
fn a_seed_is_destroyed_before_anything_else_goes() {
    let (_, insurer) = setting();
    let profile = insurer.profile();
    let jobs = fs::read_dir(profile.jobs_path()).unwrap().map(|entry| entry.unwrap().path());
    let folder = jobs.into_iter().find(|path| path.is_dir()).unwrap();
    let choice = choose(&profile, &What::Jobs).unwrap();
    // Something that cannot be removed: the seed is gone all the same.
    fs::remove_file(folder.join("seed")).unwrap();
    fs::create_dir(folder.join("seed")).unwrap();
    assert!(matches!(choice.forget(), Err(ClientError::Store(_))));
    assert!(folder.join("job.json").exists(), "nothing goes before the seed");
}

#[test]
fn nothing_is_forgotten_while_a_check_is_under_way() {
    let (_, insurer) = setting();
    let profile = insurer.profile();
    let held = profile.jobs().unwrap();
    for what in [What::All, What::Jobs, What::Indexes] {
        let error = choose(&profile, &what).unwrap_err();
        assert!(matches!(error, ClientError::Store(StoreError::Locked { .. })), "{error}");
    }
    assert!(matches!(cache::clean(&profile, true), Err(ClientError::Store(StoreError::Locked { .. }))));
    drop(held);
    let no_such = "00000000000000000000000000000001".parse().unwrap();
    let error = choose(&profile, &What::Evidence(Some(no_such))).unwrap_err();
    assert!(matches!(error, ClientError::Evidence(EvidenceError::NoJob { .. })), "{error}");
}

#[test]
fn the_cache_is_cleaned_of_what_is_no_longer_live_and_not_needed() {
    let (mut operator, insurer) = setting();
    let profile = insurer.profile();
    let text = cache::list(&profile).unwrap().to_string();
    assert!(text.contains("leak") && text.contains("live"), "{text}");
    assert_eq!(json(&cache::clean(&profile, false).unwrap())["removed"].as_array().unwrap().len(), 0);

    operator.catalog.manifests.clear();
    operator.seal("next", &[(person(1), 1)]);
    insurer.refresh(&operator, NOW).unwrap();
    // An unfinished check of its epoch may go on.
    for all in [false, true] {
        let cleaned = json(&cache::clean(&profile, all).unwrap());
        assert_eq!((cleaned["removed"].as_array().unwrap().len(), &cleaned["needed"]), (0, &1.into()), "{all}");
    }
    let text = cache::list(&profile).unwrap().to_string();
    assert!(text.contains("leak") && text.contains("replaced, needed by an unfinished check"), "{text}");

    choose(&profile, &What::Jobs).unwrap().forget().unwrap();
    insurer.check(&operator).unwrap();
    assert_eq!(indexes(&insurer).len(), 2);
    let left_behind = profile.indexes_path().join(".x.tmp");
    fs::write(&left_behind, [0; 100]).unwrap();
    let cleaned = cache::clean(&profile, false).unwrap();
    assert!(cleaned.to_string().starts_with("1 index removed"), "{cleaned}");
    assert!(!left_behind.exists());
    assert_eq!(indexes(&insurer), [profile.index_path(&operator.manifest("next")).unwrap()]);
    cache::clean(&profile, true).unwrap();
    assert!(indexes(&insurer).is_empty());
    assert_eq!(insurer.check(&operator).unwrap().affected.rows, 1, "what is live is fetched again");
}

#[test]
fn what_is_live_is_not_guessed() {
    let (_, insurer) = setting();
    let profile = insurer.profile();
    for damage in [Some("{}"), None] {
        match damage {
            Some(text) => fs::write(insurer.path("profile/live.json"), text).unwrap(),
            None => fs::remove_file(insurer.path("profile/live.json")).unwrap(),
        }
        choose(&profile, &What::Jobs).unwrap().forget().unwrap();
        let cleaned = cache::clean(&profile, false).unwrap();
        assert!(cleaned.to_string().contains("it is not known of all what is live"), "{cleaned}");
        assert_eq!(indexes(&insurer).len(), 1);
    }
}
