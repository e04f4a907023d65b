//! An insurer without a client: its own keys, and whatever requests it likes.

use std::path::PathBuf;

use blindlist_protocol::chunk::{self, ChunkHeader};
use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest};
use blindlist_protocol::epoch::EpochRecord;
use blindlist_protocol::holders::HolderSet;
use blindlist_protocol::ids::{EpochId, JobId};
use blindlist_protocol::message::{Account, Evaluate, Evaluated, Request, Response};
use blindlist_protocol::oprf::{Element, Point, Scalar, additive_blind};
use blindlist_protocol::params::MAX_RESPONSE;
use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_protocol::signature::SigningKey;
use blindlist_protocol::{catalog::Catalog, object};
use blindlist_transport::{CertificateDer, Connection, Identity, Timeouts, TlsKey, TransportError};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::insurer::{approve, fingerprint};
use crate::programs::PATIENCE;
use crate::{Operator, Serving};

/// What precedes the 32 bytes of an Ed25519 seed in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// An insurer that an operator has approved.
#[derive(Debug)]
pub struct RawInsurer {
    /// Its name.
    pub name: String,
    /// What the operator gave it.
    pub bundle: Bundle,
    /// The key that signs its chunks.
    pub signer: SigningKey,
    tls: SigningKey,
}

impl RawInsurer {
    /// Makes one and has the operator approve it for `budget` members. The same name has the same keys.
    pub fn enrolled(name: &str, operator: &Operator, budget: u64) -> Self {
        let seed = |purpose: &str| Sha256::digest(format!("{purpose} {name}")).into();
        let (tls, signer) = (SigningKey::from_seed(&seed("tls")), SigningKey::from_seed(&seed("signing")));
        let request = EnrolmentRequest::new(name.parse().unwrap(), &tls, signer.verifying());
        let request = operator.file(&format!("{name}.csr"), object::sign(&request, &signer));
        let bundle: PathBuf = operator.path(&format!("{name}.bundle"));
        approve(operator, &request, name, budget, &bundle, Some(&fingerprint(&request))).ends(0);
        let bundle = object::open_self_signed(&std::fs::read(bundle).unwrap()).unwrap();
        Self { name: name.to_owned(), bundle, signer, tls }
    }

    /// Its certificate and TLS key.
    pub fn identity(&self) -> Identity {
        Identity::new(self.bundle.certificate.clone().into(), tls_key(&self.tls)).unwrap()
    }

    /// The operator's certificate authority.
    pub fn authority(&self) -> CertificateDer<'static> {
        self.bundle.authority.clone().into()
    }

    /// Connects, and learns which epoch there is.
    pub async fn connect(&self, server: &Serving) -> Line<'_> {
        self.connect_to(&server.address()).await
    }

    /// Connects to an address, and learns which epoch there is.
    pub async fn connect_to(&self, address: &str) -> Line<'_> {
        let connection = self.try_connect(address).await.unwrap();
        let Response::Catalog(catalog) = ask(&connection, &Request::Catalog).await else { panic!("no catalog") };
        let catalog: Catalog = object::open(&catalog, &self.bundle.operator_key).unwrap();
        let record = ask(&connection, &Request::Object(*catalog.epochs.first().unwrap())).await;
        let Response::Object(record) = record else { panic!("no epoch record") };
        let record = object::open(&record, &self.bundle.operator_key).unwrap();
        Line { insurer: self, connection, catalog, record }
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// Why it could not.
    pub async fn try_connect(&self, address: &str) -> Result<Connection, TransportError> {
        Connection::connect(&[address.to_owned()], &self.identity(), &self.authority(), Timeouts::default()).await
    }
}

/// The TLS key of a signing key.
pub fn tls_key(key: &SigningKey) -> TlsKey {
    TlsKey::from_pkcs8(Zeroizing::new([&PKCS8_PREFIX[..], &key.seed()[..]].concat())).unwrap()
}

/// A connection of a raw insurer.
#[derive(Debug)]
pub struct Line<'a> {
    insurer: &'a RawInsurer,
    /// The connection.
    pub connection: Connection,
    /// The catalog when it connected.
    pub catalog: Catalog,
    /// The first epoch's record.
    pub record: EpochRecord,
}

impl Line<'_> {
    /// The epoch.
    pub fn epoch(&self) -> EpochId {
        self.record.epoch
    }

    /// Sends a request and decodes the response.
    pub async fn ask(&self, request: &Request) -> Response {
        ask(&self.connection, request).await
    }

    /// Sends any bytes and decodes the response.
    pub async fn send(&self, bytes: &[u8]) -> Response {
        send(&self.connection, bytes).await.unwrap()
    }

    /// Sends any bytes and requires a refusal.
    pub async fn refusal_of(&self, bytes: &[u8]) -> Refusal {
        match self.send(bytes).await {
            Response::Refused(refusal) => refusal,
            response => panic!("not refused, but {}", kind(&response)),
        }
    }

    /// Requires that a request is refused with this code.
    pub async fn is_refused(&self, request: Evaluate, code: RefusalCode) {
        let refusal = self.refusal_of(&Request::Evaluate(request).encode()).await;
        assert_eq!(refusal, Refusal::from(code));
    }

    /// The account in the epoch.
    pub async fn account(&self) -> Account {
        match self.ask(&Request::Account(self.epoch())).await {
            Response::Account(account) => account,
            response => panic!("no account, but {}", kind(&response)),
        }
    }

    /// The answer to a chunk.
    pub async fn evaluated(&self, request: Evaluate) -> Evaluated {
        match self.ask(&Request::Evaluate(request)).await {
            Response::Evaluated(evaluated) => evaluated,
            response => panic!("not evaluated, but {}", kind(&response)),
        }
    }

    /// A chunk of these elements, as they are, signed.
    pub fn chunk(&self, elements: Vec<Element>) -> Evaluate {
        let holders = self.record.first_set().unwrap();
        self.sign(Evaluate {
            epoch: self.epoch(),
            holders,
            job: JobId::from_bytes([7; 16]),
            number: 0,
            elements,
            signature: blindlist_protocol::signature::Signature::from_bytes([0; 64]),
        })
    }

    /// The same request, signed as it is now.
    pub fn sign(&self, mut request: Evaluate) -> Evaluate {
        let header = ChunkHeader {
            operator_key: self.record.operator_key,
            epoch: request.epoch,
            key: self.record.key,
            job: request.job,
            number: request.number,
            count: u32::try_from(request.elements.len()).unwrap(),
            digest: chunk::digest(&request.elements),
        };
        request.signature = header.sign(&self.insurer.signer);
        request
    }

    /// The set of holders with these indices.
    pub fn holders(indices: &[u8]) -> HolderSet {
        HolderSet::try_from(indices.to_vec()).unwrap()
    }
}

/// `count` valid elements in order, others for each `salt`.
pub fn elements(salt: u64, count: usize) -> Vec<Element> {
    let (mut elements, _) = blinded(salt, count);
    elements.sort_unstable();
    elements
}

/// One valid element with its point.
pub fn element(salt: u64) -> (Element, Point) {
    additive_blind(&salt.to_le_bytes(), &Scalar::from(salt + 1))
}

fn blinded(salt: u64, count: usize) -> (Vec<Element>, Vec<Point>) {
    (0..).take(count).map(|i| element(salt * 1_000_000 + i)).unzip()
}

async fn ask(connection: &Connection, request: &Request) -> Response {
    send(connection, &request.encode()).await.unwrap()
}

/// Sends any bytes and decodes the response.
///
/// # Errors
/// Why none came.
pub async fn send(connection: &Connection, bytes: &[u8]) -> Result<Response, TransportError> {
    let response = connection.request(bytes, MAX_RESPONSE, PATIENCE).await?;
    Ok(Response::decode(&response).expect("a server's responses are well-formed"))
}

/// The name of a response's kind.
pub fn kind(response: &Response) -> String {
    match response {
        Response::Catalog(_) => "Catalog".to_owned(),
        Response::Object(_) => "Object".to_owned(),
        Response::Segment(_) => "Segment".to_owned(),
        Response::Account(account) => format!("{account:?}"),
        Response::Evaluated(evaluated) => format!("Evaluated({} elements)", evaluated.elements.len()),
        Response::Refused(refusal) => format!("{refusal:?}"),
        Response::Checkpoint(checkpoint) => format!("Checkpoint(of {} entries)", checkpoint.size),
        Response::Path(path) => format!("Path({} hashes)", path.len()),
    }
}
