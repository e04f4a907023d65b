//! What an insurer does when the operator's manifest key was succeeded, and new keys of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use blindlist_protocol::enrolment::{Bundle, Fingerprint, successor_hash};
use blindlist_protocol::ids::Digest;
use blindlist_protocol::live::Live;
use blindlist_protocol::message::{Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::params::MAX_SUCCESSIONS;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::succession::{Pins, Succession, SuccessionError};
use blindlist_store::exit::Code;

use super::operator::{Insurer, NOW, Operator, person, run, slug};
use crate::channel::{Channel, ChannelError};
use crate::{Broken, Caller, ClientError, enroll, live};

/// The manifest key at a place in the line; operators of these tests have the key of their seed.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn pins(seed: u8) -> Pins {
    Pins { operator_key: key(seed).verifying(), successor: successor_hash(&key(seed + 1).verifying()) }
}

/// The signed succession of a key to another, which pins a third.
fn succession(old: u8, new: u8, successor: Digest) -> Vec<u8> {
    let (old_key, new_key) = (key(old).verifying(), key(new).verifying());
    object::sign(&Succession { operator: slug("breached"), old_key, new_key, successor, time: NOW }, &key(new))
}

/// An operator that tells of successions.
struct Telling {
    operator: Operator,
    told: Vec<Vec<u8>>,
    asked: AtomicUsize,
}

impl Channel for Telling {
    async fn call(&self, request: Request) -> Result<Response, ChannelError> {
        let Request::Succession(asked) = request else { return self.operator.call(request).await };
        self.asked.fetch_add(1, Ordering::SeqCst);
        let of =
            |bytes: &&Vec<u8>| object::open_self_signed::<Succession>(bytes).is_ok_and(|told| told.old_key == asked);
        // A liar says what it has to say, whatever it is asked.
        let found = self.told.iter().find(of).or(self.told.first());
        let refused = || ChannelError::Refused(RefusalCode::UnknownObject.into());
        found.map(|bytes| Response::Object(bytes.clone())).ok_or_else(refused)
    }
}

/// The operator with the key of a seed, which tells of these successions; its catalog has the sequence 2.
fn operator(seed: u8, told: Vec<Vec<u8>>) -> Telling {
    let mut operator = Operator::new(seed);
    operator.seal("leak", &[(person(1), 1)]);
    Telling { operator, told, asked: AtomicUsize::new(0) }
}

/// Successions from each key to the next one, up to this one.
fn line(last: u8) -> Vec<Vec<u8>> {
    (1..last).map(|old| succession(old, old + 1, pins(old + 1).successor)).collect()
}

/// An insurer that has pinned key 1, and key 2 as its successor.
fn insurer() -> Insurer {
    let insurer = Insurer::joined(&mut Operator::new(1));
    insurer.profile().pin(&pins(1)).unwrap();
    insurer
}

fn refresh(insurer: &Insurer, operator: &Telling) -> Result<Live, ClientError> {
    let profile = insurer.profile();
    run(live::refresh(&profile, &profile.enrolled()?, operator, &Caller::nobody(), NOW))
}

fn pinned(insurer: &Insurer) -> Pins {
    *insurer.profile().enrolled().unwrap().pins()
}

/// Requires that what an operator shows is refused as a breach, and that the pins stay where they are.
#[track_caller]
fn assert_refused(insurer: &Insurer, operator: &Telling) -> Broken {
    let before = pinned(insurer);
    let error = refresh(insurer, operator).unwrap_err();
    assert_eq!((error.code(), pinned(insurer)), (Code::PeerBroke, before), "{error}");
    let ClientError::Broken(broken) = error else { panic!("{error}") };
    broken
}

/// [SUC-2]
#[test]
fn the_pins_follow_one_succession_or_several() {
    for last in [2, 3, 7] {
        let insurer = insurer();
        assert_eq!(refresh(&insurer, &operator(last, line(last))).unwrap().catalog.operator_key, key(last).verifying());
        assert_eq!(pinned(&insurer), pins(last));
        // From now on it is nothing special.
        assert!(refresh(&insurer, &operator(last, vec![])).is_ok());
    }
}

/// [SUC-2]
#[test]
fn sixteen_successions_are_followed_at_a_time() {
    let most = u8::try_from(MAX_SUCCESSIONS).unwrap();
    let insurer = insurer();
    assert!(refresh(&insurer, &operator(1 + most, line(1 + most))).is_ok());
    let insurer = self::insurer();
    let far = operator(2 + most, line(2 + most));
    let error = refresh(&insurer, &far).unwrap_err();
    assert_eq!(error.code(), Code::PeerBroke, "{error}");
    assert_eq!(pinned(&insurer), pins(1 + most), "each was the pinned one");
    assert!(refresh(&insurer, &far).is_ok(), "the next time");
}

/// [SUC-2]
#[test]
fn another_key_than_the_pinned_one_is_not_followed() {
    let insurer = insurer();
    // A thief with key 1, which wants to be followed by key 9.
    let thief = operator(9, vec![succession(1, 9, pins(2).successor)]);
    assert!(matches!(assert_refused(&insurer, &thief), Broken::Succession(SuccessionError::NotTheSuccessor)));
    let unsigned = operator(
        2,
        vec![object::sign(
            &object::open_self_signed::<Succession>(&succession(1, 2, pins(2).successor)).unwrap(),
            &key(1),
        )],
    );
    assert!(matches!(assert_refused(&insurer, &unsigned), Broken::Succession(SuccessionError::Object(_))));
    let anothers = operator(2, vec![succession(8, 2, pins(2).successor)]);
    assert!(matches!(assert_refused(&insurer, &anothers), Broken::Succession(SuccessionError::OtherKey)));
    assert!(matches!(assert_refused(&insurer, &operator(2, vec![])), Broken::NotSucceeded(_)));
    assert!(refresh(&insurer, &operator(1, vec![])).is_ok(), "the operator itself is believed as before");
}

/// [SUC-2]: a succession that does not lead to the catalog's signer.
#[test]
fn a_succession_to_somewhere_else_ends_there() {
    let insurer = insurer();
    let error = refresh(&insurer, &operator(9, line(2))).unwrap_err();
    assert_eq!((error.code(), pinned(&insurer)), (Code::PeerBroke, pins(2)), "{error}");
}

/// [SUC-2], [SUC-3]
#[test]
fn there_is_no_way_back_to_the_old_key() {
    let insurer = insurer();
    refresh(&insurer, &operator(2, line(2))).unwrap();
    let mut thief = operator(1, line(2));
    thief.operator.catalog.sequence = 99;
    assert!(matches!(assert_refused(&insurer, &thief), Broken::Succession(SuccessionError::OtherKey)));
    let back = operator(1, vec![succession(2, 1, pins(2).successor)]);
    assert!(matches!(assert_refused(&insurer, &back), Broken::Succession(SuccessionError::NotTheSuccessor)));
    // Nor may the successor begin anew with lower numbers.
    let mut lower = operator(2, vec![]);
    lower.operator.catalog.sequence = 1;
    assert!(
        matches!(assert_refused(&insurer, &lower), Broken::Live(live_error) if live_error.to_string().contains("older"))
    );
}

#[test]
fn only_another_signer_makes_it_ask() {
    let insurer = insurer();
    let mut operator = operator(1, line(2));
    operator.operator.tamper = Some(Box::new(|request, response| {
        let catalog = matches!(request, Request::Catalog);
        Ok(if catalog { Response::Catalog(b"blindlist/1 catalog\n".to_vec()) } else { response })
    }));
    assert_refused(&insurer, &operator);
    assert_eq!(operator.asked.load(Ordering::SeqCst), 0);
}

/// A bundle of an operator for the request in a file, as the operator of this seed makes it.
fn bundle(insurer: &Insurer, request: &str, seed: u8) -> Bundle {
    let request = object::open_self_signed(&insurer.read(request)).unwrap();
    let bundle: Bundle = object::open_self_signed(&Operator::new(seed).approve(&request)).unwrap();
    Bundle { successor: pins(seed).successor, ..bundle }
}

fn join(insurer: &Insurer, bundle: &Bundle, seed: u8) -> Result<Bundle, ClientError> {
    let bytes = object::sign(bundle, &key(seed));
    std::fs::write(insurer.path("bundle"), &bytes).unwrap();
    enroll::join(&insurer.path("bundle"), &insurer.profile(), Some(Fingerprint::of(&bytes)))
}

/// [ENR-5]
#[test]
fn a_bundle_of_the_successor_is_taken_and_moves_no_pin() {
    let insurer = insurer();
    join(&insurer, &bundle(&insurer, "profile/request.csr", 2), 2).unwrap();
    assert_eq!(pinned(&insurer), pins(1));
    assert_eq!(refresh(&insurer, &operator(2, line(2))).unwrap().catalog.operator_key, key(2).verifying());
    assert_eq!(pinned(&insurer), pins(2));
    // The key before, any other key, and the right one with another successor are another operator.
    let good = bundle(&insurer, "profile/request.csr", 2);
    for (seed, bundle) in [
        (1, bundle(&insurer, "profile/request.csr", 1)),
        (4, bundle(&insurer, "profile/request.csr", 4)),
        (2, Bundle { successor: pins(8).successor, ..good.clone() }),
    ] {
        let error = join(&insurer, &bundle, seed).unwrap_err();
        assert!(matches!(error, ClientError::OtherOperator(_)), "{error}");
    }
    join(&insurer, &good, 2).unwrap();
    assert_eq!(pinned(&insurer), pins(2));
}

/// [ENR-5]: what was pinned at enrolment stays pinned without a file of its own, until something is joined again.
#[test]
fn a_profile_of_an_earlier_version_has_the_pins_of_its_bundle() {
    let insurer = Insurer { home: tempfile::tempdir().unwrap() };
    enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
    join(&insurer, &bundle(&insurer, "profile/request.csr", 1), 1).unwrap();
    assert!(!insurer.path("profile/pins.json").exists());
    assert_eq!(pinned(&insurer), pins(1));
    join(&insurer, &bundle(&insurer, "profile/request.csr", 2), 2).unwrap();
    assert_eq!(pinned(&insurer), pins(1));
    std::fs::write(insurer.path("profile/pins.json"), "{}").unwrap();
    assert!(matches!(insurer.profile().enrolled(), Err(ClientError::Damaged { .. })));
}

#[test]
fn new_keys_are_used_from_their_bundle_on_and_the_old_ones_until_then() {
    let insurer = insurer();
    let old = insurer.profile().enrolled().unwrap().keys().signing().verifying();
    let fingerprint = enroll::new_keys(&insurer.profile()).unwrap();
    assert_eq!(enroll::new_keys(&insurer.profile()).unwrap(), fingerprint, "they wait, and are not made again");
    assert_eq!(enroll::fingerprint(&insurer.path("profile/new-request.csr")).unwrap(), fingerprint);
    for (name, mode) in [("new-keys", 0o700), ("new-keys/tls.key", 0o600), ("new-keys/signing.key", 0o600)] {
        let found = std::fs::metadata(insurer.path("profile").join(name)).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o777, mode, "{name}");
    }
    assert_eq!(insurer.profile().enrolled().unwrap().keys().signing().verifying(), old);
    // A new certificate for the old keys may come meanwhile.
    join(&insurer, &bundle(&insurer, "profile/request.csr", 1), 1).unwrap();
    assert_eq!(insurer.profile().enrolled().unwrap().keys().signing().verifying(), old);

    let request = insurer.read("profile/new-request.csr");
    let renewed = join(&insurer, &bundle(&insurer, "profile/new-request.csr", 1), 1).unwrap();
    let keys = insurer.profile().enrolled().unwrap();
    assert_eq!((keys.keys().signing().verifying(), *keys.pins()), (renewed.signing_key, pins(1)));
    assert_eq!(insurer.read("profile/request.csr"), request);
    let left = ["new-keys", "new-request.csr"].map(|name| insurer.path("profile").join(name).exists());
    assert_eq!(left, [false, false]);
    refresh(&insurer, &operator(1, vec![])).unwrap();
    assert_ne!(enroll::new_keys(&insurer.profile()).unwrap(), fingerprint, "and once more");
}

/// Wherever the change of the keys was cut off, one pair of them is whole, and the next change goes on from it.
#[test]
fn keys_are_whole_wherever_their_change_is_cut_off() {
    let in_use = |insurer: &Insurer| insurer.profile().enrolled().unwrap().keys().signing().verifying();
    let move_file = |insurer: &Insurer, from: &str, to: &str| {
        std::fs::rename(insurer.path("profile").join(from), insurer.path("profile").join(to)).unwrap();
    };
    // While they are made: nothing, the request, one key.
    for kept in [&[][..], &["new-request.csr"], &["new-request.csr", "new-keys/signing.key"]] {
        let insurer = insurer();
        let old = in_use(&insurer);
        let fingerprint = enroll::new_keys(&insurer.profile()).unwrap();
        for made in ["new-request.csr", "new-keys/signing.key", "new-keys/tls.key"] {
            if !kept.contains(&made) {
                std::fs::remove_file(insurer.path("profile").join(made)).unwrap();
            }
        }
        assert_eq!(in_use(&insurer), old, "{kept:?}");
        assert_ne!(enroll::new_keys(&insurer.profile()).unwrap(), fingerprint, "{kept:?}: they were not whole");
    }
    // While they take their place: the bundle is there, then the request, then the old keys go, one by one.
    for cut in 0..5 {
        let insurer = insurer();
        enroll::new_keys(&insurer.profile()).unwrap();
        let bundle = bundle(&insurer, "profile/new-request.csr", 1);
        std::fs::write(insurer.path("profile/bundle"), object::sign(&bundle, &key(1))).unwrap();
        if cut > 0 {
            move_file(&insurer, "new-request.csr", "request.csr");
        }
        for (at, name) in [(1, "tls.key"), (2, "signing.key")] {
            if cut > at {
                std::fs::remove_file(insurer.path("profile/keys").join(name)).unwrap();
            }
        }
        if cut > 3 {
            std::fs::remove_dir(insurer.path("profile/keys")).unwrap();
        }
        assert_eq!(in_use(&insurer), bundle.signing_key, "{cut}");
        insurer.profile().enrolled().unwrap().identity().unwrap();
        enroll::new_keys(&insurer.profile()).unwrap();
        assert_eq!(in_use(&insurer), bundle.signing_key, "{cut}");
        assert!(insurer.path("profile/keys/tls.key").exists(), "{cut}: they have their place");
    }
}

#[test]
fn new_keys_are_for_those_who_have_joined() {
    let insurer = Insurer { home: tempfile::tempdir().unwrap() };
    enroll::enroll(&insurer.path("profile"), slug("insurer")).unwrap();
    assert!(matches!(enroll::new_keys(&insurer.profile()), Err(ClientError::NotJoined(_))));
    assert!(!insurer.path("profile/new-keys").exists());
}
