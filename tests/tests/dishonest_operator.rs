//! The real client against an operator that signs nonsense with its real keys.
//!
//! Whatever it signs, nothing is written: no result, not even an empty one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_tests::Scene;
use blindlist_tests::forge::{Forger, Forgery, right_canaries};
use blindlist_tests::impostor::Impostor;
use blindlist_tests::people::numbers;
use blindlist_tests::programs::run;

/// Serves a forged release to the insurer, all by itself.
fn forged(scene: &Scene, forger: &Forger, forgery: &Forgery) -> Impostor {
    Impostor::alone(&scene.operator, forger.serve(forgery), |_, response| response)
}

/// [CAT-1], [CAT-3], [OBJ-1], [OBJ-2]
#[test]
fn a_catalog_is_signed_by_the_pinned_key_and_lives() {
    let scene = Scene::new();
    let forger = Forger::of(&scene.operator, &scene.insurer);
    let forgery = forger.release(&numbers(0, 10), right_canaries(), 0);
    let stranger = SigningKey::from_seed(&[3; 32]);
    let manifest = object::digest(&object::sign(&forgery.manifest, &forger.manifest_key));
    let good = forger.catalog(&[manifest]);
    let with = |change: &dyn Fn(&mut blindlist_protocol::catalog::Catalog), key: &SigningKey| {
        let mut catalog = good.clone();
        change(&mut catalog);
        object::sign(&catalog, key)
    };
    let pinned = &forger.manifest_key;
    let cases = [
        ("signed by another key", with(&|_| {}, &stranger), 76),
        ("another key's own", with(&|catalog| catalog.operator_key = stranger.verifying(), &stranger), 76),
        ("names another key", with(&|catalog| catalog.operator_key = stranger.verifying(), pinned), 76),
        ("sequence 0", with(&|catalog| catalog.sequence = 0, pinned), 76),
        ("expired", with(&|catalog| (catalog.issued, catalog.expires) = (1, 2), pinned), 75),
        ("not a catalog", object::sign(&forgery.manifest, pinned), 76),
    ];
    for (what, catalog, code) in cases {
        let impostor =
            Impostor::alone(&scene.operator, forger.serve(&forgery), move |request, response| match request {
                Request::Catalog => Response::Catalog(catalog.clone()),
                _ => response,
            });
        let ran = scene.check(&impostor);
        assert!(!ran.stdout.contains("members are on"), "{what}: {ran}");
        ran.ends(code);
        scene.insurer.results("out").are_none();
    }
    // None of these catalogs was remembered, so the real one is still accepted.
    scene.is_unharmed();
    scene.forget_log();
    scene
        .check(&forged(&scene, &forger, &forgery))
        .ends(0)
        .prints(&["5 of 20 checked members are on the list \"forged\""]);
    // Two catalogs with one sequence are two views.
    let serving = |catalog: Vec<u8>| {
        Impostor::alone(&scene.operator, forger.serve(&forgery), move |request, response| match request {
            Request::Catalog => Response::Catalog(catalog.clone()),
            _ => response,
        })
    };
    let later = forger.catalog(&[manifest]).sequence + 100;
    let one = serving(with(&|catalog| catalog.sequence = later, pinned));
    let other = serving(with(&|catalog| (catalog.sequence, catalog.issued) = (later, catalog.issued + 1), pinned));
    scene.check(&one).ends(0);
    scene.forget_results();
    scene.fails(&other, 76).complains(&["two different catalogs"]);
    scene.check(&one).ends(0);
}

#[test]
fn a_release_without_its_canaries_says_nothing_about_anybody() {
    let scene = Scene::new();
    let forger = Forger::of(&scene.operator, &scene.insurer);
    let right = right_canaries();
    let mut cases = vec![("no canary at all", [None; 4])];
    for i in 0..4 {
        let (mut missing, mut wrong) = (right, right);
        missing[i] = None;
        wrong[i] = Some(if i == 0 { 0b011 } else { 0b111 });
        cases.extend([("a canary is missing", missing), ("a canary has another label", wrong)]);
    }
    for (what, canaries) in cases {
        for members in
            [&scene.members, &scene.insurer.file("others.csv", format!("nir\n{}\n", numbers(50, 60).join("\n")))]
        {
            let impostor = forged(&scene, &forger, &forger.release(&numbers(0, 10), canaries, 0));
            let ran = run(scene.insurer.check_command(members, &impostor.address(), "out", &[]));
            assert!(ran.stderr.contains("canary"), "{what}: {ran}");
            ran.ends(76);
            scene.insurer.results("out").are_none();
        }
    }
    let impostor = forged(&scene, &forger, &forger.release(&numbers(0, 10), right, 0));
    scene.check(&impostor).ends(0).prints(&["5 of 20 checked members"]);
}

/// [LAB-2]
#[test]
fn a_label_that_makes_no_sense_fails_loudly() {
    let scene = Scene::new();
    let forger = Forger::of(&scene.operator, &scene.insurer);
    // A bit that stands for no category; and all bits of the full label taken away.
    for spoiled in [0b1000_0000, 0b111] {
        let impostor = forged(&scene, &forger, &forger.release(&numbers(0, 10), right_canaries(), spoiled));
        scene.fails(&impostor, 76).complains(&["label"]);
    }
}

/// [IDX-6], [MAT-1]
#[test]
fn an_index_that_is_signed_and_nonsense_is_refused() {
    let scene = Scene::new();
    let forger = Forger::of(&scene.operator, &scene.insurer);
    let good = forger.release(&numbers(0, 3_000), right_canaries(), 0);
    let resigned = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut forgery = good.clone();
        change(&mut forgery.index);
        forgery.manifest.index_length = forgery.index.len() as u64;
        forgery.manifest.segments = blindlist_protocol::manifest::segment_digests(&forgery.index);
        forgery
    };
    let labels = good.manifest.entries as usize;
    let mut cases = vec![
        ("another release", resigned(&|index| index[18] ^= 1)),
        ("another number of entries", resigned(&|index| index[34] ^= 1)),
        ("another f", resigned(&|index| index[38] += 1)),
        ("no index", resigned(&|index| index[0] ^= 1)),
        ("cut short", resigned(&|index| index.truncate(60))),
        (
            "a directory that goes back",
            resigned(&|index| {
                let end = index.len() - labels - 8;
                index[end - 8..end].fill(0);
            }),
        ),
        // The first value of the second block, out of order.
        (
            "blocks out of order",
            resigned(&|index| {
                let directory = index.len() - labels - 3 * 8;
                let first_end = usize::from_le_bytes(index[directory..directory + 8].try_into().unwrap());
                index[40 + first_end..40 + first_end + 12].fill(0);
            }),
        ),
        (
            "a byte too many in the last block",
            resigned(&|index| {
                let last_end = index.len() - labels - 8;
                let end = u64::from_le_bytes(index[last_end..last_end + 8].try_into().unwrap());
                index[last_end..last_end + 8].copy_from_slice(&(end + 1).to_le_bytes());
                index.insert(last_end + 8 - 3 * 8, 0);
            }),
        ),
    ];
    let mut other = good.clone();
    other.manifest.entries += 1;
    cases.push(("a manifest with another number of entries", other));
    for (what, forgery) in cases {
        let impostor = forged(&scene, &forger, &forgery);
        let ran = scene.check(&impostor);
        assert!(!ran.stdout.contains("members are on"), "{what}: {ran}");
        assert!(ran.stderr.contains("forged"), "{what}: {ran}");
        ran.ends(76);
        scene.insurer.results("out").are_none();
    }
    scene.check(&forged(&scene, &forger, &good)).ends(0).prints(&["20 of 20 checked members"]);
}
