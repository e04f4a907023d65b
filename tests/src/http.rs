//! One HTTP request over TCP, by hand: so that a test can send what no library would.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::programs::PATIENCE;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        let found = self.head.lines().find(|found| line(found))?;
        found.split_once(':').map(|(_, value)| value.trim())
    }
}

/// GET, with more header lines if wanted.
pub fn get(address: &str, path: &str, headers: &[&str]) -> Answer {
    let more: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    send(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}\r\n"))
}

/// Sends any bytes and reads the answer, to the end of the connection.
pub fn send(address: &str, request: &str) -> Answer {
    let answer = raw(address, request);
    parse(&answer).unwrap_or_else(|| panic!("no answer to {request:?}, but {answer:?}"))
}

/// Sends any bytes: whatever comes until the other side closes.
pub fn raw(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The other side may have closed before everything was sent.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
