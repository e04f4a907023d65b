//! `init`: a new operator. All of its home is made, or nothing.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use blindlist_protocol::epoch::Evidence;
use blindlist_protocol::ids::{EpochId, LedgerId};
use blindlist_protocol::object;
use blindlist_protocol::oprf::SecretKey;
use blindlist_protocol::params::MAX_ADDRESSES;
use blindlist_protocol::signature::{SigningKey, VerifyingKey};
use blindlist_protocol::text::{Address, Slug};
use blindlist_store::StoreError;
use blindlist_store::file;
use blindlist_store::folder::PrivateFolder;
use blindlist_store::passphrase::Passphrase;
use blindlist_transport::CertificateAuthority;
use blindlist_transport::pki::SERVER_DAYS;

use crate::catalog;
use crate::config::{Config, DEFAULT_RATE, Limits};
use crate::epochs::{new_record, opened};
use crate::home::{Home, NewKeys, move_folder, new_epoch_folder};
use crate::ledger::{Ledger, PostgresUrl};
use crate::outside::{now, random};
use crate::{Error, signed};

/// The port that insurers call unless an address says otherwise (SPEC.md, "Transport").
pub const DEFAULT_PORT: u16 = 4433;

/// What a new operator is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperator {
    /// Its name.
    pub operator: Slug,
    /// Where insurers are going to reach it: at most 16. None stands for this machine alone.
    pub addresses: Vec<Address>,
    /// The database of its ledger, without tables; none stands for a file in the home.
    pub ledger: Option<PostgresUrl>,
    /// Whether insurers must keep what shows an auditor whom they asked about in the first epoch.
    pub evidence: Evidence,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initialised {
    /// The public half of the manifest key: what an operator is known by.
    pub operator_key: VerifyingKey,
    /// The first epoch.
    pub epoch: EpochId,
    /// The configuration.
    pub config: Config,
}

/// Makes the home of a new operator at `path`, which must not exist or be an empty folder.
///
/// # Errors
/// [`Error::Store`] when the folder is in use or cannot be written, [`Error::TooManyAddresses`]. Nothing is left behind.
pub async fn init(path: &Path, new: &NewOperator) -> Result<Initialised, Error> {
    init_under(path, new, None).await
}

/// Makes a home as [`init`] does, its secret keys under a passphrase if there is one.
///
/// # Errors
/// Those of [`init`].
pub async fn init_under(path: &Path, new: &NewOperator, passphrase: Option<&Passphrase>) -> Result<Initialised, Error> {
    if new.addresses.len() > MAX_ADDRESSES {
        return Err(Error::TooManyAddresses);
    }
    let existed = path.exists();
    // Refuses what is not empty; an empty folder gives way when the new home is moved there.
    let target = PrivateFolder::create_new(path)?;
    let failed = |source| StoreError::io("find the folder of", path, source);
    let target = target.path().canonicalize().map_err(failed)?;
    let building = building_place(&target)?;
    let made = async {
        let home = Home::new(PrivateFolder::create_new(&building)?);
        let made = fill(&home, new, passphrase).await?;
        if let Err(error) = move_folder(&building, &target) {
            Ledger::take_back(&home.ledger_place()?).await;
            return Err(error);
        }
        Ok(made)
    };
    let made = made.await;
    if made.is_err() {
        // The error that is reported is the first one; what this leaves is named by its random suffix and never read.
        let _ = fs::remove_dir_all(&building);
        if !existed {
            let _ = fs::remove_dir(&target);
        }
    }
    made
}

/// A name that is free, next to the home, so that one rename moves it there.
pub(crate) fn building_place(target: &Path) -> Result<PathBuf, Error> {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{:016x}.tmp", u64::from_le_bytes(*random()?)));
    Ok(target.with_file_name(name))
}

async fn fill(home: &Home, new: &NewOperator, passphrase: Option<&Passphrase>) -> Result<Initialised, Error> {
    let now = now()?;
    let keys = new_keys(&new.operator, now)?;
    let config = config(new);
    home.create_folders()?;
    file::write_new(home.config_path(), config.to_text().as_bytes())?;
    home.write_keys(&keys, passphrase)?;

    let ledger_id = LedgerId::from_bytes(*random::<16>()?);
    let key = SecretKey::from_uniform_bytes(&*random::<64>()?).map_err(|_| Error::Randomness)?;
    let public = (keys.manifest.verifying(), keys.receipt.verifying());
    let record = new_record(&config, public, &key, ledger_id, new.evidence, now)?;
    let bytes = signed::sign("epoch record", &record, &keys.manifest)?;
    new_epoch_folder(home, &record, &bytes, &key, passphrase)?;
    if let Some(passphrase) = passphrase {
        // For the receipt key, which signs the first checkpoint.
        home.passphrases().add(passphrase.clone());
    }

    let place = home.ledger_place()?;
    let ledger = Ledger::create(place.clone(), *ledger_id.as_bytes()).await?;
    let digest = object::digest(&bytes);
    let published = async {
        ledger.open_epoch(&opened(&record, digest)?).await?;
        let first = catalog::first(new.operator.clone(), public.0, digest, now);
        catalog::publish(home, &ledger, first, &keys.manifest).await
    };
    let published = published.await;
    ledger.close().await;
    if published.is_err() {
        Ledger::take_back(&place).await;
    }
    published?;
    Ok(Initialised { operator_key: public.0, epoch: record.epoch, config })
}

fn new_keys(operator: &Slug, now: u64) -> Result<NewKeys, Error> {
    let authority = CertificateAuthority::generate(operator.as_str(), now)?;
    let server = authority.issue_server(now, SERVER_DAYS)?;
    Ok(NewKeys {
        manifest: SigningKey::from_seed(&*random::<32>()?),
        successor: SigningKey::from_seed(&*random::<32>()?),
        receipt: SigningKey::from_seed(&*random::<32>()?),
        authority,
        server,
    })
}

fn config(new: &NewOperator) -> Config {
    let local = || vec![format!("127.0.0.1:{DEFAULT_PORT}").parse().expect("an address")];
    let addresses = if new.addresses.is_empty() { local() } else { new.addresses.clone() };
    // On Linux a socket on [::] takes IPv4 too.
    let any: IpAddr = if addresses.iter().any(|address| address.as_str().starts_with('[')) {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let port = addresses.first().and_then(|address| address.as_str().rsplit_once(':')?.1.parse().ok());
    Config {
        operator: new.operator.clone(),
        addresses,
        listen: SocketAddr::from((any, port.unwrap_or(DEFAULT_PORT))),
        admin: None,
        admin_token_file: None,
        ledger: new.ledger.clone(),
        rate: DEFAULT_RATE,
        limits: Limits::default(),
    }
}

#[cfg(test)]
mod tests;
