//! A Chromium without a window, driven through its debugging pipe (the DevTools protocol): messages in JSON, each ended
//! by a zero byte, in two named pipes that it has as its file descriptors 3 and 4.
//!
//! It can reach nothing but 127.0.0.1, and everything that a page asks for or complains about is kept.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::{PATIENCE, until};

/// What the program may be called.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether it is a phone.
    pub phone: bool,
    /// Whether the person likes it dark.
    pub dark: bool,
}

/// A running Chromium with one page; killed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    requests: File,
    messages: Receiver<Value>,
    number: u64,
    session: Option<String>,
    events: Vec<Value>,
    _folder: TempDir,
}

impl Browser {
    /// Starts one; none when there is no Chromium here.
    pub fn start() -> Option<Self> {
        let there = |name: &&&str| {
            Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
        };
        let name = NAMES.iter().find(there)?;
        let folder = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
            // Opened for both: nobody waits for the other side then.
            let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            (path, file)
        };
        let ((to, requests), (from, answers)) = (pipe("to"), pipe("from"));
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec 3<"$1" 4>"$2"; shift 2; exec "$@""#, "sh"]).args([to, from]).arg(name).args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ]);
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display())).arg("about:blank");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let (send, messages) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0).map_while(Result::ok) {
                if send.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self { child, requests, messages, number: 0, session: None, events: vec![], _folder: folder };
        browser.attach();
        Some(browser)
    }

    fn attach(&mut self) {
        let page = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call("Target.attachToTarget", json!({"targetId": page["targetId"], "flatten": true}));
        self.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
    }

    /// Looks at a page, from now on like this.
    pub fn open(&mut self, address: &str, look: Look) {
        let Look { width, height, phone, dark } = look;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
        let opened = self.call("Page.navigate", json!({"url": address}));
        assert_eq!(opened["errorText"], Value::Null, "{address}");
        self.shows("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// Has a script off, from the next page on.
    pub fn without_script(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    }

    /// What an expression is in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({"expression": expression, "returnByValue": true}));
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// The page's text, as it is seen.
    pub fn text(&mut self) -> String {
        self.evaluate("document.querySelector('main').innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true in the page.
    #[track_caller]
    pub fn shows(&mut self, expression: &str) {
        until(expression, || self.evaluate(expression) == json!(true));
    }

    /// A picture of the whole page, as the bytes of a PNG file in base64.
    pub fn picture(&mut self) -> String {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": true}));
        picture["data"].as_str().unwrap().to_owned()
    }

    /// What the page has complained about: console messages, errors, and what the browser did not allow it.
    pub fn complaints(&self) -> Vec<&Value> {
        let complaint = |event: &&Value| {
            matches!(
                event["method"].as_str(),
                Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded")
            )
        };
        self.events.iter().filter(complaint).collect()
    }

    /// The addresses that the page has asked for.
    pub fn requests(&self) -> Vec<&str> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        asked.filter_map(|event| event["params"]["request"]["url"].as_str()).collect()
    }

    fn call(&mut self, method: &str, params: impl Into<Value>) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": params.into()});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.requests.write_all(format!("{message}\0").as_bytes()).unwrap();
        let start = Instant::now();
        loop {
            let Ok(message) = self.messages.recv_timeout(Duration::from_secs(1)) else {
                assert!(self.child.try_wait().unwrap().is_none(), "Chromium has ended");
                assert!(start.elapsed() < PATIENCE, "Chromium does not answer {method}");
                continue;
            };
            if message["id"] == self.number {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own processes end with it; fails only when it has ended already.
        let _ = self.requests.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let start = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where pictures of pages are left for people to look at.
pub fn pictures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/pictures"))
}
