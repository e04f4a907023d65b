//! A server that stays up: limits, configuration read again, an end in order, and what goes with it to an operator's machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;

use blindlist_protocol::message::{Request, Response};
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{PATIENCE, root};
use blindlist_tests::raw::{RawInsurer, elements, send};
use blindlist_tests::{Operator, Serving};
use blindlist_transport::TransportError;
use tokio::runtime::Runtime;

fn operator() -> Operator {
    Operator::with_numbers("op", &numbers(0, 10))
}

/// Adds lines to the configuration that `init` wrote.
fn configure(operator: &Operator, original: &str, more: &str) {
    fs::write(config_path(operator), format!("{original}{more}")).unwrap();
}

fn config_path(operator: &Operator) -> PathBuf {
    operator.home().join("blindlistd.toml")
}

/// [NET-4]
#[test]
fn limits_are_the_configurations_and_sighup_changes_them() {
    let operator = operator();
    let insurer = RawInsurer::enrolled("mutuelle", &operator, 1_000);
    let original = fs::read_to_string(config_path(&operator)).unwrap();
    configure(&operator, &original, "[limits]\nconnections = 1\n");
    let mut server = operator.serve();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(&server).await;
        let refused =
            || async { matches!(insurer.try_connect(&server.address()).await, Err(TransportError::ComeBack)) };
        assert!(refused().await);

        configure(&operator, &original, "[limits]\nconnections = 2\n");
        server.reload();
        let second = insurer.connect(&server).await;

        // One that cannot be read changes nothing, and nobody is cut off.
        configure(&operator, &original, "[limits]\nconections = 9\n");
        server.reload();
        assert!(refused().await);
        line.account().await;
        second.account().await;
    });
    server.forgive();
    let log = server.stop();
    let complaint = log.lines().find(|line| line.contains("SIGHUP: nothing was changed")).unwrap();
    assert!(complaint.contains("ERROR") && complaint.contains("unknown field `conections`"), "{complaint}");
}

#[test]
fn what_holds_from_the_next_start_only_is_named() {
    let operator = operator();
    let original = fs::read_to_string(config_path(&operator)).unwrap();
    let server = operator.serve();
    let changed = original.replace("0.0.0.0:9", "0.0.0.0:10");
    assert_ne!(changed, original);
    configure(&operator, &changed, "[limits]\nmegabytes = 32\n");
    server.reload();
    let log = server.log();
    for key in ["listen", "limits.megabytes"] {
        assert!(log.contains(&format!("SIGHUP: {key} was changed; that holds from the next start on")), "{log}");
    }
    server.stop();
}

/// [NET-6]
#[test]
fn sigterm_answers_what_is_under_way_and_tells_everybody_to_come_back() {
    let operator = operator();
    let insurer = RawInsurer::enrolled("mutuelle", &operator, 1_000_000);
    let server = operator.serve();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let line = insurer.connect(&server).await;
        let idle = insurer.connect(&server).await;
        let chunk = Request::Evaluate(line.chunk(elements(1, 8_192))).encode();
        let asked = send(&line.connection, &chunk);
        let stopped = async {
            // It is charged while it is under way: then the server is at work on it.
            while operator.spent("mutuelle") == 0 {
                tokio::task::yield_now().await;
            }
            server.ask_to_stop();
        };
        let (answer, ()) = tokio::join!(asked, stopped);
        assert!(matches!(answer, Ok(Response::Evaluated(_))), "{answer:?}");
        loop {
            match send(&idle.connection, &Request::Catalog.encode()).await {
                Ok(_) => {}
                Err(error) => break assert!(matches!(error, TransportError::ComeBack), "{error:?}"),
            }
        }
    });
    server.stop();
    assert_eq!(operator.spent("mutuelle"), 8_192);
}

#[test]
fn the_service_manager_is_told_everything() {
    let operator = operator();
    let path = operator.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = Vec::new();
    // Until it says this; what it said besides is kept.
    let mut hear = |expected: &str| loop {
        let mut buffer = [0; 1_000];
        let length = socket.recv(&mut buffer).unwrap();
        let told = String::from_utf8(buffer[..length].to_vec()).unwrap();
        heard.push(told.clone());
        if told.lines().any(|line| line == expected) {
            return told;
        }
    };
    let mut command = operator.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000");
    let server = Serving::try_start_as(command).unwrap();
    hear("READY=1");
    for _ in 0..3 {
        hear("WATCHDOG=1");
    }
    server.reload();
    let reloading = hear("RELOADING=1");
    assert!(reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading}");
    hear("READY=1");
    server.ask_to_stop();
    hear("STOPPING=1");
    server.stop();
}

/// The keys that a table knows: what it says when it is given another one.
fn known_keys(operator: &Operator, original: &str, table: &str) -> BTreeSet<String> {
    configure(operator, original, &format!("{table}\nzzz = 1\n"));
    let said = operator.run(&["lists"]).stderr;
    let said = if said.contains("zzz") { said } else { operator.run(&["serve"]).ends(1).stderr };
    let (_, keys) = said.split_once("expected one of").unwrap_or_else(|| panic!("{said}"));
    keys.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_sample_configuration_has_every_key_and_is_served_with() {
    let sample = fs::read_to_string(root().join("deploy/blindlistd.toml")).unwrap();
    let operator = operator();
    let original = fs::read_to_string(config_path(&operator)).unwrap();
    let mut found: [BTreeSet<String>; 2] = Default::default();
    let mut table = 0;
    for line in sample.lines() {
        if line == "[limits]" {
            table = 1;
        }
        // Keys that are commented out count as well.
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some((key, _)) = line.split_once(" = ")
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            found[table].insert(key.to_owned());
        }
    }
    let mut top = known_keys(&operator, &original, "");
    assert!(top.remove("limits"));
    assert_eq!(found[0], top);
    assert_eq!(found[1], known_keys(&operator, &original, "[limits]"));

    // As it is, under the name that this home has.
    let own = sample.replace("op-example", "op");
    fs::write(config_path(&operator), own).unwrap();
    let server = operator.serve();
    server.reload();
    // What is commented out has the value that is shown.
    let shown = fs::read_to_string(config_path(&operator)).unwrap().replace("# rate", "rate");
    fs::write(config_path(&operator), shown).unwrap();
    server.reload();
    let log = server.stop();
    assert!(!log.contains("was changed"), "{log}");
}

#[test]
fn the_systemd_unit_is_sound() {
    let path = root().join("deploy/blindlistd.service");
    let unit = fs::read_to_string(&path).unwrap();
    for line in [
        "Type=notify",
        "User=blindlist",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "LimitCORE=0",
        "MemoryMax=1G",
        "WatchdogSec=30",
        "ExecReload=/bin/kill -HUP $MAINPID",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line} is missing in {}", path.display());
    }
    // With a program that is there: it is not installed where tests run.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("blindlistd.service");
    fs::write(&copy, unit.replace("/usr/local/bin/blindlistd", "/bin/true")).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&copy).output() {
        Ok(verified) => {
            let said = String::from_utf8_lossy(&verified.stderr);
            let about_it: Vec<_> = said.lines().filter(|line| line.contains("blindlistd.service")).collect();
            assert!(verified.status.success() && about_it.is_empty(), "{said}");
        }
        Err(error) => println!("systemd-analyze is not there ({error}); only the keys of the unit were checked"),
    }
}
