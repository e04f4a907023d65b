//! Limits and domain strings (SPEC.md, "Constants"). The index's layout is in `index`, the first line of each kind of
//! signed object beside its fields.
//!
//! Domain strings are ASCII, end with a newline (but for a checkpoint's, which goes on) and never occur as a prefix of one another.

/// Most elements in one evaluate request.
pub const MAX_CHUNK: usize = 8_192;
/// The number of elements of a job is a multiple of this; what is missing is padding.
pub const PADDING_QUANTUM: usize = 64;
/// Canaries of an epoch.
pub const CANARIES: usize = 4;
/// Most categories in a label dictionary: bits of a label.
pub const MAX_CATEGORIES: usize = 64;
/// Bytes of every segment of an index but the last.
pub const SEGMENT_LENGTH: u32 = 1 << 20;
/// Most key holders of an epoch.
pub const MAX_HOLDERS: usize = 32;
/// Most addresses of a key holder or in a bundle.
pub const MAX_ADDRESSES: usize = 16;
/// Most releases, and most epochs, that one catalog snapshot names.
pub const MAX_CATALOG: usize = 4_096;
/// Most insurers that a release may be addressed to by name.
pub const MAX_AUDIENCE: usize = 1_024;
/// Most bytes of a certificate inside a bundle.
pub const MAX_CERTIFICATE: usize = 4_096;
/// Most bytes of an audit entry inside a receipt.
pub const MAX_AUDIT_ENTRY: usize = 1_024;
/// Most hashes of a proof about an audit log.
pub const MAX_PATH: usize = 128;
/// Most bytes of a checkpoint's note.
pub const MAX_NOTE: usize = 16_384;
/// Most signatures below a checkpoint's note.
pub const MAX_NOTE_SIGNATURES: usize = 16;
/// Most bytes of an auditor's challenge.
pub const MAX_CHALLENGE: usize = 64;
/// Most bytes of a file of openings.
pub const MAX_OPENINGS: usize = 2 << 20;
/// Most successions of a manifest key that an insurer follows for one catalog snapshot.
pub const MAX_SUCCESSIONS: usize = 16;

/// Most bytes of a request on the wire: an evaluate request with a full chunk.
pub const MAX_REQUEST: usize = MAX_CHUNK * 32 + 1_024;
/// Most bytes of a signed object (manifest, epoch record, catalog snapshot).
pub const MAX_OBJECT: usize = 2 << 20;
/// Most bytes of a response on the wire: an object and its framing.
pub const MAX_RESPONSE: usize = MAX_OBJECT + 1_024;
/// Most bytes of an enrolment request or a bundle.
pub const MAX_ENROLMENT: usize = 64 << 10;
/// Most questions in an exchange file.
pub const MAX_QUESTIONS: u32 = 1 << 16;
/// Most answers in an exchange file.
pub const MAX_ANSWERS: u32 = 1 << 18;
/// Most bytes of the header of an exchange file.
pub const MAX_EXCHANGE_HEADER: usize = 4_096;
/// Most logs that the header of a file of questions names.
pub const MAX_KNOWN_LOGS: usize = 32;

/// First bytes of an identifier.
pub const IDENTIFIER_DOMAIN: &[u8] = b"blindlist/1 identifier\n";
/// First bytes of what an insurer's place in a manifest's audience is hashed from.
pub const AUDIENCE_DOMAIN: &[u8] = b"blindlist/1 audience\n";
/// First bytes of what an entry's tag and pad are hashed from.
pub const ENTRY_DOMAIN: &[u8] = b"blindlist/1 entry\n";
/// First bytes of what an epoch id is hashed from.
pub const EPOCH_ID_DOMAIN: &[u8] = b"blindlist/1 epoch id\n";
/// First bytes of what a chunk digest is hashed from.
pub const CHUNK_DIGEST_DOMAIN: &[u8] = b"blindlist/1 chunk digest\n";
/// First bytes of what an insurer signs for a chunk.
pub const CHUNK_DOMAIN: &[u8] = b"blindlist/1 chunk\n";
/// First bytes of what a receipt key signs for an entry.
pub const RECEIPT_DOMAIN: &[u8] = b"blindlist/1 receipt\n";
/// First characters of what a receipt key signs for a checkpoint; the ledger's id completes the line.
pub const CHECKPOINT_DOMAIN: &str = "blindlist/1/checkpoint/";
/// First line of a file of openings.
pub const OPENINGS_LINE: &[u8] = b"blindlist/1 openings\n";
/// First line of a file of questions.
pub const QUESTIONS_LINE: &[u8] = b"blindlist/1 questions\n";
/// First bytes of what an insurer signs for a file of questions.
pub const QUESTIONS_DIGEST_DOMAIN: &[u8] = b"blindlist/1 questions digest\n";
/// First line of a file of answers.
pub const ANSWERS_LINE: &[u8] = b"blindlist/1 answers\n";
/// First bytes of what a receipt key signs for a file of answers.
pub const ANSWERS_DIGEST_DOMAIN: &[u8] = b"blindlist/1 answers digest\n";
/// First bytes of what the positions of openings are hashed from.
pub const SAMPLE_DOMAIN: &[u8] = b"blindlist/1 sample\n";
/// First bytes of what the commitment to the source is hashed from.
pub const SOURCE_DOMAIN: &[u8] = b"blindlist/1 source\n";
/// First bytes of what the successor of a manifest key is pinned by.
pub const SUCCESSOR_DOMAIN: &[u8] = b"blindlist/1 successor\n";
/// First bytes of what a TLS key signs in an enrolment request.
pub const TLS_PROOF_DOMAIN: &[u8] = b"blindlist/1 tls key\n";

/// First bytes of the seed of a batched proof.
pub const PROOF_SEED_DOMAIN: &[u8] = b"blindlist/1 proof seed\n";
/// First bytes of what a coefficient of a batched proof is hashed from.
pub const PROOF_COEFFICIENT_DOMAIN: &[u8] = b"blindlist/1 proof coefficient\n";
/// First bytes of what the nonce of a proof is hashed from.
pub const PROOF_NONCE_DOMAIN: &[u8] = b"blindlist/1 proof nonce\n";
/// First bytes of what the challenge of a batched proof is hashed from.
pub const PROOF_CHALLENGE_DOMAIN: &[u8] = b"blindlist/1 proof challenge\n";
