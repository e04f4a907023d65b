//! Chunks made anew, from the seed of a job and its member file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use blindlist_protocol::chunk::ChunkHeader;
use blindlist_protocol::evidence::chunk_again;
use blindlist_protocol::ids::Digest;
use blindlist_protocol::job::{BlindingSecret, JobSeed};
use blindlist_protocol::params::MAX_CHUNK;

use crate::caller::Unit;
use crate::check::people::{Chunks, Elements};
use crate::check::{MemberFile, members};
use crate::evidence::{About, Evidence};
use crate::room::Room;
use crate::{Caller, ClientError, EvidenceError};

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
    room: &Room,
    caller: &Caller,
) -> Result<Vec<(About, Vec<ChunkHeader>)>, ClientError> {
    let mut made = Vec::new();
    for (job, seed) in evidence.iter().zip(seeds) {
        let about = job.about();
        caller.note(format!("job      {} of {}", about.job, about.created));
        let (secret, chunks) = chunks(job, seed, files, room, caller)?;
        made.push((about.clone(), make_all(job, &secret, chunks, room, caller)?));
    }
    Ok(made)
}

/// The chunks of a job, and the secret that blinded them.
pub(crate) fn chunks(
    job: &Evidence,
    seed: &JobSeed,
    files: &BTreeMap<String, &Path>,
    room: &Room,
    caller: &Caller,
) -> Result<(BlindingSecret, Chunks), ClientError> {
    let about = job.about();
    let path =
        files.get(&about.members_sha256).ok_or(ClientError::Internal("a member file that was not looked for"))?;
    let file = MemberFile::new(path.to_path_buf(), about.options.clone());
    let read = members::read(&file, about.scheme, &about.columns, room, caller)?;
    if read.sha256 != about.members_sha256 {
        return Err(ClientError::MembersChanged(path.to_path_buf()));
    }
    let (secret, canaries) = (job.epoch().blinding(seed), job.epoch().record().canaries(about.scheme));
    let elements = Elements { secret: &secret, canaries: &canaries, asked: job.asked(), elements: about.elements };
    let chunks = read.people.chunks(&elements, room, caller)?;
    Ok((secret, chunks))
}

/// What was signed of each chunk, in their order.
fn make_all(
    job: &Evidence,
    secret: &BlindingSecret,
    chunks: Chunks,
    room: &Room,
    caller: &Caller,
) -> Result<Vec<ChunkHeader>, ClientError> {
    let meter = caller.meter("making the chunks again", Unit::Members, chunks.left());
    let failed = || ClientError::Internal("a chunk could not be made again");
    let count = usize::try_from(chunks.left().div_ceil(MAX_CHUNK as u64)).map_err(|_| failed())?;
    let pool = room.pool()?;
    let (chunks, made) = (Mutex::new(chunks), Mutex::new(Vec::with_capacity(count)));
    room.each(count, caller, |_| {
        let chunk = chunks.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        let about = job.about().job;
        let header = pool.install(|| chunk_again(job.epoch(), about, chunk.number, &chunk.items, secret));
        made.lock().unwrap_or_else(PoisonError::into_inner).push(header.map_err(|_| failed())?);
        meter.add(chunk.items.len() as u64);
        Ok(())
    })?;
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_unstable_by_key(|header| header.number);
    Ok(made)
}
