//! An operator who signs nonsense with its real keys: releases that `blindlistd seal` would never make.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use blindlist_protocol::catalog::{Catalog, Listed};
use blindlist_protocol::checkpoint::Checkpoint;
use blindlist_protocol::enrolment::Bundle;
use blindlist_protocol::entry::{Dictionary, Entry};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::identifier::{Identifier, Nir, Scheme};
use blindlist_protocol::ids::{Digest, LedgerId, ReleaseId};
use blindlist_protocol::index::{Header, SealedEntry, encode};
use blindlist_protocol::log::{Charge, tree};
use blindlist_protocol::manifest::{Manifest, segment_digests};
use blindlist_protocol::message::{Account, Evaluate, Evaluated, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::operator::{EpochKey, Question};
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_protocol::params::{CANARIES, SEGMENT_LENGTH};
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::SigningKey;

use crate::{Insurer, Operator};

/// What everybody has.
const ACCOUNT: Account = Account { granted: 1_000_000, spent: 0 };

/// The keys of an operator, in hands that do not care.
#[derive(Debug)]
pub struct Forger {
    /// The manifest key.
    pub manifest_key: SigningKey,
    /// The epoch's record.
    pub record: EpochRecord,
    record_bytes: Vec<u8>,
    log: Arc<Mutex<Log>>,
    share: PathBuf,
    insurer: Bundle,
    sequence: AtomicU64,
}

/// A release that was forged.
#[derive(Clone, Debug)]
pub struct Forgery {
    /// The manifest, before it is signed.
    pub manifest: Manifest,
    /// The index.
    pub index: Vec<u8>,
}

impl Forger {
    /// Takes the keys out of a home. Questions are expected of this insurer.
    pub fn of(operator: &Operator, insurer: &Insurer) -> Self {
        let seed = fs::read(operator.home().join("keys/offline/manifest.key")).unwrap();
        let manifest_key = SigningKey::from_seed(&seed.try_into().unwrap());
        let receipt = fs::read(operator.home().join("keys/online/receipt.key")).unwrap();
        let epochs = fs::read_dir(operator.home().join("epochs")).unwrap();
        let epoch = epochs.map(|entry| entry.unwrap().path()).next().unwrap();
        let record_bytes = fs::read(epoch.join("record")).unwrap();
        let mut record: EpochRecord = object::open(&record_bytes, &manifest_key.verifying()).unwrap();
        // A ledger of its own, of which nobody remembers anything.
        let log = Log::new(LedgerId::from_bytes([0x5a; 16]), SigningKey::from_seed(&receipt.try_into().unwrap()));
        (record.version, record.holders[0].ledger) = (record.version + 1, log.ledger);
        Self {
            record_bytes: object::sign(&record, &manifest_key),
            manifest_key,
            record,
            log: Arc::new(Mutex::new(log)),
            share: epoch.join("oprf.key"),
            insurer: insurer.bundle(),
            sequence: 1_000.into(),
        }
    }

    /// A release with these numbers, each with all categories, and canaries with these label bits. The bits of
    /// `spoiled` are inverted in every person's label.
    pub fn release(&self, numbers: &[String], canaries: [Option<u64>; CANARIES], spoiled: u64) -> Forgery {
        let dictionary = dictionary();
        let release = ReleaseId::from_bytes([0x5a; 16]);
        let people = numbers.iter().map(|number| (Identifier::nir(&Nir::parse(number).unwrap()), dictionary.full()));
        let canaries = self.record.canaries(Scheme::Nir).into_iter().zip(canaries).filter_map(|(canary, bits)| {
            let label = dictionary.label(bits?).expect("the forger's labels are labels");
            Some((canary, label))
        });
        let (identifiers, labels): (Vec<_>, Vec<_>) = people.chain(canaries).unzip();
        let inputs: Vec<&[u8]> = identifiers.iter().map(Identifier::as_bytes).collect();
        let evaluations = evaluate_inputs(&self.secret(), &inputs);
        let entries = evaluations.iter().map(|y| Entry::derive(&release, y)).zip(labels);
        let seal = |(place, (entry, label)): (usize, (Entry, _))| {
            let spoiled = if place < numbers.len() { spoiled } else { 0 };
            SealedEntry { tag: entry.tag, label: entry.seal(label, &dictionary) ^ spoiled }
        };
        let mut sealed: Vec<_> = entries.enumerate().map(seal).collect();
        let index = encode(*release.as_bytes(), 40, dictionary.label_length(), &mut sealed).unwrap();
        let header = Header::parse(&index).unwrap();
        Forgery { manifest: self.manifest(release, header, &index), index }
    }

    fn manifest(&self, release: ReleaseId, header: Header, index: &[u8]) -> Manifest {
        Manifest {
            operator: self.record.operator.clone(),
            operator_key: self.record.operator_key,
            list: "forged".parse().unwrap(),
            title: "".parse().unwrap(),
            incident: None,
            audience: Vec::new(),
            release,
            sequence: 1,
            previous: None,
            created: self.record.created,
            epoch: self.record.epoch,
            key: self.record.key,
            scheme: Scheme::Nir,
            entries: header.entries(),
            false_positive_bits: header.f(),
            dictionary: dictionary(),
            source: Digest::from_bytes([0; 32]),
            index_length: index.len() as u64,
            segment_length: SEGMENT_LENGTH,
            segments: segment_digests(index),
        }
    }

    /// A catalog, before it is signed, with a sequence that no seal has reached: one higher each time.
    pub fn catalog(&self, manifests: &[Digest]) -> Catalog {
        let mut manifests: Vec<_> = manifests.iter().copied().map(Listed::to_all).collect();
        manifests.sort_unstable_by_key(|listed| listed.manifest);
        Catalog {
            operator: self.record.operator.clone(),
            operator_key: self.record.operator_key,
            sequence: self.sequence.fetch_add(1, Ordering::SeqCst),
            issued: self.record.created,
            expires: self.record.created + 366 * 86_400,
            epochs: vec![object::digest(&self.record_bytes)],
            manifests,
            checkpoints: Vec::new(),
        }
    }

    /// Answers as a server would that has only this release, and a ledger that never says no.
    pub fn serve(&self, forgery: &Forgery) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
        let manifest = object::sign(&forgery.manifest, &self.manifest_key);
        let digest = object::digest(&manifest);
        let catalog = object::sign(&self.catalog(&[digest]), &self.manifest_key);
        let (index, id) = (forgery.index.clone(), forgery.manifest.release);
        let objects = [(digest, manifest), (object::digest(&self.record_bytes), self.record_bytes.clone())];
        let key = EpochKey::new(self.record.clone(), 1, self.secret()).unwrap();
        let (insurer, log) = (self.insurer.clone(), Arc::clone(&self.log));
        let refused = || Response::Refused(RefusalCode::UnknownObject.into());
        move |request| match request {
            Request::Catalog => Response::Catalog(catalog.clone()),
            Request::Object(wanted) => {
                let found = objects.iter().find(|(digest, _)| digest == wanted);
                found.map_or_else(refused, |(_, bytes)| Response::Object(bytes.clone()))
            }
            Request::Segment { release, number } if *release == id => {
                let segment = index.chunks(SEGMENT_LENGTH as usize).nth(*number as usize);
                segment.map_or_else(refused, |bytes| Response::Segment(bytes.to_vec()))
            }
            Request::Segment { .. } => refused(),
            Request::Account(_) => Response::Account(ACCOUNT),
            Request::Evaluate(evaluate) => answer(evaluate.clone(), &key, &insurer, &log),
            Request::Checkpoint(_) => Response::Checkpoint(log.lock().unwrap().checkpoint()),
            Request::Consistency { from, to, .. } => log.lock().unwrap().path(tree::consistency(*from, *to)),
            Request::Inclusion { index, size, .. } => log.lock().unwrap().path(tree::inclusion(*index, *size)),
            Request::Succession(_) => refused(),
        }
    }

    fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(&fs::read(&self.share).unwrap().try_into().unwrap()).unwrap()
    }
}

fn answer(request: Evaluate, key: &EpochKey, insurer: &Bundle, log: &Mutex<Log>) -> Response {
    match Question::validate(request, key, &insurer.signing_key) {
        Ok(question) => {
            let (elements, proof) = question.answer(&[9; 64]);
            let charge = question.charge(insurer.insurer_id, u64::from(question.count()));
            let receipt = log.lock().unwrap().append(charge);
            Response::Evaluated(Evaluated { elements, proof, account: ACCOUNT, receipt })
        }
        Err(code) => Response::Refused(code.into()),
    }
}

/// An audit log that goes on, and has nothing but charges: only an auditor would mind.
#[derive(Debug)]
struct Log {
    ledger: LedgerId,
    key: SigningKey,
    entries: Vec<Vec<u8>>,
}

impl Log {
    fn new(ledger: LedgerId, key: SigningKey) -> Self {
        Self { ledger, key, entries: Vec::new() }
    }

    fn append(&mut self, charge: Charge) -> Receipt {
        let receipt = Receipt::of_charge(&self.ledger, self.entries.len() as u64, charge, 0, &self.key);
        self.entries.push(receipt.entry.clone());
        receipt
    }

    fn head(&self, first: usize, count: usize) -> tree::Head {
        let mut tree = tree::Frontier::default();
        self.entries.iter().skip(first).take(count).for_each(|entry| drop(tree.append(tree::leaf(entry))));
        tree.head()
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::sign(self.ledger, &self.head(0, self.entries.len()), 0, &self.key)
    }

    fn path(&self, nodes: Option<Vec<Vec<tree::Node>>>) -> Response {
        let hash =
            |node: &tree::Node| self.head(usize::try_from(node.index << node.level).unwrap(), 1 << node.level).root;
        let fold = |nodes: &Vec<tree::Node>| tree::fold(&nodes.iter().map(hash).collect::<Vec<_>>());
        Response::Path(nodes.unwrap_or_default().iter().map(fold).collect())
    }
}

/// Three categories: every label byte has unused bits.
pub fn dictionary() -> Dictionary {
    let names = ["identity", "contract", "coverage"].map(|name| name.parse().unwrap());
    Dictionary::try_from(names.to_vec()).unwrap()
}

/// The label bits that canaries must have with [`dictionary`].
pub fn right_canaries() -> [Option<u64>; CANARIES] {
    std::array::from_fn(|i| Some(dictionary().canary_label(i).bits()))
}
