//! The layout of successions, and what moves pins (SPEC.md, section 24).

use super::*;
use crate::codec;
use crate::fixtures::{any as some, assert_rules, assert_strict, slug, unhex};
use crate::signature::SigningKey;
use proptest::prelude::*;

/// The manifest keys of an operator, in the order in which they succeed each other.
fn key(place: u8) -> SigningKey {
    SigningKey::from_seed(&[place + 1; 32])
}

fn hash(place: u8) -> Digest {
    successor_hash(&key(place).verifying())
}

/// The succession of the key at a place to the one behind it.
fn succession(place: u8) -> Succession {
    Succession {
        operator: slug("op"),
        old_key: key(place).verifying(),
        new_key: key(place + 1).verifying(),
        successor: hash(place + 2),
        time: 0x0102,
    }
}

fn signed(place: u8) -> Vec<u8> {
    object::sign(&succession(place), &key(place + 1))
}

/// What is pinned while the key at a place is the manifest key.
fn pins(place: u8) -> Pins {
    Pins { operator_key: key(place).verifying(), successor: hash(place + 1) }
}

#[test]
fn a_succession_has_its_layout() {
    let layout = [
        &hex::encode("blindlist/1 succession\n"), // line
        "0200000000000000",                       // length of the operator's name
        "6f70",                                   // "op"
        &*key(0).verifying().to_string(),         // old key
        &key(1).verifying().to_string(),          // new key
        &hash(2).to_string(),                     // hash of the next successor
        "0201000000000000",                       // time
    ];
    let signature = key(1).sign(&unhex(&layout.concat()));
    assert_eq!(hex::encode(signed(0)), layout.concat() + &hex::encode(signature.as_bytes()));
    assert_eq!(object::open_self_signed(&signed(0)), Ok(succession(0)));
}

#[test]
fn the_body_is_strict() {
    assert_strict(&succession(0), codec::encode, |bytes| codec::decode(bytes, Succession::LIMIT));
}

/// [SUC-1]
#[test]
fn three_keys_are_three_keys() {
    assert_rules(
        &succession(0),
        &key(1),
        &[
            (|succession| succession.old_key = succession.new_key, "SUC-1"),
            (|succession| succession.successor = successor_hash(&succession.old_key), "SUC-1"),
            (|succession| succession.successor = successor_hash(&succession.new_key), "SUC-1"),
        ],
    );
}

/// [SUC-2]
#[test]
fn pins_follow_one_succession_after_the_other() {
    let followed = (0..3).try_fold(pins(0), |pins, place| pins.follow(&signed(place)));
    assert_eq!(followed, Ok(pins(3)));
}

/// [SUC-2]
#[test]
fn nothing_else_moves_the_pins() {
    let change = |change: fn(&mut Succession), signer: u8| {
        let mut changed = succession(0);
        change(&mut changed);
        pins(0).follow(&object::sign(&changed, &key(signer)))
    };
    // A thief with the old key, in favour of a key of its own or of the right one.
    let stolen = change(|succession| succession.new_key = key(9).verifying(), 9);
    assert_eq!(stolen, Err(SuccessionError::NotTheSuccessor));
    assert_eq!(change(|_| {}, 0), Err(ObjectError::Signature.into()));
    // Of a key that is not, or no longer, or not yet the pinned one.
    assert_eq!(change(|succession| succession.old_key = key(9).verifying(), 1), Err(SuccessionError::OtherKey));
    assert_eq!(pins(1).follow(&signed(0)), Err(SuccessionError::OtherKey), "there is no way back");
    assert_eq!(pins(0).follow(&signed(1)), Err(SuccessionError::OtherKey), "none is left out");
    // Back to a key that went before, by the key in its place.
    let back = Succession { old_key: key(1).verifying(), new_key: key(0).verifying(), ..succession(0) };
    assert_eq!(pins(1).follow(&object::sign(&back, &key(0))), Err(SuccessionError::NotTheSuccessor));
    let broken = change(|succession| succession.successor = successor_hash(&succession.new_key), 1);
    assert!(matches!(broken, Err(SuccessionError::Object(ObjectError::Invalid(_)))), "{broken:?}");
    assert_eq!(pins(0).follow(b"blindlist/1 bundle\n"), Err(ObjectError::Kind.into()));
    assert_eq!(pins(0).follow(&signed(0)[..40]), Err(ObjectError::Codec(codec::CodecError::Malformed).into()));
}

proptest! {
    #[test]
    fn successions_come_back(
        (operator, old_key, successor) in (some::slug(), some::verifying_key(), some::digest()),
        new in any::<[u8; 32]>(),
        time in any::<u64>(),
    ) {
        let new = SigningKey::from_seed(&new);
        let succession = Succession { operator, old_key, new_key: new.verifying(), successor, time };
        prop_assume!(succession.check().is_ok());
        prop_assert_eq!(object::open_self_signed(&object::sign(&succession, &new)), Ok(succession));
    }

    /// [SUC-2]: whatever the bytes, only the pinned successor is ever pinned.
    #[test]
    fn damaged_successions_move_nothing(place in 0_usize..200, with in 1_u8..=255) {
        let mut bytes = signed(0);
        let place = place % bytes.len();
        bytes[place] ^= with;
        prop_assert!(pins(0).follow(&bytes).is_err());
    }
}
