//! How an insurer gets to know its operator: `enroll`, `fingerprint`, `join`; and gets new keys.
//!
//! Everything later rests on the fingerprints that people compare here.

use std::path::Path;

use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, Fingerprint};
use blindlist_protocol::object::{self, ObjectError};
use blindlist_protocol::params::MAX_ENROLMENT;
use blindlist_protocol::succession::Pins;
use blindlist_protocol::text::{Address, Slug};
use blindlist_store::confirm;
use blindlist_store::file::read_limited;

use crate::profile::{Keys, Profile};
use crate::show::note;
use crate::{ClientError, outside};

/// Makes an insurer's keys and its request; the fingerprint is the request's.
///
/// # Errors
/// [`ClientError::KeysExist`], [`ClientError::Store`], [`ClientError::Randomness`].
pub fn enroll(path: &Path, name: Slug) -> Result<Fingerprint, ClientError> {
    let profile = Profile::create(path)?;
    let _lock = profile.lock()?;
    if profile.has_keys() {
        return Err(ClientError::KeysExist(path.to_owned()));
    }
    let (keys, request) = Keys::from_seeds(name, &*outside::random()?, &*outside::random()?)?;
    let request = object::sign(&request, keys.signing());
    profile.write_enrolment(&keys, &request)?;
    Ok(Fingerprint::of(&request))
}

/// Makes new keys beside those in use, and a request that the operator renews the insurer by; the fingerprint is the
/// request's. Keys that were made before and wait for their bundle are not made again.
///
/// # Errors
/// [`ClientError::NotEnrolled`], [`ClientError::NotJoined`], [`ClientError::Store`], [`ClientError::Randomness`].
pub fn new_keys(profile: &Profile) -> Result<Fingerprint, ClientError> {
    let _lock = profile.lock()?;
    let enrolled = profile.enrolled()?;
    profile.settle_keys(enrolled.bundle())?;
    if let Some(waiting) = profile.waiting_request()? {
        return Ok(Fingerprint::of(&waiting));
    }
    let name = enrolled.bundle().insurer.clone();
    let (keys, request) = Keys::from_seeds(name, &*outside::random()?, &*outside::random()?)?;
    let request = object::sign(&request, keys.signing());
    profile.write_new_keys(&keys, &request)?;
    Ok(Fingerprint::of(&request))
}

/// The fingerprint of a file that is a valid request or a valid bundle.
///
/// # Errors
/// [`ClientError::NotAnObject`] when it is neither, [`ClientError::Store`] when it cannot be read.
pub fn fingerprint(path: &Path) -> Result<Fingerprint, ClientError> {
    let bytes = read_limited(path, MAX_ENROLMENT as u64).map_err(ClientError::Unreadable)?;
    let opened = match object::open_self_signed::<EnrolmentRequest>(&bytes) {
        Ok(_) => Ok(()),
        Err(ObjectError::Kind) => object::open_self_signed::<Bundle>(&bytes).map(|_| ()),
        Err(error) => Err(error),
    };
    match opened {
        Ok(()) => Ok(Fingerprint::of(&bytes)),
        Err(source) => Err(ClientError::NotAnObject {
            path: path.to_owned(),
            expected: "an enrolment request or a bundle",
            source,
        }),
    }
}

/// Checks the operator's bundle, has its fingerprint confirmed, and installs it.
///
/// # Errors
/// [`ClientError`]: a bundle that is none, or for other keys, or of another operator than the one joined before; a
/// fingerprint that is another one, or that nobody confirms.
pub fn join(path: &Path, profile: &Profile, expected: Option<Fingerprint>) -> Result<Bundle, ClientError> {
    let bytes = read_limited(path, MAX_ENROLMENT as u64).map_err(ClientError::Unreadable)?;
    let bundle: Bundle = object::open_self_signed(&bytes).map_err(|source| ClientError::NotAnObject {
        path: path.to_owned(),
        expected: "a bundle",
        source,
    })?;
    profile.keys_of(&bundle)?.identity(&bundle)?;
    refuse_other_operator(profile, &bundle)?;
    let found = Fingerprint::of(&bytes);
    describe(&bundle, &found);
    match expected {
        Some(expected) if expected == found => {}
        Some(expected) => return Err(ClientError::OtherFingerprint { found, expected }),
        None if confirm::ask("Did the operator tell you this fingerprint by another way?")? => {}
        None => return Err(ClientError::NotConfirmed),
    }
    let _lock = profile.lock()?;
    refuse_other_operator(profile, &bundle)?;
    profile.install(&bundle, &bytes)?;
    Ok(bundle)
}

/// A bundle moves no pin [ENR-5]: one of the pinned successor is taken, and the succession is asked for on the first
/// connection with it.
fn refuse_other_operator(profile: &Profile, bundle: &Bundle) -> Result<(), ClientError> {
    let Some(joined) = profile.bundle()? else { return Ok(()) };
    let pins = profile.pins(&joined)?;
    if Pins::of(bundle) == pins || pins.may_be_followed_by(&bundle.operator_key) {
        return Ok(());
    }
    Err(ClientError::OtherOperator(profile.path().to_owned()))
}

fn describe(bundle: &Bundle, fingerprint: &Fingerprint) {
    let addresses: Vec<&str> = bundle.addresses.iter().map(Address::as_str).collect();
    note(&format!("operator     {}", bundle.operator));
    note(&format!("servers      {}", addresses.join(", ")));
    note(&format!("insurer      {}", bundle.insurer));
    note(&format!("fingerprint  {fingerprint}"));
}
