//! The admin page: what it shows, to whom, in a browser and to Prometheus, and what it does not let anybody do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests and their helpers")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blindlist_protocol::catalog::Catalog;
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_tests::browser::{Browser, Look, pictures};
use blindlist_tests::http::{Answer, get, raw, send};
use blindlist_tests::people::numbers;
use blindlist_tests::programs::{PATIENCE, root, run, until};
use blindlist_tests::{Insurer, Operator, Serving};

const TOKEN: &str = "a-token-of-more-than-32-characters";

fn operator() -> Operator {
    Operator::with_numbers("op", &numbers(0, 10))
}

/// Serves with an admin page on a free port of this machine.
fn serve(operator: &Operator, more: &[&str]) -> Serving {
    let arguments = [&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], more].concat();
    Serving::try_start_as(operator.command(&arguments)).unwrap()
}

fn token_file(operator: &Operator, token: &str, mode: u32) -> PathBuf {
    let path = operator.file("token", format!("{token}\n"));
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

/// Names of metrics as Prometheus knows them, and their values, in the order in which they are written.
fn metrics(address: &str) -> Vec<(String, f64)> {
    let answer = get(address, "/metrics", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    let samples = answer.body.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn value(metrics: &[(String, f64)], name: &str) -> f64 {
    let found = metrics.iter().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {metrics:#?}")).1
}

/// The names without labels and without what a histogram adds.
fn names(metrics: &[(String, f64)]) -> BTreeSet<String> {
    let bare = |name: &str| {
        let name = name.split('{').next().unwrap();
        ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    metrics.iter().map(|(name, _)| bare(name)).collect()
}

#[test]
fn there_is_no_page_unless_it_is_wanted_and_the_option_wins() {
    let operator = operator();
    let server = operator.serve();
    assert!(!server.stop().contains("status page"));
    let config = operator.home().join("blindlistd.toml");
    let wanted =
        fs::read_to_string(&config).unwrap().replace("# admin = \"127.0.0.1:9433\"", "admin = \"127.0.0.1:0\"");
    fs::write(&config, &wanted).unwrap();
    let server = operator.serve();
    assert_eq!(get(&server.admin(), "/healthz", &[]).body, "ok\n");
    server.stop();
    fs::write(&config, wanted.replace("127.0.0.1:0", "203.0.113.1:1")).unwrap();
    let server = serve(&operator, &[]);
    assert_eq!(get(&server.admin(), "/healthz", &[]).status, 200);
    server.stop();
}

#[test]
fn beyond_this_machine_it_wants_a_token() {
    let operator = operator();
    for open in ["0.0.0.0:0", "[::]:0", "203.0.113.1:9433"] {
        let ran = operator.run(&["serve", "--listen", "127.0.0.1:0", "--admin", open]);
        ran.ends(2).complains(&[open, "127.0.0.1:9433", "--admin-token-file"]);
    }
    let path = token_file(&operator, TOKEN, 0o640);
    let token = path.to_str().unwrap();
    let start = |address: &str| {
        operator.run(&["serve", "--listen", "127.0.0.1:0", "--admin", address, "--admin-token-file", token])
    };
    start("0.0.0.0:0").ends(1).complains(&[token]);
    token_file(&operator, "short", 0o600);
    start("127.0.0.1:0").ends(1).complains(&[token, "32 to 1,024"]).is_silent_about(&["short"]);

    token_file(&operator, TOKEN, 0o600);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0", "--admin-token-file", token];
    let server = Serving::try_start_as(operator.command(&arguments)).unwrap();
    let address = server.admin().replace("0.0.0.0", "127.0.0.1");
    let basic = format!("Authorization: Basic {}", STANDARD.encode(format!("me:{TOKEN}")));
    let (bearer, wrong) = (format!("Authorization: Bearer {TOKEN}"), format!("Authorization: Bearer {TOKEN}x"));
    for path in ["/", "/readyz", "/metrics", "/nothing"] {
        for refused in [get(&address, path, &[]), get(&address, path, &[&wrong])] {
            assert_eq!(refused.status, 401, "{path}");
            assert!(refused.header("www-authenticate").unwrap().starts_with("Basic realm="));
        }
        for good in [&bearer, &basic] {
            assert_eq!(get(&address, path, &[good]).status, if path == "/nothing" { 404 } else { 200 }, "{path}");
        }
    }
    assert_eq!(get(&address, "/healthz", &[]).status, 200);
    let named = format!("GET / HTTP/1.1\r\nHost: page.acme.example\r\n{bearer}\r\n\r\n");
    assert_eq!(send(&address, &named).status, 200, "it may have any name there");
    let log = server.stop();
    assert!(log.contains("it has not the token") && !log.contains(TOKEN), "{log}");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let operator = operator();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    operator
        .run(&["serve", "--listen", "127.0.0.1:0", "--admin", &address])
        .ends(1)
        .complains(&[&address, "admin page"]);
}

#[test]
fn looking_is_all_that_can_be_done_and_from_here_alone() {
    let operator = operator();
    let server = serve(&operator, &[]);
    let address = server.admin();
    let ask = |line: &str, host: &str| send(&address, &format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = ask(&format!("{method} /"), "localhost");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = ask("HEAD /", "localhost");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    // A foreign page whose name was made to resolve to this machine.
    for host in ["evil.example", "127.0.0.1.evil.example", "10.1.2.3"] {
        let answer = ask("GET /metrics", host);
        assert_eq!((answer.status, answer.body.contains("blindlistd_")), (421, false), "{host}");
    }
    assert_eq!(ask("GET http://evil.example/", "localhost").status, 421);
    for path in ["/nothing", "/../home", "/metrics/", "//", "/index.html"] {
        assert_eq!(ask(&format!("GET {path}"), "localhost").status, 404, "{path}");
    }
    let is_secured = |answer: &Answer| {
        let of = |name| answer.header(name).unwrap_or_else(|| panic!("no {name} in {answer:?}")).to_owned();
        assert!(of("content-security-policy").starts_with("default-src 'none'"));
        let rest = ["cache-control", "x-content-type-options", "referrer-policy", "x-frame-options"].map(of);
        assert_eq!(rest, ["no-store", "nosniff", "no-referrer", "DENY"]);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    };
    for answer in ["/", "/healthz", "/readyz", "/metrics", "/nothing"].map(|path| get(&address, path, &[])) {
        is_secured(&answer);
    }
    is_secured(&ask("GET /", "evil.example"));
    server.stop();
}

#[test]
fn nobody_can_take_much_of_it() {
    let operator = operator();
    let server = serve(&operator, &[]);
    let address = server.admin();
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(!raw(&address, &long).contains(" 200 "), "a head of 20,000 bytes");
    let many: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(!raw(&address, &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n")).contains(" 200 "));
    assert_eq!(raw(&address, "nonsense\r\n\r\n").split(' ').nth(1).map(|code| code.starts_with('4')), Some(true));
    // More connections than there are places, all of which say nothing: they are closed, and whoever comes then is answered.
    let mut silent: Vec<_> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for stream in &mut silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    silent[1].write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    assert_eq!(get(&address, "/healthz", &[]).status, 200);
    let ended = silent[1].read(&mut [0; 1_000]);
    assert!(!matches!(ended, Err(ref error) if error.kind() == std::io::ErrorKind::WouldBlock), "{ended:?}");
    server.stop();
}

/// Signs the operator's catalog anew, as one of long ago.
fn publish_expired(operator: &Operator) {
    let path = operator.home().join("catalog");
    let seed = fs::read(operator.home().join("keys/offline/manifest.key")).unwrap();
    let key = SigningKey::from_seed(&seed.try_into().unwrap());
    let mut catalog: Catalog = object::open(&fs::read(&path).unwrap(), &key.verifying()).unwrap();
    (catalog.sequence, catalog.issued, catalog.expires) = (catalog.sequence + 1, 1, 2);
    fs::write(&path, object::sign(&catalog, &key)).unwrap();
}

#[test]
fn insurers_are_sent_elsewhere_when_the_catalog_has_expired() {
    let operator = operator();
    let mut server = serve(&operator, &[]);
    let address = server.admin();
    let ready = get(&address, "/readyz", &[]);
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    publish_expired(&operator);
    let ready = get(&address, "/readyz", &[]);
    assert_eq!((ready.status, ready.body.as_str()), (503, "catalog\n"));
    until("the page is gathered anew", || value(&metrics(&address), "blindlistd_ready") == 0.0);
    let page = get(&address, "/", &[]).body;
    assert!(page.contains("not ready: catalog") && page.contains("The catalog expired on"), "{page}");
    assert_eq!(get(&address, "/healthz", &[]).status, 200);
    server.forgive();
    server.stop();
}

#[test]
fn what_insurers_ask_is_counted() {
    let operator = operator();
    let insurer = Insurer::enrolled("mutuelle", &operator, 60);
    let server = serve(&operator, &[]);
    let address = server.admin();
    let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(5, 25).join("\n")));
    insurer.check(&members, &server, "out", &[]).ends(0);
    // The budget is spent: the whole second check is refused.
    insurer.check(&members, &server, "again", &[]).ends(77);
    operator.run(&["insurer", "suspend", "mutuelle"]).ends(0);
    insurer.run(&["lists", "--server", &server.address()]).ends(77);

    let epoch = operator.run(&["epoch", "list"]).ends(0).stdout;
    let epoch = epoch.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let of = |name: &str| format!("blindlistd_{name}{{insurer=\"mutuelle\"}}");
    let account = |name: &str| format!("blindlistd_{name}{{insurer=\"mutuelle\",epoch=\"{epoch}\"}}");
    until("what was gathered is a second old", || value(&metrics(&address), &of("insurer_active")) == 0.0);
    let found = metrics(&address);
    for (name, expected) in [
        (of("evaluations_total"), 64.0),
        (of("charges_total"), 1.0),
        (of("charged_evaluations_total"), 64.0),
        (account("budget_granted"), 64.0),
        (account("budget_spent"), 64.0),
        (of("insurer_active"), 0.0),
        ("blindlistd_refusals_total{insurer=\"mutuelle\",code=\"suspended\"}".to_owned(), 1.0),
        ("blindlistd_internal_errors_total".to_owned(), 0.0),
        ("blindlistd_queue_chunks".to_owned(), 0.0),
        ("blindlistd_queue_elements".to_owned(), 0.0),
        ("blindlistd_queueing_seconds_count".to_owned(), 1.0),
        ("blindlistd_evaluation_seconds_count".to_owned(), 1.0),
        ("blindlistd_ledger_seconds_count".to_owned(), 1.0),
        ("blindlistd_request_seconds_count{kind=\"evaluate\"}".to_owned(), 1.0),
        ("blindlistd_list_people{list=\"list-a\"}".to_owned(), 10.0),
        ("blindlistd_ready".to_owned(), 1.0),
        ("blindlistd_connections_accepted_total".to_owned(), 3.0),
        ("blindlistd_build_info{version=\"0.1.0\"}".to_owned(), 1.0),
    ] {
        assert_eq!(value(&found, &name), expected, "{name}");
    }
    let sum: f64 = found.iter().filter(|(name, _)| name.ends_with("_seconds_sum")).map(|(_, value)| value).sum();
    assert!(sum > 0.0 && sum < 300.0, "{sum}");
    server.stop();
}

#[test]
fn connections_that_are_refused_are_counted() {
    let operator = operator();
    let config = operator.home().join("blindlistd.toml");
    let original = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{original}[limits]\nconnections = 1\n")).unwrap();
    let insurer = blindlist_tests::raw::RawInsurer::enrolled("mutuelle", &operator, 1_000);
    let server = serve(&operator, &[]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let _line = insurer.connect(&server).await;
        assert!(insurer.try_connect(&server.address()).await.is_err());
    });
    let found = metrics(&server.admin());
    assert!(value(&found, "blindlistd_connections_refused_total") >= 1.0, "{found:?}");
    assert_eq!(value(&found, "blindlistd_connections_accepted_total"), 1.0);
    server.stop();
}

/// The first cells of the rows of the table of metrics in docs/OPERATING.md.
fn documented() -> BTreeSet<String> {
    let guide = fs::read_to_string(root().join("docs/OPERATING.md")).unwrap();
    let cells = guide.lines().filter_map(|line| line.strip_prefix("| `blindlistd_")?.split_once('`'));
    cells.map(|(name, _)| format!("blindlistd_{name}")).collect()
}

/// Every metric there is: a server that has answered, repeated, and refused.
fn every_metric() -> BTreeSet<String> {
    let operator = operator();
    let insurer = blindlist_tests::raw::RawInsurer::enrolled("mutuelle", &operator, 1_000);
    let server = serve(&operator, &[]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let line = insurer.connect(&server).await;
        let chunk = || line.chunk(blindlist_tests::raw::elements(1, 64));
        line.evaluated(chunk()).await;
        line.evaluated(chunk()).await;
        line.send(b"nonsense").await;
    });
    let found = metrics(&server.admin());
    server.stop();
    names(&found)
}

#[test]
fn the_guide_and_the_alerts_name_the_metrics_that_there_are() {
    let there = every_metric();
    assert_eq!(documented(), there, "docs/OPERATING.md on the left, /metrics on the right");
    let path = root().join("deploy/alerts.yml");
    let rules = fs::read_to_string(&path).unwrap();
    let expressions: Vec<_> = rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let words = expressions.iter().flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let named: BTreeSet<_> = words.filter(|word| word.starts_with("blindlistd_")).collect();
    assert!(named.len() >= 8, "{named:?}");
    for name in named {
        let bare = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(there.contains(bare), "{name} of {} is not in /metrics", path.display());
    }
    match Command::new("promtool").arg("check").arg("rules").arg(&path).output() {
        Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
        Err(error) => println!("promtool is not there ({error}); only the names in the rules were checked"),
    }
}

/// The looks of a page, with the names of their pictures.
const LOOKS: [(&str, Look); 4] = [
    ("phone-light", Look { width: 390, height: 844, phone: true, dark: false }),
    ("phone-dark", Look { width: 390, height: 844, phone: true, dark: true }),
    ("desktop-light", Look { width: 1280, height: 900, phone: false, dark: false }),
    ("desktop-dark", Look { width: 1280, height: 900, phone: false, dark: true }),
];

/// A Chromium; without one the test passes, and says so.
fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        eprintln!(
            "\nSKIPPED: there is no Chromium here, so nobody looked at the admin page (`cargo xtask test --install`)\n"
        );
    }
    browser
}

/// An operator with lists for all and for some, and insurers in every state.
fn busy_operator() -> (Operator, Vec<Insurer>) {
    let operator = operator();
    let insurers: Vec<_> = ["mutuelle-du-littoral", "prevoyance-nord", "sante-plus"]
        .into_iter()
        .zip([60, 5_000, 100])
        .map(|(name, budget)| Insurer::enrolled(name, &operator, budget))
        .collect();
    let input = operator.file("b.csv", format!("nir\n{}\n", numbers(100, 400).join("\n")));
    let title = ["--title", "Fuite <b>de</b> janvier & février – tiers payant", "--incident-date", "2026-01-28"];
    let audience = ["--audience", "mutuelle-du-littoral,prevoyance-nord"];
    operator.seal(&input, "tiers-payant-2026", "identity,contract,coverage", &[&title[..], &audience].concat()).ends(0);
    operator.run(&["insurer", "suspend", "sante-plus"]).ends(0);
    (operator, insurers)
}

#[test]
fn a_browser_shows_the_page_and_keeps_it_up_to_date() {
    let Some(mut browser) = browser() else { return };
    let (operator, insurers) = busy_operator();
    let server = serve(&operator, &[]);
    let address = format!("http://{}/", server.admin());
    browser.open(&address, LOOKS[2].1);
    let text = browser.text();
    for said in [
        "op",
        "ready",
        "list-a",
        "tiers-payant-2026",
        "Fuite <b>de</b> janvier & février",
        "300",
        "suspended",
        "0 of 64",
        "never",
    ] {
        assert!(text.contains(said), "{said} is not in {text}");
    }
    assert!(text.contains("None.") && !text.contains("evaluations is used"), "no job yet: {text}");

    // It is the same document all the time.
    browser.evaluate("window.since = 1");
    let members = insurers[0].file("m.csv", format!("nir\n{}\n", numbers(5, 25).join("\n")));
    insurers[0].check(&members, &server, "out", &[]).ends(0);
    browser.shows("document.querySelector('main').innerText.includes('64 of 64')");
    browser.shows("!document.querySelector('main').innerText.includes('set-budget')");
    browser.shows("document.querySelector('main').innerText.includes('CHUNKS') || document.querySelector('main').innerText.includes('Chunks answered')");
    browser.shows("window.since === 1");
    let own = |url: &&&str| url.starts_with(&address) || url.starts_with("data:");
    let requests = browser.requests();
    assert!(requests.len() >= 2 && requests.iter().all(|url| own(&url)), "{requests:?}");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());

    // It says when it is old, and is up to date again by itself.
    server.stop();
    browser.shows("getComputedStyle(document.getElementById('stale')).display === 'block'");
    browser.shows("window.since === 1");
}

#[test]
fn the_page_fits_a_phone_and_a_desk_in_light_and_dark() {
    let Some(mut browser) = browser() else { return };
    let (operator, insurers) = busy_operator();
    let server = serve(&operator, &[]);
    for (insurer, people) in insurers.iter().zip([20, 900]) {
        let members = insurer.file("m.csv", format!("nir\n{}\n", numbers(5, 5 + people).join("\n")));
        insurer.check(&members, &server, "out", &[]).ends(0);
    }
    fs::create_dir_all(pictures()).unwrap();
    let address = format!("http://{}/", server.admin());
    let mut backgrounds = vec![];
    for (name, look) in LOOKS {
        browser.open(&address, look);
        browser.shows("document.querySelector('main').innerText.includes('64 of 64')");
        assert_eq!(
            browser.evaluate("document.documentElement.scrollWidth"),
            look.width,
            "{name}: it is wider than the screen"
        );
        let smallest =
            "Math.min(...[...document.querySelectorAll('main *')].map(e => parseFloat(getComputedStyle(e).fontSize)))";
        assert!(browser.evaluate(smallest).as_f64().unwrap() >= 10.0, "{name}: too small to be read");
        let cut =
            "[...document.querySelectorAll('td, dd, h1, li')].filter(e => e.scrollWidth > e.clientWidth + 1).length";
        assert_eq!(browser.evaluate(cut), 0, "{name}: something is cut off");
        backgrounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor").to_string());
        let picture = STANDARD.decode(browser.picture()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        fs::write(pictures().join(format!("admin-{name}.png")), picture).unwrap();
    }
    assert_eq!((&backgrounds[0], &backgrounds[1]), (&backgrounds[2], &backgrounds[3]));
    assert_ne!(backgrounds[0], backgrounds[1], "dark is dark");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    server.stop();
}

#[test]
fn without_a_script_the_page_loads_itself_again() {
    let Some(mut browser) = browser() else { return };
    let operator = operator();
    let server = serve(&operator, &[]);
    browser.without_script();
    browser.open(&format!("http://{}/", server.admin()), LOOKS[2].1);
    until("it is loaded twice", || {
        browser.evaluate("1");
        browser.requests().iter().filter(|url| !url.starts_with("data:")).count() >= 2
    });
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    server.stop();
}

#[test]
fn logs_are_json_when_they_are_wanted_so() {
    let operator = operator();
    let mut command =
        operator.command(&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json"]);
    command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let mut said = vec![];
    while !said.iter().any(|line: &serde_json::Value| line["message"] == "listening on") {
        said.push(serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap());
    }
    blindlist_tests::programs::terminate(&child);
    said.extend(lines.map_while(Result::ok).map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap()));
    assert!(child.wait().unwrap().success());
    assert!(said.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{said:?}");
    let messages: Vec<_> = said.iter().map(|line| line["message"].as_str().unwrap()).collect();
    for message in ["status page at", "listening on", "SIGTERM: finishing what is under way", "stopped"] {
        assert!(messages.contains(&message), "{messages:?}");
    }
    let failed = run(operator.command(&["serve", "--admin", "0.0.0.0:1", "--log-format", "json"])).ends(2);
    let line: serde_json::Value = serde_json::from_str(failed.stderr.trim_end()).unwrap();
    assert_eq!((&line["level"], &line["code"]), (&"ERROR".into(), &2.into()));
    let quiet = run(operator.command(&["lists", "--log", "x"])).ends(2);
    assert!(quiet.stderr.contains("off, error, warn, info, debug or trace"), "{quiet}");
}
