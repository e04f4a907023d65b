//! Who may look: whoever is on this machine, or has the token.
//!
//! A browser on this machine can be made to ask in the name of a foreign page: one whose name suddenly resolves to
//! 127.0.0.1. Such a request names that page's host, so on a loopback address only names of this machine are answered.

use std::net::IpAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blindlist_store::file;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method, Request};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Error;

/// The shortest and the longest token, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=1_024;

/// Decides about requests.
pub(super) struct Guard {
    address: IpAddr,
    token: Option<Token>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// It wants to do something, where there is nothing but to see.
    Method,
    /// It is meant for another host.
    Host,
    /// It has no token, or another one.
    Token,
}

impl Guard {
    /// For a page at this address; none without a token when others reach it.
    pub(super) fn new(address: IpAddr, token: Option<Token>) -> Option<Self> {
        let guarded = token.is_some() || address.to_canonical().is_loopback();
        guarded.then_some(Self { address, token })
    }

    /// Whether a request may be answered. `open` paths need no token.
    pub(super) fn admit<B>(&self, request: &Request<B>, open: bool) -> Result<(), Denied> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Denied::Method);
        }
        let in_line = request.uri().authority().is_none_or(|authority| self.is_own(authority));
        if !in_line || !host(request.headers()).is_some_and(|host| self.is_own(&host)) {
            return Err(Denied::Host);
        }
        // A page of another origin may make a browser ask, though not read what comes.
        let elsewhere = |site: &HeaderValue| !matches!(site.as_bytes(), b"same-origin" | b"none");
        if request.headers().get("sec-fetch-site").is_some_and(elsewhere) {
            return Err(Denied::Host);
        }
        match &self.token {
            Some(token) if !open && !presented(request.headers()).is_some_and(|shown| token.is(&shown)) => {
                Err(Denied::Token)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a host is this one. On an address that others reach it may have any name: there the token guards.
    fn is_own(&self, authority: &Authority) -> bool {
        if !self.address.to_canonical().is_loopback() {
            return true;
        }
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => address == self.address || address.to_canonical().is_loopback(),
            // RFC 6761: these never leave the machine.
            Err(_) => {
                let name = host.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

/// The one host that a request names.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut named = headers.get_all(HOST).iter();
    match (named.next(), named.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (Some(_) | None, _) => None,
    }
}

/// The token in `Authorization: Bearer TOKEN`, or in the password of `Basic`, which browsers ask for.
fn presented(headers: &HeaderMap) -> Option<Zeroizing<Vec<u8>>> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = header.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Zeroizing::new(value.as_bytes().to_vec()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(value).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    pair.get(colon + 1..).map(|password| Zeroizing::new(password.to_vec()))
}

/// A secret word, known by its SHA-256 alone.
pub(super) struct Token([u8; 32]);

impl Token {
    /// The only line of a private file.
    ///
    /// # Errors
    /// [`Error::Store`] when others can read it, [`Error::AdminToken`] when it holds none.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let bytes = file::read_secret(path, *LENGTHS.end() as u64 + 2)?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let token = line.strip_suffix(b"\r").unwrap_or(line);
        if LENGTHS.contains(&token.len()) && token.iter().all(u8::is_ascii_graphic) {
            Ok(Self(Sha256::digest(token).into()))
        } else {
            Err(Error::AdminToken { path: path.to_owned() })
        }
    }

    /// Takes as long for one that is nearly right as for one that is not.
    fn is(&self, shown: &[u8]) -> bool {
        Sha256::digest(shown).as_slice().ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn token(content: &str) -> Result<Token, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Token::read(&path)
    }

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn local() -> Guard {
        Guard::new("127.0.0.1".parse().unwrap(), None).unwrap()
    }

    #[test]
    fn others_reach_it_with_a_token_only() {
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(Guard::new(local.parse().unwrap(), None).is_some(), "{local}");
        }
        for open in ["0.0.0.0", "::", "10.0.0.1", "2001:db8::1"] {
            assert!(Guard::new(open.parse().unwrap(), None).is_none(), "{open}");
            assert!(Guard::new(open.parse().unwrap(), token(TOKEN).ok()).is_some(), "{open}");
        }
    }

    #[test]
    fn on_a_loopback_address_only_this_machines_names_are_answered() {
        for own in
            ["localhost", "LocalHost:9433", "localhost.", "127.0.0.1:9433", "127.0.0.2", "[::1]:1", "a.localhost"]
        {
            assert_eq!(local().admit(&request(&[("host", own)]), true), Ok(()), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "evil-localhost",
            "",
            "a b",
            "127.0.0.1@evil.example",
        ] {
            assert_eq!(local().admit(&request(&[("host", foreign)]), true), Err(Denied::Host), "{foreign:?}");
        }
        for (site, admitted) in [
            ("same-origin", Ok(())),
            ("none", Ok(())),
            ("same-site", Err(Denied::Host)),
            ("cross-site", Err(Denied::Host)),
        ] {
            let asked = request(&[("host", "localhost"), ("sec-fetch-site", site)]);
            assert_eq!(local().admit(&asked, true), admitted, "{site}");
        }
        assert_eq!(local().admit(&request(&[]), true), Err(Denied::Host));
        let two = request(&[("host", "localhost"), ("host", "evil.example")]);
        assert_eq!(local().admit(&two, true), Err(Denied::Host));
        let in_line = Request::get("http://evil.example/").header("host", "localhost").body(()).unwrap();
        assert_eq!(local().admit(&in_line, true), Err(Denied::Host));
        let reached = Guard::new("10.0.0.1".parse().unwrap(), token(TOKEN).ok()).unwrap();
        assert_eq!(reached.admit(&request(&[("host", "page.acme.example")]), true), Ok(()));
    }

    #[test]
    fn looking_is_all_that_can_be_done() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "X"] {
            let request = Request::builder().method(method).uri("/").header("host", "localhost").body(()).unwrap();
            assert_eq!(local().admit(&request, true), Err(Denied::Method), "{method}");
        }
    }

    #[test]
    fn a_token_is_shown_as_bearer_or_as_a_password() {
        let guard = Guard::new("127.0.0.1".parse().unwrap(), token(&format!("{TOKEN}\n")).ok()).unwrap();
        let with = |value: &str| guard.admit(&request(&[("host", "localhost"), ("authorization", value)]), false);
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        for good in [
            format!("Bearer {TOKEN}"),
            format!("bearer  {TOKEN}"),
            basic(&format!("any:{TOKEN}")),
            basic(&format!(":{TOKEN}")),
        ] {
            assert_eq!(with(&good), Ok(()), "{good}");
        }
        let longer = format!("Bearer {TOKEN}x");
        let bad = [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            &longer,
            &longer[..20],
            "Basic %%%",
            &basic(TOKEN),
            &basic(&format!("{TOKEN}:")),
        ];
        for bad in bad {
            assert_eq!(with(bad), Err(Denied::Token), "{bad}");
        }
        assert_eq!(guard.admit(&request(&[("host", "localhost")]), false), Err(Denied::Token));
        assert_eq!(guard.admit(&request(&[("host", "localhost")]), true), Ok(()), "an open path");
    }

    #[test]
    fn a_token_is_one_line_of_32_characters_at_least() {
        for good in [TOKEN, "0123456789abcdef0123456789abcdef\r\n", &"x".repeat(1_024)] {
            assert!(token(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            &TOKEN[1..],
            "0123456789abcdef 123456789abcdef",
            "0123456789abcdef0123456789abcdef\n\n",
            &"é".repeat(32),
        ] {
            assert!(matches!(token(bad), Err(Error::AdminToken { .. })), "{bad:?}");
        }
        assert!(matches!(token(&"x".repeat(2_000)), Err(Error::Store(_))));
    }
}
