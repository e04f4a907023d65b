//! The rate limit beside the budget: what is over it is refused with the time to wait, and the client waits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test is about one kind of message and leaves the others alone")]

use std::sync::atomic::{AtomicU32, Ordering};

use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_tests::raw::{RawInsurer, elements};
use blindlist_tests::{Operator, Scene};

#[test]
fn what_is_over_the_rate_is_refused_and_not_charged() {
    let operator = Operator::new("op");
    let insurer = RawInsurer::enrolled("raw", &operator, 1_000);
    let server = operator.serve();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(&server).await;
        let chunk = |salt| line.chunk(elements(salt, 64));
        operator.run(&["insurer", "set-rate", "raw", "1"]).ends(0).prints(&["1 evaluation in a minute"]);
        line.evaluated(chunk(1)).await;
        // A repeat costs no budget, but work.
        for salt in [1, 2] {
            let refusal = line.refusal_of(&Request::Evaluate(chunk(salt)).encode()).await;
            assert_eq!(refusal.code, RefusalCode::RateLimited);
            assert!((3_000_000..=64 * 60_000).contains(&refusal.value), "{}", refusal.value);
        }
        assert_eq!(line.account().await.spent, 64);
        operator.run(&["insurer", "set-rate", "raw", "default"]).ends(0).prints(&["60,000,000", "blindlistd.toml"]);
        for salt in [1, 2] {
            line.evaluated(chunk(salt)).await;
        }
        assert_eq!(line.account().await.spent, 128);
    });
    operator.run(&["insurer", "set-rate", "nobody", "5"]).ends(1).complains(&["nobody"]);
}

#[test]
fn a_check_waits_as_long_as_told_and_goes_on_by_itself() {
    for code in [RefusalCode::RateLimited, RefusalCode::Busy] {
        let scene = Scene::new();
        let asked = AtomicU32::new(0);
        let impostor = scene.tampering(move |request, response| match request {
            Request::Evaluate(_) if asked.fetch_add(1, Ordering::Relaxed) < 2 => {
                Response::Refused(Refusal::with(code, 2_000))
            }
            _ => response,
        });
        let ran = scene.check(&impostor).ends(0).prints(&["5 of 20 checked members"]);
        let told: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("asks to wait")).collect();
        assert_eq!(told.len(), 1, "{ran}");
        assert!(told[0].contains("in 2 seconds"), "{ran}");
        assert_eq!(scene.operator.spent("mutuelle"), 64, "what was answered twice is charged once");
    }
}

#[test]
fn a_wait_beyond_reason_is_left_to_the_person() {
    let scene = Scene::new();
    let impostor = scene.tampering(|request, response| match request {
        Request::Evaluate(_) => Response::Refused(Refusal::with(RefusalCode::RateLimited, 3_600_000)),
        _ => response,
    });
    let ran = scene.fails(&impostor, 75).complains(&["3600 seconds"]);
    assert!(ran.stderr.contains("--resume") && !ran.stderr.contains("going on by itself"), "{ran}");
}
