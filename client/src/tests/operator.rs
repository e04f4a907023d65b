//! An operator without sockets or disk: it seals lists, signs what it must, charges and answers; and it can be told to
//! tamper with what it answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use blindlist_protocol::catalog::{Catalog, Listed};
use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, successor_hash};
use blindlist_protocol::entry::{Dictionary, Entry, Label};
use blindlist_protocol::epoch::{EpochRecord, Evidence, Holder};
use blindlist_protocol::identifier::{Identifier, Nir, Scheme};
use blindlist_protocol::ids::{Digest, InsurerId, LedgerId, ReleaseId};
use blindlist_protocol::index::{self, SealedEntry};
use blindlist_protocol::insurer::Epoch;
use blindlist_protocol::job::{BlindingSecret, JobSeed};
use blindlist_protocol::log::Event;
use blindlist_protocol::manifest::{Incident, Manifest, segment_digests, source_commitment};
use blindlist_protocol::message::{Account, Evaluated, Request, Response};
use blindlist_protocol::object;
use blindlist_protocol::operator::{EpochKey, Question};
use blindlist_protocol::oprf::{SecretKey, evaluate_inputs};
use blindlist_protocol::params::SEGMENT_LENGTH;
use blindlist_protocol::receipt::Receipt;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::Slug;
use blindlist_transport::CertificateAuthority;

pub(crate) use super::insurer::Insurer;
use super::log::TestLog;
use crate::channel::{Channel, ChannelError};

/// The time of all tests, in seconds since 1970.
pub(crate) const NOW: u64 = 1_790_000_000;
/// The categories of every list.
pub(crate) const CATEGORIES: [&str; 3] = ["nir", "contract", "insurer"];

/// What is done to an answer before it leaves.
pub(crate) type Tamper = Box<dyn Fn(&Request, Response) -> Result<Response, ChannelError> + Send + Sync>;

/// The operator.
pub(crate) struct Operator {
    pub(crate) key: SigningKey,
    epoch: EpochKey,
    pub(crate) catalog: Catalog,
    objects: BTreeMap<Digest, Vec<u8>>,
    indexes: BTreeMap<ReleaseId, Vec<u8>>,
    pub(crate) granted: u64,
    /// Entries of the list being sealed that belong to nobody.
    nobody: u32,
    /// Of the lists that it seals from now on.
    pub(crate) title: &'static str,
    /// Likewise.
    pub(crate) incident: Option<Incident>,
    insurer: VerifyingKey,
    ledger: Mutex<Ledger>,
    pub(crate) tamper: Option<Tamper>,
}

/// What was charged and asked.
pub(crate) struct Ledger {
    charged: HashMap<Digest, Receipt>,
    spent: u64,
    /// Chunks asked for, repeated ones included.
    pub(crate) asked: Vec<u32>,
    /// All requests, without what is secret or random in them.
    sent: Vec<String>,
    log: TestLog,
}

/// The ledger of every operator here.
pub(crate) const LEDGER: LedgerId = LedgerId::from_bytes([1; 16]);
/// The insurer's id.
pub(crate) const INSURER: InsurerId = InsurerId::from_bytes([2; 16]);

/// The receipt key of the operator of a seed.
pub(crate) fn receipt_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed ^ 0x55; 32])
}

impl Operator {
    /// An operator of this key with one empty epoch.
    pub(crate) fn new(seed: u8) -> Self {
        Self::named("breached", seed)
    }

    /// As [`Self::new`], with a name.
    pub(crate) fn named(name: &str, seed: u8) -> Self {
        let key = SigningKey::from_seed(&[seed; 32]);
        let share = SecretKey::from_uniform_bytes(&[seed; 64]).unwrap();
        let public = share.public();
        let record = EpochRecord {
            version: 1,
            operator: slug(name),
            operator_key: key.verifying(),
            epoch: EpochRecord::id(&key.verifying(), &public),
            key: public,
            threshold: 1,
            holders: vec![Holder {
                index: 1,
                share: public,
                receipt_key: receipt_key(seed).verifying(),
                ledger: LEDGER,
                addresses: vec![],
            }],
            canaries: std::array::from_fn(|i| [u8::try_from(i).unwrap(); 16]),
            evidence: Evidence::Optional,
            created: NOW,
        };
        let catalog = Catalog {
            operator: slug(name),
            operator_key: key.verifying(),
            sequence: 1,
            issued: NOW - 1,
            expires: NOW + 1_000,
            epochs: vec![],
            manifests: vec![],
            checkpoints: vec![],
        };
        let mut log = TestLog::new(LEDGER, receipt_key(seed));
        let digest = object::digest(&object::sign(&record, &key));
        log.append(Event::Epoch { epoch: record.epoch, operator_key: key.verifying(), key: public, record: digest });
        let mut operator = Self {
            epoch: EpochKey::new(record.clone(), 1, share).unwrap(),
            catalog,
            objects: BTreeMap::new(),
            indexes: BTreeMap::new(),
            granted: 1 << 20,
            nobody: 0,
            title: "Fuite d'été",
            incident: None,
            insurer: key.verifying(),
            ledger: Mutex::new(Ledger { charged: HashMap::new(), spent: 0, asked: vec![], sent: vec![], log }),
            tamper: None,
            key,
        };
        let digest = operator.keep(object::sign(&record, &operator.key));
        operator.catalog.epochs.push(digest);
        operator
    }

    /// Seals a list of these people with the bits of their labels, and makes it live.
    pub(crate) fn seal(&mut self, list: &str, people: &[(Identifier, u64)]) {
        self.seal_with(list, people, |_| {});
    }

    /// As [`Self::seal`], with labels of any bits.
    pub(crate) fn seal_raw(&mut self, list: &str, people: &[(Identifier, u64)]) {
        let any = Dictionary::try_from((0..8).map(|i| slug(&format!("c{i}"))).collect::<Vec<_>>()).unwrap();
        let labels: Vec<_> = people.iter().map(|(person, bits)| (person.clone(), any.label(*bits).unwrap())).collect();
        self.seal_with(list, &[], |all| all.extend(labels));
    }

    /// As [`Self::seal`], with a change of the entries before they are encoded: the canaries come first, in order.
    pub(crate) fn seal_with(
        &mut self,
        list: &str,
        people: &[(Identifier, u64)],
        change: impl FnOnce(&mut Vec<(Identifier, Label)>),
    ) {
        let dictionary = Dictionary::try_from(CATEGORIES.map(slug).to_vec()).unwrap();
        let record = self.epoch.record().clone();
        let canaries = record.canaries(Scheme::Nir).into_iter().enumerate();
        let mut all: Vec<(Identifier, Label)> =
            canaries.map(|(i, canary)| (canary, dictionary.canary_label(i))).collect();
        all.extend(people.iter().map(|(person, bits)| (person.clone(), dictionary.label(*bits).unwrap())));
        change(&mut all);
        let release = ReleaseId::from_bytes(*object::digest(list.as_bytes()).as_bytes().first_chunk().unwrap());
        let bytes = self.encode(release, &all, &dictionary);
        let manifest = Manifest {
            operator: record.operator,
            operator_key: record.operator_key,
            list: slug(list),
            title: self.title.parse().unwrap(),
            incident: self.incident,
            audience: vec![],
            release,
            sequence: 1,
            previous: None,
            created: NOW,
            epoch: record.epoch,
            key: record.key,
            scheme: Scheme::Nir,
            entries: u32::try_from(all.len()).unwrap() + self.nobody,
            false_positive_bits: bytes[38],
            dictionary,
            source: source_commitment(&[0; 32], &[]),
            index_length: bytes.len() as u64,
            segment_length: SEGMENT_LENGTH,
            segments: segment_digests(&bytes),
        };
        self.indexes.insert(release, bytes);
        self.publish(&manifest);
    }

    /// As [`Self::seal`], with so many entries beside them that belong to nobody.
    pub(crate) fn seal_many(&mut self, list: &str, people: &[(Identifier, u64)], nobody: u32) {
        self.nobody = nobody;
        self.seal(list, people);
        self.nobody = 0;
    }

    fn encode(&self, release: ReleaseId, all: &[(Identifier, Label)], dictionary: &Dictionary) -> Vec<u8> {
        let inputs: Vec<&[u8]> = all.iter().map(|(identifier, _)| identifier.as_bytes()).collect();
        let evaluations = evaluate_inputs(&SecretKey::from_uniform_bytes(&[self.seed(); 64]).unwrap(), &inputs);
        let seal = |(evaluation, (_, label)): (_, &(Identifier, Label))| {
            let entry = Entry::derive(&release, evaluation);
            SealedEntry { tag: entry.tag, label: entry.seal(*label, dictionary) }
        };
        let mut entries: Vec<SealedEntry> = evaluations.iter().zip(all).map(seal).collect();
        // Far apart, and nowhere near what a hash gives.
        let spread = u128::MAX / u128::from(self.nobody.max(1));
        entries.extend((0..self.nobody).map(|n| SealedEntry { tag: u128::from(n) * spread, label: 0 }));
        index::encode(*release.as_bytes(), 40, dictionary.label_length(), &mut entries).unwrap()
    }

    fn seed(&self) -> u8 {
        self.key.seed()[0]
    }

    /// Makes a manifest live.
    pub(crate) fn publish(&mut self, manifest: &Manifest) {
        let digest = self.keep(object::sign(manifest, &self.key));
        self.catalog.manifests.push(Listed::to_all(digest));
        self.catalog.manifests.sort_unstable_by_key(|listed| listed.manifest);
        self.catalog.sequence += 1;
    }

    /// Changes the index of the only list, and signs that.
    pub(crate) fn damage(&mut self, list: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut manifest = self.manifest(list);
        let bytes = self.indexes.get_mut(&manifest.release).unwrap();
        change(bytes);
        (manifest.index_length, manifest.segments) = (bytes.len() as u64, segment_digests(bytes));
        self.objects.retain(|digest, _| !self.catalog.manifests.iter().any(|listed| listed.manifest == *digest));
        self.catalog.manifests.clear();
        self.publish(&manifest);
    }

    /// The manifest of a live list.
    pub(crate) fn manifest(&self, list: &str) -> Manifest {
        let manifests = self.objects.values().filter_map(|bytes| object::open(bytes, &self.key.verifying()).ok());
        manifests.into_iter().find(|manifest: &Manifest| manifest.list.as_str() == list).unwrap()
    }

    /// A live list in the catalog.
    pub(crate) fn listed(&mut self, list: &str) -> &mut Listed {
        let digest = object::digest(&object::sign(&self.manifest(list), &self.key));
        self.catalog.manifests.iter_mut().find(|listed| listed.manifest == digest).unwrap()
    }

    fn keep(&mut self, object: Vec<u8>) -> Digest {
        let digest = object::digest(&object);
        self.objects.insert(digest, object);
        digest
    }

    /// What was charged.
    pub(crate) fn spent(&self) -> u64 {
        self.ledger.lock().unwrap().spent
    }

    /// All requests so far, without what is secret or random in them.
    pub(crate) fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.ledger.lock().unwrap().sent)
    }

    /// The chunks asked for since this was called last.
    pub(crate) fn take_asked(&self) -> Vec<u32> {
        let mut asked = std::mem::take(&mut self.ledger.lock().unwrap().asked);
        asked.sort_unstable();
        asked
    }

    fn answer(&self, request: &Request) -> Result<Response, RefusalCode> {
        match request {
            Request::Catalog => Ok(Response::Catalog(object::sign(&self.catalog, &self.key))),
            Request::Object(digest) => {
                let found = self.objects.get(digest).cloned();
                found.map(Response::Object).ok_or(RefusalCode::UnknownObject)
            }
            Request::Segment { release, number } => {
                let index = self.indexes.get(release).ok_or(RefusalCode::UnknownObject)?;
                let segment = index.chunks(SEGMENT_LENGTH as usize).nth(*number as usize);
                Ok(Response::Segment(segment.ok_or(RefusalCode::UnknownObject)?.to_vec()))
            }
            Request::Account(_) => Ok(Response::Account(self.account())),
            Request::Evaluate(evaluate) => {
                let question = Question::validate(evaluate.clone(), &self.epoch, &self.insurer)?;
                let receipt = self.charge(&question, evaluate.number)?;
                let (elements, proof) = question.answer(&[7; 64]);
                let account = self.account();
                Ok(Response::Evaluated(Evaluated { elements, proof, account, receipt }))
            }
            Request::Checkpoint(ledger) => Ok(Response::Checkpoint(self.log_of(ledger)?.checkpoint())),
            Request::Consistency { ledger, from, to } => path(self.log_of(ledger)?.consistency(*from, *to)),
            Request::Inclusion { ledger, index, size } => path(self.log_of(ledger)?.inclusion(*index, *size)),
            Request::Succession(_) => Err(RefusalCode::UnknownObject),
        }
    }

    /// The receipt of a chunk, which is charged when it is new.
    fn charge(&self, question: &Question<'_>, number: u32) -> Result<Receipt, RefusalCode> {
        let mut ledger = self.ledger.lock().unwrap();
        ledger.asked.push(number);
        if let Some(receipt) = ledger.charged.get(&question.digest()) {
            return Ok(receipt.clone());
        }
        let spent = ledger.spent + u64::from(question.count());
        if spent > self.granted {
            return Err(RefusalCode::OverBudget);
        }
        ledger.spent = spent;
        let receipt = ledger.log.append(Event::Charge(question.charge(INSURER, spent)));
        ledger.charged.insert(question.digest(), receipt.clone());
        Ok(receipt)
    }

    /// The audit log as it is.
    pub(crate) fn log(&self) -> TestLog {
        self.ledger.lock().unwrap().log.clone()
    }

    fn log_of(&self, ledger: &LedgerId) -> Result<TestLog, RefusalCode> {
        Some(self.log()).filter(|log| log.ledger == *ledger).ok_or(RefusalCode::UnknownObject)
    }

    /// Changes the audit log.
    pub(crate) fn change_log(&self, change: impl FnOnce(&mut TestLog)) {
        change(&mut self.ledger.lock().unwrap().log);
    }

    /// Changes the record of the only epoch.
    pub(crate) fn change_record(&mut self, change: impl FnOnce(&mut EpochRecord)) {
        let mut record = self.epoch.record().clone();
        change(&mut record);
        record.version += 1;
        let share = SecretKey::from_uniform_bytes(&[self.seed(); 64]).unwrap();
        let digest = self.keep(object::sign(&record, &self.key));
        self.epoch = EpochKey::new(record, 1, share).unwrap();
        (self.catalog.epochs, self.catalog.sequence) = (vec![digest], self.catalog.sequence + 1);
    }

    fn account(&self) -> Account {
        Account { granted: self.granted, spent: self.spent() }
    }

    /// Enrols an insurer and gives it a bundle.
    pub(crate) fn approve(&mut self, request: &EnrolmentRequest) -> Vec<u8> {
        let authority = CertificateAuthority::generate("breached", NOW).unwrap();
        let certificate = authority.issue_client("insurer", request.tls_key.as_bytes(), NOW, 10).unwrap();
        self.insurer = request.signing_key;
        self.enrol_in_log(request.signing_key);
        let bundle = Bundle {
            operator: self.catalog.operator.clone(),
            operator_key: self.key.verifying(),
            successor: successor_hash(&self.key.verifying()),
            insurer: slug("insurer"),
            insurer_id: INSURER,
            signing_key: request.signing_key,
            tls_key: request.tls_key,
            certificate: certificate.to_vec(),
            authority: authority.certificate().to_vec(),
            addresses: vec!["localhost:4433".parse().unwrap()],
        };
        object::sign(&bundle, &self.key)
    }

    fn enrol_in_log(&self, signing_key: VerifyingKey) {
        let (insurer, epoch, certificate) = (INSURER, self.epoch.record().epoch, Digest::from_bytes([0; 32]));
        let granted = self.granted;
        self.change_log(|log| {
            log.append(Event::Enrolment { insurer, name: slug("insurer"), signing_key, certificate });
            log.append(Event::Budget { insurer, epoch, granted });
        });
    }
}

fn path(path: Option<Vec<Digest>>) -> Result<Response, RefusalCode> {
    path.map(Response::Path).ok_or(RefusalCode::UnknownObject)
}

impl Channel for Operator {
    async fn call(&self, request: Request) -> Result<Response, ChannelError> {
        // As over the network: what is sent is what can be decoded again.
        let request = Request::decode(&request.encode()).unwrap();
        let shown = match &request {
            Request::Evaluate(evaluate) => format!("{} of {}", evaluate.number, evaluate.elements.len()),
            Request::Object(_) => "object".to_owned(),
            Request::Catalog
            | Request::Segment { .. }
            | Request::Account(_)
            | Request::Checkpoint(_)
            | Request::Consistency { .. }
            | Request::Inclusion { .. }
            | Request::Succession(_) => format!("{request:?}"),
        };
        self.ledger.lock().unwrap().sent.push(shown);
        let response = self.answer(&request).map_err(|code| ChannelError::Refused(Refusal::from(code)))?;
        let response = match &self.tamper {
            Some(tamper) => tamper(&request, response)?,
            None => response,
        };
        Ok(Response::decode(&response.encode())?)
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

pub(crate) fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

/// The epoch of the operator of a seed.
pub(crate) fn epoch(seed: u8) -> Epoch {
    let operator = Operator::new(seed);
    let record = object::sign(operator.epoch.record(), &operator.key);
    Epoch::open(&record, &operator.key.verifying()).unwrap()
}

/// The blinding secret of a job with this seed.
pub(crate) fn blinding(seed: u8) -> BlindingSecret {
    epoch(1).blinding(&JobSeed::from_bytes([seed; 32]))
}

/// The n-th person's social security number, 13 characters.
pub(crate) fn nir(n: u32) -> String {
    format!("18001{:02}{:06}", n % 95 + 1, n)
}

/// The n-th person.
pub(crate) fn person(n: u32) -> Identifier {
    Identifier::nir(&Nir::parse(&nir(n)).unwrap())
}
