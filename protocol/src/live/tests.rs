//! What a client holds a snapshot, its records and its manifests against (SPEC.md, sections 10 to 12).

use super::*;
use crate::catalog::{Listed, audience_tag};
use crate::fixtures::{Operator, slug};
use crate::ids::ReleaseId;
use crate::signature::SigningKey;

const NOW: u64 = 50;
const US: InsurerId = InsurerId::from_bytes([7; 16]);

/// An operator's live objects, one epoch record and the manifests given, and a snapshot that names them.
struct Shown {
    operator: Operator,
    objects: Vec<Vec<u8>>,
    catalog: Catalog,
}

fn shown(manifests: &[Manifest]) -> Shown {
    let operator = Operator::new(1, 2, 1, 1);
    let record = operator.signed_record();
    let signed: Vec<Vec<u8>> = manifests.iter().map(|manifest| object::sign(manifest, &operator.signing)).collect();
    let mut listed: Vec<Listed> = signed.iter().map(|bytes| Listed::to_all(object::digest(bytes))).collect();
    listed.sort_by_key(|listed| listed.manifest);
    let catalog = Catalog {
        operator: slug("op"),
        operator_key: operator.signing.verifying(),
        sequence: 3,
        issued: 1,
        expires: 100,
        epochs: vec![object::digest(&record)],
        manifests: listed,
        checkpoints: vec![],
    };
    Shown { operator, objects: [vec![record], signed].concat(), catalog }
}

impl Shown {
    fn snapshot(&self) -> Snapshot {
        let signing = &self.operator.signing;
        Snapshot::open(&object::sign(&self.catalog, signing), &signing.verifying()).unwrap()
    }

    fn gathering(&self) -> Gathering {
        self.snapshot().accept(None, NOW, &US).unwrap()
    }

    /// All objects that are asked for and exist, given to the client.
    fn gathered(&self) -> Result<Live, LiveError> {
        let mut gathering = self.gathering();
        for bytes in &self.objects {
            gathering.add(object::digest(bytes), bytes)?;
        }
        gathering.finish(&slug("mutuelle"))
    }
}

fn manifest() -> Manifest {
    Operator::new(1, 2, 1, 1).manifest()
}

fn list(name: &str, release: u8) -> Manifest {
    Manifest { list: slug(name), release: ReleaseId::from_bytes([release; 16]), ..manifest() }
}

#[test]
fn what_is_live_is_sorted_by_list() {
    let shown = shown(&[list("zeta", 1), list("alpha", 2)]);
    let live = shown.gathered().unwrap();
    let names: Vec<&str> = live.releases.iter().map(|release| release.manifest.list.as_str()).collect();
    assert_eq!(names, ["alpha", "zeta"]);
    assert_eq!((live.catalog, live.epochs.len()), (shown.catalog.clone(), 1));
    assert_eq!(live.digest, object::digest(&object::sign(&shown.catalog, &shown.operator.signing)));
    assert_eq!(live.releases[0].digest, object::digest(&shown.objects[2]));
}

/// [CAT-2], [CAT-3]
#[test]
fn an_older_another_or_an_expired_snapshot_is_refused() {
    let snapshot = || shown(&[]).snapshot();
    let accept = |sequence, digest| snapshot().accept(Some(Seen { sequence, digest }), NOW, &US).map(|_| ());
    let (ours, other) = (snapshot().seen().digest, Digest::from_bytes([9; 32]));
    assert_eq!(accept(4, other), Err(LiveError::LowerSequence { found: 3, seen: 4 }));
    assert_eq!(accept(3, other), Err(LiveError::TwoCatalogs(3)));
    assert_eq!((accept(3, ours), accept(2, other)), (Ok(()), Ok(())));
    assert!(snapshot().accept(None, 99, &US).is_ok());
    assert_eq!(snapshot().accept(None, 100, &US).map(|_| ()), Err(LiveError::Expired(100)));
}

/// [OBJ-2], [OBJ-4]
#[test]
fn objects_of_others_are_refused() {
    let shown = shown(&[manifest()]);
    let stranger = SigningKey::from_seed(&[9; 32]);
    let bytes = object::sign(&shown.catalog, &stranger);
    let refused = Snapshot::open(&bytes, &shown.operator.signing.verifying()).map(|_| ());
    assert_eq!(refused, Err(LiveError::Object { what: "the catalog", source: ObjectError::Signature }));
    let record = object::digest(&shown.objects[0]);
    assert_eq!(shown.gathering().add(record, &shown.objects[1]), Err(LiveError::OtherObject(record)));
}

/// [CAT-5]
#[test]
fn nothing_may_be_missing() {
    let shown = shown(&[manifest()]);
    for hidden in [0, 1] {
        let mut gathering = shown.gathering();
        assert_eq!(gathering.missing(), shown.objects.iter().map(|bytes| object::digest(bytes)).collect::<Vec<_>>());
        let other = &shown.objects[1 - hidden];
        gathering.add(object::digest(other), other).unwrap();
        let digest = object::digest(&shown.objects[hidden]);
        assert_eq!(gathering.finish(&slug("mutuelle")).map(|_| ()), Err(LiveError::Hidden(digest)));
    }
}

/// [CAT-6]
#[test]
fn manifest_and_snapshot_agree_on_the_audience() {
    let addressed = Manifest { audience: vec![slug("other")], ..manifest() };
    let mut shown = shown(&[addressed]);
    assert_eq!(shown.gathered().map(|_| ()), Err(LiveError::NotAddressed(slug("li"))));
    let digest = shown.catalog.manifests[0].manifest;
    shown.catalog.manifests[0].audience = vec![audience_tag(&digest, &InsurerId::from_bytes([8; 16]))];
    assert!(shown.gathered().unwrap().releases.is_empty(), "it is addressed to somebody else");
    shown.catalog.manifests[0].audience = vec![audience_tag(&digest, &US)];
    assert_eq!(shown.gathered().map(|_| ()), Err(LiveError::NotAddressed(slug("li"))));
}

/// [CAT-4], [EPO-6]
#[test]
fn two_of_one_are_refused() {
    let one_list = shown(&[list("a", 1), Manifest { created: 8, ..list("a", 2) }]);
    let one_release = shown(&[list("a", 1), list("b", 1)]);
    assert_eq!(one_list.gathered().map(|_| ()), Err(LiveError::TwoReleases(slug("a"))));
    assert_eq!(one_release.gathered().map(|_| ()), Err(LiveError::TwoReleases(slug("b"))));

    let mut shown = shown(&[]);
    shown.operator.record.version = 2;
    shown.objects.push(shown.operator.signed_record());
    shown.catalog.epochs = shown.objects.iter().map(|bytes| object::digest(bytes)).collect();
    shown.catalog.epochs.sort();
    assert_eq!(shown.gathered().map(|_| ()), Err(LiveError::TwoRecords(shown.operator.record.epoch)));
}

/// [MAN-4]
#[test]
fn a_manifest_belongs_to_a_live_epoch_of_its_operator() {
    let refused = Err(LiveError::NoEpoch(slug("li")));
    let renamed = Manifest { operator: slug("another"), ..manifest() };
    assert_eq!(shown(&[renamed]).gathered().map(|_| ()), refused);
    let other_epoch = Operator::new(1, 3, 1, 1).manifest();
    assert_eq!(shown(&[other_epoch]).gathered().map(|_| ()), refused);
}
