//! Chunks made anew, from the seed of a job and its member file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::evidence::chunk_again;
use blindlist_protocol::identifier::Identifier;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::job::{self, BlindingSecret, Item, JobSeed};
use blindlist_protocol::params::MAX_CHUNK;

use crate::check::members;
use crate::evidence::{About, Evidence};
use crate::show::{members_bar, note};
use crate::{ClientError, EvidenceError, Stop};

/// The member file of each job, by SHA-256.
///
/// # Errors
/// [`EvidenceError::NoMembers`] for the first job whose file is missing.
pub(crate) fn files<'a>(
    evidence: &[Evidence],
    given: &'a [PathBuf],
) -> Result<BTreeMap<String, &'a Path>, ClientError> {
    let mut files = BTreeMap::new();
    for path in given {
        files.insert(Digest::from_bytes(blindlist_records::digest(path)?.sha256).to_string(), path.as_path());
    }
    for About { job, members, members_sha256: sha256, created, .. } in evidence.iter().map(Evidence::about) {
        if !files.contains_key(sha256) {
            let (job, created, path, sha256) = (*job, created.clone(), members.clone(), sha256.clone());
            return Err(EvidenceError::NoMembers { job, created, path, sha256 }.into());
        }
    }
    Ok(files)
}

/// All chunks of all jobs, job by job.
pub(super) fn all(
    evidence: &[Evidence],
    seeds: &[JobSeed],
    files: &BTreeMap<String, &Path>,
    stop: &Stop,
) -> Result<Vec<(About, Vec<ChunkHeader>)>, ClientError> {
    let mut made = Vec::new();
    for (job, seed) in evidence.iter().zip(seeds) {
        let about = job.about();
        note(&format!("job      {} of {}", about.job, about.created));
        let (secret, items) = items(job, seed, files, stop)?;
        made.push((about.clone(), make_all(job, &secret, &items, stop)?));
    }
    Ok(made)
}

/// The items of a job in their order, and the secret that blinded them.
pub(crate) fn items(
    job: &Evidence,
    seed: &JobSeed,
    files: &BTreeMap<String, &Path>,
    stop: &Stop,
) -> Result<(BlindingSecret, Vec<Item>), ClientError> {
    let about = job.about();
    let path =
        files.get(&about.members_sha256).ok_or(ClientError::Internal("a member file that was not looked for"))?;
    let read = members::read(path, about.scheme, &about.columns, stop)?;
    if read.sha256 != about.members_sha256 {
        return Err(ClientError::MembersChanged(path.to_path_buf()));
    }
    let mut identifiers: Vec<Identifier> = read.identifiers;
    identifiers.extend(job.epoch().record().canaries(about.scheme));
    let secret = job.epoch().blinding(seed);
    let items = job::layout(&secret, identifiers);
    Ok((secret, items))
}

/// What was signed of each chunk, in their order. It keeps all cores busy.
fn make_all(
    job: &Evidence,
    secret: &BlindingSecret,
    items: &[Item],
    stop: &Stop,
) -> Result<Vec<ChunkHeader>, ClientError> {
    let chunks: Vec<&[Item]> = items.chunks(MAX_CHUNK).collect();
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (next, bar) = (AtomicUsize::new(0), members_bar("making the chunks again", items.len() as u64));
    let failed = || ClientError::Internal("a chunk could not be made again");
    let work = || {
        let mut made = Vec::new();
        loop {
            stop.check()?;
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = chunks.get(place) else { return Ok(made) };
            let number = u32::try_from(place).map_err(|_| failed())?;
            made.push(chunk_again(job.epoch(), job.about().job, number, chunk, secret).map_err(|_| failed())?);
            bar.inc(chunk.len() as u64);
        }
    };
    let mut made = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut made = Vec::with_capacity(chunks.len());
        for thread in running {
            let done: Result<Vec<ChunkHeader>, ClientError> = thread.join().map_err(|_| failed())?;
            made.extend(done?);
        }
        Ok::<_, ClientError>(made)
    })?;
    bar.finish_and_clear();
    made.sort_unstable_by_key(|header| header.number);
    Ok(made)
}
