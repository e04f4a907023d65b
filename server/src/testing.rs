//! An operator and its insurers for the tests of this crate: real homes, real ledgers, no sockets.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use blindlist_protocol::catalog::{Catalog, Listed, audience_tag};
use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, Fingerprint};
use blindlist_protocol::entry::Dictionary;
use blindlist_protocol::epoch::Evidence;
use blindlist_protocol::identifier::Scheme;
use blindlist_protocol::object;
use blindlist_protocol::signature::SigningKey;
use blindlist_store::file;
use blindlist_transport::certificate_digest;

use crate::catalog::{self, Snapshot};
use crate::home::Home;
use crate::init::{NewOperator, init};
use crate::insurers::{Approval, approve};
use crate::outside::wait;
use crate::releases::{Release, live};
use crate::seal::{Audience, By, Choices, Sealed, seal};
use crate::{Error, signed};

pub(crate) struct Operator {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) home: Home,
}

pub(crate) struct Insurer {
    pub(crate) certificate: [u8; 32],
    pub(crate) signing: SigningKey,
    pub(crate) bundle: Bundle,
}

impl Operator {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewOperator {
            operator: "op".parse().unwrap(),
            addresses: vec![],
            ledger: None,
            evidence: Evidence::Optional,
        };
        init(&folder.path().join("home"), &new).await.unwrap();
        let home = Home::open(folder.path().join("home")).unwrap();
        Self { folder, home }
    }

    /// A new operator, for tests that do nothing else that waits.
    pub(crate) fn new_blocking() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(Self::new())
    }

    /// A file next to the home.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Seals a file with the columns `nir` and perhaps `categories`.
    pub(crate) fn seal(&self, list: &str, content: &str) -> Result<Sealed, Error> {
        let input = self.file(&format!("{list}.csv"), content);
        seal(&self.home, &[input], By::Choices(choices(list)))
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::read(&self.home, &self.home.operator_key().unwrap()).unwrap()
    }

    pub(crate) fn live(&self) -> Vec<Release> {
        let snapshot = self.snapshot();
        live(&self.home, &snapshot.catalog, &self.home.operator_key().unwrap()).unwrap()
    }

    /// Makes the live release of a list one that is addressed to some insurers only.
    pub(crate) fn address(&self, list: &str, audience: &[&Insurer]) {
        let key = self.home.manifest_key().unwrap();
        let release = self.live().into_iter().find(|release| release.manifest.list.as_str() == list).unwrap();
        let mut manifest = release.manifest.clone();
        manifest.audience = audience.iter().map(|insurer| insurer.bundle.insurer.clone()).collect();
        manifest.audience.sort();
        let bytes = signed::sign("manifest", &manifest, &key).unwrap();
        file::write_atomic(release.index_path().with_file_name("manifest"), &bytes).unwrap();
        let digest = object::digest(&bytes);
        let tags = audience.iter().map(|insurer| audience_tag(&digest, &insurer.bundle.insurer_id));
        let mut listed = Listed { manifest: digest, audience: tags.collect() };
        listed.audience.sort_unstable();
        self.publish(&self.snapshot().next(&[release.digest], vec![listed], 1));
    }

    /// Puts an earlier catalog back in the home and in the ledger, as if none had been published since.
    pub(crate) fn put_back(&self, catalog: &[u8]) {
        fs::write(self.home.catalog_path(), catalog).unwrap();
        let forget = async || {
            let ledger = self.home.ledger().await?;
            ledger.forget_catalog().await;
            ledger.close().await;
            Ok(())
        };
        wait(forget).unwrap();
    }

    /// Publishes a catalog.
    pub(crate) fn publish(&self, catalog: &Catalog) {
        let key = self.home.manifest_key().unwrap();
        let published = async || {
            let ledger = self.home.ledger().await?;
            catalog::publish(&self.home, &ledger, catalog.clone(), &key).await
        };
        wait(published).unwrap();
    }

    /// An insurer that may ask about so many members.
    pub(crate) async fn approve(&self, name: &str, members: u32) -> Insurer {
        static SEED: AtomicU32 = AtomicU32::new(1);
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&SEED.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        let signing = SigningKey::from_seed(&seed);
        let request = request(name, &signing);
        let path = self.folder.path().join(format!("{name}.csr"));
        fs::write(&path, &request).unwrap();
        let approval = Approval { name: name.parse().unwrap(), members, fingerprint: Some(Fingerprint::of(&request)) };
        let out = self.folder.path().join(format!("{name}.bundle"));
        approve(&self.home, &path, &approval, &out).await.unwrap();
        let bundle: Bundle = object::open_self_signed(&fs::read(out).unwrap()).unwrap();
        Insurer { certificate: certificate_digest(&bundle.certificate.as_slice().into()), signing, bundle }
    }
}

/// An enrolment request.
pub(crate) fn request(name: &str, signing: &SigningKey) -> Vec<u8> {
    let tls = SigningKey::from_seed(&[0xee; 32]);
    let request = EnrolmentRequest::new(name.parse().unwrap(), &tls, signing.verifying());
    object::sign(&request, signing)
}

/// What tests choose unless they want something else: three categories, numbers alone.
pub(crate) fn choices(list: &str) -> Choices {
    let names = ["nir", "contract", "coverage"].map(|name| name.parse().unwrap());
    Choices {
        list: list.parse().unwrap(),
        audience: Audience::Unsaid,
        title: "Fuite d'essai".parse().unwrap(),
        incident: Some("2026-01-20/2026-01-31".parse().unwrap()),
        scheme: Scheme::Nir,
        columns: vec![],
        encoding: None,
        sheet: None,
        categories: Dictionary::try_from(names.to_vec()).unwrap(),
        false_positive_bits: 40,
        accept_rejects: false,
        keep_evaluations: false,
        epoch: None,
    }
}

/// A well-formed number for each `i` below 1,000,000.
pub(crate) fn nir(i: u32) -> String {
    format!("1800175{i:06}")
}

/// A file of so many people, the column `nir` alone.
pub(crate) fn people(count: u32) -> String {
    std::iter::once("nir".to_owned()).chain((0..count).map(nir)).collect::<Vec<_>>().join("\n")
}
