//! What ends: an epoch is retired, an insurer's keys are renewed, an insurer is revoked. None of it is ever undone.

use std::collections::HashMap;

use blindlist_protocol::ids::{Digest, EpochId, InsurerId};
use blindlist_protocol::log::{self as entries, Event};
use blindlist_protocol::signature::VerifyingKey;

use super::error::failed;
use super::row;
use super::{Connection, Ledger, LedgerError, Status};

/// The certificate and the signing key that an insurer has from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The insurer's id, 16 bytes.
    pub insurer: [u8; 16],
    /// The SHA-256 digest of its new certificate, 32 bytes.
    pub certificate: [u8; 32],
    /// The Ed25519 public key that its requests are signed with from now on, 32 bytes; it may be the same as before.
    pub signing_key: [u8; 32],
    /// The time, in Unix seconds.
    pub at: i64,
}

/// When an insurer's keys last changed, and whether it is revoked, in Unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Changes {
    /// The last renewal.
    pub renewed: Option<i64>,
    /// The revocation.
    pub revoked: Option<i64>,
}

/// Whose a certificate is, or was.
pub(super) const CERTIFICATE: [&str; 2] =
    ["SELECT id FROM insurers WHERE certificate = $1", "SELECT insurer FROM former_keys WHERE certificate = $1"];

/// Whose a signing key is, or was.
pub(super) const SIGNING_KEY: [&str; 2] =
    ["SELECT id FROM insurers WHERE signing_key = $1", "SELECT insurer FROM former_keys WHERE signing_key = $1"];

impl Ledger {
    /// The epochs that were opened on this ledger, ordered by id, with the time at which each was retired, if it was.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn epochs(&self) -> Result<Vec<([u8; 32], Option<i64>)>, LedgerError> {
        const DOING: &str = "list the epochs";
        let retired: HashMap<[u8; 32], i64> =
            self.times("SELECT epoch AS id, at FROM retired_epochs", DOING).await?.into_iter().collect();
        let opened = sqlx::query("SELECT epoch FROM epochs ORDER BY epoch").fetch_all(&self.reader).await;
        let opened = opened.map_err(failed(DOING))?;
        let with_time = |found| row::bytes(found, "epoch").map(|epoch| (epoch, retired.get(&epoch).copied()));
        opened.iter().map(with_time).collect()
    }

    /// Whether an epoch was retired.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn is_retired(&self, epoch: &[u8; 32]) -> Result<bool, LedgerError> {
        let found = sqlx::query("SELECT at FROM retired_epochs WHERE epoch = $1").bind(&epoch[..]);
        let found = found.fetch_optional(&self.reader).await.map_err(failed("look for a retired epoch"))?;
        Ok(found.is_some())
    }

    /// Retires an epoch at the time `at`: nothing is answered in it from now on. One that is retired already stays so.
    ///
    /// # Errors
    /// [`LedgerError::UnknownEpoch`], [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn retire_epoch(&self, epoch: &[u8; 32], at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "retire an epoch";
        let mut change = self.begin_change(DOING).await?;
        let known = sqlx::query("SELECT epoch FROM epochs WHERE epoch = $1").bind(&epoch[..]);
        if known.fetch_optional(&mut *change.transaction).await.map_err(failed(DOING))?.is_none() {
            return Err(LedgerError::UnknownEpoch);
        }
        let retired = sqlx::query("INSERT INTO retired_epochs (epoch, at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&epoch[..])
            .bind(at)
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        if retired.rows_affected() == 1 {
            change.append(Event::Retirement { epoch: EpochId::from_bytes(*epoch) }, at).await?;
        }
        change.commit().await
    }

    /// Gives an insurer another certificate and signing key, at once; its account goes on, and what it had before is
    /// never accepted again.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::Revoked`], [`LedgerError::CertificateTaken`] and
    /// [`LedgerError::SigningKeyTaken`] when another insurer has or had it, or this one had it before;
    /// [`LedgerError::Busy`], [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn renew(&self, renewal: &Renewal) -> Result<(), LedgerError> {
        const DOING: &str = "renew an insurer's keys";
        let mut change = self.begin_change(DOING).await?;
        let old = sqlx::query("SELECT certificate, signing_key FROM insurers WHERE id = $1");
        let old =
            old.bind(&renewal.insurer[..]).fetch_optional(&mut *change.transaction).await.map_err(failed(DOING))?;
        let old = old.ok_or(LedgerError::UnknownInsurer)?;
        let (certificate, signing_key): ([u8; 32], [u8; 32]) =
            (row::bytes(&old, "certificate")?, row::bytes(&old, "signing_key")?);
        refuse_revoked(&mut change.transaction, &renewal.insurer).await?;
        if certificate == renewal.certificate {
            return Err(LedgerError::CertificateTaken);
        }
        refuse_taken(&mut change.transaction, CERTIFICATE, &renewal.certificate, LedgerError::CertificateTaken).await?;
        if signing_key != renewal.signing_key {
            refuse_taken(&mut change.transaction, SIGNING_KEY, &renewal.signing_key, LedgerError::SigningKeyTaken)
                .await?;
        }
        sqlx::query("INSERT INTO former_keys (insurer, certificate, signing_key, at) VALUES ($1, $2, $3, $4)")
            .bind(&renewal.insurer[..])
            .bind(&certificate[..])
            .bind(&signing_key[..])
            .bind(renewal.at)
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        sqlx::query("UPDATE insurers SET certificate = $1, signing_key = $2 WHERE id = $3")
            .bind(&renewal.certificate[..])
            .bind(&renewal.signing_key[..])
            .bind(&renewal.insurer[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        let keys = Event::Keys {
            insurer: InsurerId::from_bytes(renewal.insurer),
            signing_key: VerifyingKey::from_bytes(renewal.signing_key),
            certificate: Digest::from_bytes(renewal.certificate),
        };
        change.append(keys, renewal.at).await?;
        change.commit().await
    }

    /// Revokes an insurer at the time `at`: it is suspended for ever, and its name and keys stay taken.
    ///
    /// # Errors
    /// [`LedgerError::UnknownInsurer`], [`LedgerError::Revoked`] when it was before, [`LedgerError::Busy`],
    /// [`LedgerError::DiskFull`], [`LedgerError::Database`].
    pub async fn revoke(&self, insurer: &[u8; 16], at: i64) -> Result<(), LedgerError> {
        const DOING: &str = "revoke an insurer";
        let mut change = self.begin_change(DOING).await?;
        let suspended = sqlx::query("UPDATE insurers SET status = $1 WHERE id = $2")
            .bind(Status::Suspended.text())
            .bind(&insurer[..])
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        if suspended.rows_affected() == 0 {
            return Err(LedgerError::UnknownInsurer);
        }
        refuse_revoked(&mut change.transaction, insurer).await?;
        sqlx::query("INSERT INTO revoked_insurers (insurer, at) VALUES ($1, $2)")
            .bind(&insurer[..])
            .bind(at)
            .execute(&mut *change.transaction)
            .await
            .map_err(failed(DOING))?;
        let revoked = Event::Status { insurer: InsurerId::from_bytes(*insurer), status: entries::Status::Revoked };
        change.append(revoked, at).await?;
        change.commit().await
    }

    /// What has changed of insurers since they were registered, by id; of one without an entry, nothing.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub async fn changes(&self) -> Result<HashMap<[u8; 16], Changes>, LedgerError> {
        const DOING: &str = "list what insurers have changed";
        let mut changes: HashMap<[u8; 16], Changes> = HashMap::new();
        for (insurer, at) in self.times("SELECT insurer AS id, at FROM former_keys ORDER BY at", DOING).await? {
            changes.entry(insurer).or_default().renewed = Some(at);
        }
        for (insurer, at) in self.times("SELECT insurer AS id, at FROM revoked_insurers", DOING).await? {
            changes.entry(insurer).or_default().revoked = Some(at);
        }
        Ok(changes)
    }

    async fn times<const LENGTH: usize>(
        &self,
        statement: &'static str,
        doing: &'static str,
    ) -> Result<Vec<([u8; LENGTH], i64)>, LedgerError> {
        let rows = sqlx::query(statement).fetch_all(&self.reader).await.map_err(failed(doing))?;
        rows.iter().map(|found| Ok((row::bytes(found, "id")?, row::number(found, "at")?))).collect()
    }
}

async fn refuse_revoked(change: &mut Connection, insurer: &[u8; 16]) -> Result<(), LedgerError> {
    let revoked = sqlx::query("SELECT at FROM revoked_insurers WHERE insurer = $1").bind(&insurer[..]);
    match revoked.fetch_optional(change).await.map_err(failed("look for a revocation"))? {
        Some(_) => Err(LedgerError::Revoked),
        None => Ok(()),
    }
}

/// Refuses what any insurer has or had: `statements` look for it now and before.
pub(super) async fn refuse_taken(
    change: &mut Connection,
    statements: [&'static str; 2],
    value: &[u8; 32],
    taken: LedgerError,
) -> Result<(), LedgerError> {
    for statement in statements {
        let found = sqlx::query(statement).bind(&value[..]).fetch_optional(&mut *change).await;
        if found.map_err(failed("look for an insurer's keys"))?.is_some() {
            return Err(taken);
        }
    }
    Ok(())
}
