//! Insurers: from an enrolment request to a bundle, who is enrolled, and what they are answered (SPEC.md, "Enrolment").
//!
//! Everything rests on the fingerprint of the request, which a person compares with the insurer over another channel.
//! Nothing is approved without.

use std::fs;
use std::num::NonZeroU64;
use std::path::Path;

use blindlist_protocol::enrolment::{Bundle, EnrolmentRequest, Fingerprint};
use blindlist_protocol::ids::{EpochId, InsurerId};
use blindlist_protocol::job;
use blindlist_protocol::object::{self, Kind as _, ObjectError};
use blindlist_protocol::params::CANARIES;
use blindlist_protocol::text::Slug;
use blindlist_store::file;
use blindlist_store::{StoreError, confirm};
use blindlist_transport::certificate_digest;
use blindlist_transport::pki::CLIENT_DAYS;

use crate::home::Home;
use crate::ledger::{Changes, Insurer, Ledger, LedgerError, NewInsurer, Renewal, Status};
use crate::outside::{now, random};
use crate::show::{self, Heading};
use crate::{Error, signed};

/// What an insurer is approved for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The name that the operator knows it by.
    pub name: Slug,
    /// How many members it may ask about in each epoch, at least 1 and below 2^32.
    pub members: u32,
    /// The fingerprint of its request, when it is known already; otherwise the person at the terminal is asked.
    pub fingerprint: Option<Fingerprint>,
}

/// An insurer that was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The name that the insurer gave itself.
    pub requested_name: Slug,
    /// Evaluations that it is granted in each epoch: its members, the canaries, and padding.
    pub granted: u64,
    /// The fingerprint of the bundle, which the insurer is going to compare.
    pub bundle: Fingerprint,
}

/// Evaluations that are enough for one check of so many members, canaries and padding included.
pub fn budget(members: u32) -> u64 {
    job::cost(u64::from(members) + CANARIES as u64)
}

/// Approves the request in a file and writes the bundle for the insurer to another, which must not exist.
///
/// # Errors
/// [`Error::Request`] for anything but a request, [`Error::Fingerprint`] and [`Error::Declined`] when it is not the
/// expected one, [`Error::Ledger`] when the name is taken or the request was approved before. Nothing is registered or
/// left behind then.
pub async fn approve(home: &Home, request: &Path, approval: &Approval, out: &Path) -> Result<Approved, Error> {
    let (bytes, asked) = read_request(request)?;
    confirm_fingerprint(request, &bytes, &asked, (&approval.name, approval.fingerprint), "be enrolled as")?;

    let id = InsurerId::from_bytes(*random::<16>()?);
    let bundle = bundle(home, &asked, &approval.name, id, now()?)?;
    let sealed = signed::sign("bundle", &bundle, &home.manifest_key()?)?;
    let ledger = home.ledger().await?;
    let granted = budget(approval.members);
    let insurer = NewInsurer {
        id: *id.as_bytes(),
        name: &approval.name,
        certificate: certificate_digest(&bundle.certificate.as_slice().into()),
        signing_key: *asked.signing_key.as_bytes(),
        budget: granted,
        at: now()?.cast_signed(),
    };
    file::write_new(out, &sealed)?;
    let registered = ledger.register(&insurer).await;
    ledger.close().await;
    if registered.is_err() {
        // A bundle that nobody is registered for lets nobody in; what matters is the error that is reported.
        let _ = fs::remove_file(out);
    }
    registered?;
    Ok(Approved { requested_name: asked.name, granted, bundle: Fingerprint::of(&sealed) })
}

/// Gives an insurer a new certificate, for the keys of the request in a file, and writes the bundle with it to another
/// file, which must not exist. Its account goes on. The certificate and the keys that it had are refused from then on,
/// also by a server that runs; the request may be the one that it was approved by, for the same keys.
///
/// # Errors
/// Those of [`approve`], [`Error::UnknownInsurer`], and [`Error::Ledger`] when it is revoked or the keys are or were
/// somebody's. Nothing is changed then.
pub async fn renew(
    home: &Home,
    request: &Path,
    name: &Slug,
    fingerprint: Option<Fingerprint>,
    out: &Path,
) -> Result<Approved, Error> {
    let (bytes, asked) = read_request(request)?;
    let ledger = home.ledger().await?;
    let renewed = async {
        let insurer = ledger.by_name(name.as_str()).await?.ok_or_else(|| Error::UnknownInsurer(name.clone()))?;
        confirm_fingerprint(request, &bytes, &asked, (name, fingerprint), "have its keys renewed; you know it as")?;
        let id = InsurerId::from_bytes(insurer.id);
        let (issued, digest) = (now()?, |bundle: &Bundle| certificate_digest(&bundle.certificate.as_slice().into()));
        let mut bundle = bundle(home, &asked, name, id, issued)?;
        if digest(&bundle) == insurer.certificate {
            // The same key, within the second of the last certificate: that of the next second is another one.
            bundle = self::bundle(home, &asked, name, id, issued.saturating_add(1))?;
        }
        let sealed = signed::sign("bundle", &bundle, &home.manifest_key()?)?;
        let renewal = Renewal {
            insurer: insurer.id,
            certificate: digest(&bundle),
            signing_key: *asked.signing_key.as_bytes(),
            at: issued.cast_signed(),
        };
        file::write_new(out, &sealed)?;
        if let Err(error) = ledger.renew(&renewal).await {
            // As when an approval is not registered.
            let _ = fs::remove_file(out);
            return Err(error.into());
        }
        let granted = insurer.budget;
        Ok(Approved { requested_name: asked.name.clone(), granted, bundle: Fingerprint::of(&sealed) })
    };
    let renewed = renewed.await;
    ledger.close().await;
    renewed
}

/// Revokes an insurer, once a person has agreed or `agreed` says so: it is answered nothing ever again, and neither its
/// name nor its keys are given to another.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::NotAgreed`], [`Error::Ledger`].
pub async fn revoke(home: &Home, name: &Slug, agreed: bool) -> Result<(), Error> {
    change(home, name, async |ledger, id| {
        if !agreed {
            eprintln!("The insurer {name} is going to be answered nothing ever again; its name stays taken.");
            crate::outside::agree("Revoke it?")?;
        }
        Ok(ledger.revoke(id, now()?.cast_signed()).await?)
    })
    .await
}

/// Changes how many members an insurer may ask about in each epoch; the evaluations that it is granted now.
///
/// A server that runs follows with the next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`]. Nothing is changed then.
pub async fn set_budget(home: &Home, name: &Slug, members: u32) -> Result<u64, Error> {
    let granted = budget(members);
    change(home, name, async |ledger, id| Ok(ledger.set_budget(id, granted, now()?.cast_signed()).await?)).await?;
    Ok(granted)
}

/// Changes how many evaluations an insurer may have in a minute; none is what `blindlistd.toml` says.
///
/// Servers that run follow with its next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`]. Nothing is changed then.
pub async fn set_rate(home: &Home, name: &Slug, rate: Option<NonZeroU64>) -> Result<(), Error> {
    change(home, name, async |ledger, id| Ok(ledger.set_rate(id, rate).await?)).await
}

/// Suspends an insurer. A server that runs refuses its next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`].
pub async fn suspend(home: &Home, name: &Slug) -> Result<(), Error> {
    change(home, name, async |ledger, id| Ok(ledger.set_status(id, Status::Suspended, now()?.cast_signed()).await?))
        .await
}

/// Resumes an insurer. A server that runs answers its next request.
///
/// # Errors
/// [`Error::UnknownInsurer`], [`Error::Ledger`].
pub async fn resume(home: &Home, name: &Slug) -> Result<(), Error> {
    change(home, name, async |ledger, id| match ledger.changes().await?.get(id).and_then(|changes| changes.revoked) {
        Some(_) => Err(LedgerError::Revoked.into()),
        None => Ok(ledger.set_status(id, Status::Active, now()?.cast_signed()).await?),
    })
    .await
}

/// Does something to the insurer of this name.
async fn change(
    home: &Home,
    name: &Slug,
    change: impl AsyncFnOnce(&Ledger, &[u8; 16]) -> Result<(), Error>,
) -> Result<(), Error> {
    let ledger = home.ledger().await?;
    let changed = match ledger.by_name(name.as_str()).await {
        Ok(Some(insurer)) => change(&ledger, &insurer.id).await,
        Ok(None) => Err(Error::UnknownInsurer(name.clone())),
        Err(error) => Err(error.into()),
    };
    ledger.close().await;
    changed
}

fn read_request(path: &Path) -> Result<(Vec<u8>, EnrolmentRequest), Error> {
    let wrong = |reason| Error::Request { path: path.to_owned(), reason };
    let bytes = file::read_limited(path, EnrolmentRequest::LIMIT as u64).map_err(|error| {
        // Any other large file is no request either: it need not be read to its end to tell.
        if matches!(error, StoreError::TooLong { .. }) { wrong(ObjectError::Kind) } else { Error::Unreadable(error) }
    })?;
    let asked = object::open_self_signed(&bytes).map_err(wrong)?;
    Ok((bytes, asked))
}

fn confirm_fingerprint(
    request: &Path,
    bytes: &[u8],
    asked: &EnrolmentRequest,
    (name, expected): (&Slug, Option<Fingerprint>),
    what: &str,
) -> Result<(), Error> {
    let fingerprint = Fingerprint::of(bytes);
    if let Some(expected) = expected {
        return if expected == fingerprint { Ok(()) } else { Err(Error::Fingerprint { path: request.to_owned() }) };
    }
    eprintln!(
        "An insurer that calls itself {} asks to {what} {}.\nThe fingerprint of its request is\n\n  {fingerprint}\n\n\
         Ask the insurer, by a way that you trust, for the fingerprint that `blindlist fingerprint` shows there.",
        asked.name, name
    );
    if confirm::ask("Is it the same?")? { Ok(()) } else { Err(Error::Declined) }
}

/// A bundle with a certificate that is issued at this time.
fn bundle(home: &Home, asked: &EnrolmentRequest, name: &Slug, id: InsurerId, issued: u64) -> Result<Bundle, Error> {
    let config = home.config()?;
    let authority = home.authority(&config.operator)?;
    let certificate = authority.issue_client(name.as_str(), asked.tls_key.as_bytes(), issued, CLIENT_DAYS)?;
    Ok(Bundle {
        operator: config.operator,
        operator_key: home.operator_key()?,
        successor: home.successor_hash()?,
        insurer: name.clone(),
        insurer_id: id,
        signing_key: asked.signing_key,
        tls_key: asked.tls_key,
        certificate: certificate.to_vec(),
        authority: authority.certificate().to_vec(),
        addresses: config.addresses,
    })
}

/// Seconds before a certificate's end from which on it is warned about: 60 days.
pub(crate) const NEAR_END: u64 = 60 * 86_400;

/// The insurers with their accounts in the epochs that are not retired, as a table; then whose certificate ends soon.
pub(crate) async fn list(home: &Home) -> Result<String, Error> {
    let ledger = home.ledger().await?;
    let (changes, epochs) = (ledger.changes().await?, ledger.epochs().await?);
    let open = |epoch: &[u8; 32]| epochs.iter().any(|(opened, retired)| opened == epoch && retired.is_none());
    let (mut rows, mut warnings) = (Vec::new(), String::new());
    for insurer in ledger.insurers().await? {
        let changes = changes.get(&insurer.id).copied().unwrap_or_default();
        let end = certificate_end(&insurer, changes);
        if changes.revoked.is_none() {
            warnings += &warning(&insurer.name, end, now()?);
        }
        for (epoch, account) in ledger.accounts(&insurer.id).await? {
            if open(&epoch) {
                rows.push([
                    insurer.name.clone(),
                    status(&insurer, changes),
                    show::count(account.granted),
                    show::count(account.spent),
                    show::count(account.remaining()),
                    show::date(insurer.created.cast_unsigned()),
                    show::date(end),
                    format!("{}…", show::short(&EpochId::from_bytes(epoch))),
                ]);
            }
        }
    }
    ledger.close().await;
    if rows.is_empty() {
        return Ok("No insurer is enrolled yet.\n".to_owned());
    }
    let columns = [
        Heading::Text("insurer"),
        Heading::Text("status"),
        Heading::Number("granted"),
        Heading::Number("spent"),
        Heading::Number("remaining"),
        Heading::Text("enrolled"),
        Heading::Text("certificate until"),
        Heading::Text("epoch"),
    ];
    Ok(show::table(columns, &rows) + &warnings)
}

pub(crate) fn status(insurer: &Insurer, changes: Changes) -> String {
    match (changes.revoked, insurer.status) {
        (Some(_), _) => "revoked",
        (None, Status::Active) => "active",
        (None, Status::Suspended) => "suspended",
    }
    .to_owned()
}

/// When an insurer's certificate ends: all are issued for as long.
pub(crate) fn certificate_end(insurer: &Insurer, changes: Changes) -> u64 {
    let issued = changes.renewed.unwrap_or(insurer.created).cast_unsigned();
    issued.saturating_add(u64::from(CLIENT_DAYS) * 86_400)
}

fn warning(name: &str, end: u64, now: u64) -> String {
    let verb = if end <= now { "ended" } else { "ends" };
    if end.saturating_sub(NEAR_END) > now {
        return String::new();
    }
    format!("warning: the certificate of {name} {verb} on {}; renew it with `insurer renew {name}`\n", show::date(end))
}

#[cfg(test)]
mod tests;
