//! From the errors of `blindlist-protocol` to the contract's layers and errors: the one table, without a wildcard.
//!
//! An error that no scenario can ask for, because it says that the code was misused, has the layer `misuse`, which the
//! contract does not know: whoever meets it fails.
#![deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

use std::borrow::Cow;
use std::fmt;

use blindlist_protocol::checkpoint::CheckpointError;
use blindlist_protocol::checkpoint::note::NoteError;
use blindlist_protocol::codec::CodecError;
use blindlist_protocol::entry::{DictionaryError, InconsistentLabel};
use blindlist_protocol::holders::HolderSetError;
use blindlist_protocol::identifier::Reject;
use blindlist_protocol::index::IndexError;
use blindlist_protocol::insurer::EvaluationError;
use blindlist_protocol::live::LiveError;
use blindlist_protocol::log::audit::BadEntry;
use blindlist_protocol::log::export::ExportError;
use blindlist_protocol::log::tree::BadPath;
use blindlist_protocol::manifest::ReleaseError;
use blindlist_protocol::matching::{MatchError, MissingCanary};
use blindlist_protocol::object::{Broken, ObjectError};
use blindlist_protocol::oprf::{ElementError, KeyError, ProofError};
use blindlist_protocol::receipt::BadReceipt;
use blindlist_protocol::refusal::RefusalCode;
use blindlist_protocol::signature::BadSignature;
use blindlist_protocol::succession::SuccessionError;
use blindlist_protocol::text::TextError;

/// A layer at which something was refused, and the error in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The layer.
    pub layer: &'static str,
    /// The error.
    pub error: Cow<'static, str>,
}

impl Fault {
    pub(super) const fn new(layer: &'static str, error: &'static str) -> Self {
        Self { layer, error: Cow::Borrowed(error) }
    }

    pub(super) const fn misuse(error: &'static str) -> Self {
        Self::new("misuse", error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer, self.error)
    }
}

impl From<CodecError> for Fault {
    fn from(error: CodecError) -> Self {
        let error = match error {
            CodecError::TooLarge { .. } => "too-large",
            CodecError::Malformed => "malformed",
            CodecError::Trailing(_) => "trailing",
        };
        Self::new("encoding", error)
    }
}

impl From<TextError> for Fault {
    fn from(error: TextError) -> Self {
        let error = match error {
            TextError::Slug => "slug",
            TextError::Title => "title",
            TextError::Address => "address",
            TextError::Date => "date",
        };
        Self::new("text", error)
    }
}

impl From<BadSignature> for Fault {
    fn from(BadSignature: BadSignature) -> Self {
        Self::new("signature", "invalid")
    }
}

impl From<ObjectError> for Fault {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Kind => Self::new("object", "kind"),
            ObjectError::Codec(error) => error.into(),
            ObjectError::Signature => Self::new("object", "signature"),
            ObjectError::Signer => Self::new("object", "signer"),
            ObjectError::Invalid(Broken { rule, what: _ }) => Self::new("fields", rule),
        }
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        let error = match error {
            KeyError::Secret => "secret",
            KeyError::Public => "public",
        };
        Self::new("key", error)
    }
}

impl From<ElementError> for Fault {
    fn from(error: ElementError) -> Self {
        match error {
            ElementError::NotCanonical => Self::new("element", "not-canonical"),
            ElementError::Identity => Self::new("element", "identity"),
            ElementError::Count => Self::misuse("a number of elements that no chunk has"),
        }
    }
}

impl From<Reject> for Fault {
    fn from(reason: Reject) -> Self {
        Self::new("identifier", reason.code())
    }
}

impl From<InconsistentLabel> for Fault {
    fn from(InconsistentLabel: InconsistentLabel) -> Self {
        Self::new("label", "inconsistent")
    }
}

impl From<DictionaryError> for Fault {
    fn from(DictionaryError: DictionaryError) -> Self {
        Self::new("dictionary", "invalid")
    }
}

impl From<IndexError> for Fault {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::TooShort { .. }
            | IndexError::WrongMagic
            | IndexError::EntriesOutOfRange { .. }
            | IndexError::FOutOfRange { .. }
            | IndexError::LabelLengthOutOfRange { .. } => Self::new("index", "header"),
            IndexError::DirectoryNotAscending { .. }
            | IndexError::DirectoryEndMismatch { .. }
            | IndexError::BlockTooShort { .. } => Self::new("index", "directory"),
            IndexError::BlocksOutOfOrder { .. }
            | IndexError::ValueOutOfRange { .. }
            | IndexError::RunTooLong { .. } => Self::new("index", "value"),
            IndexError::BlockEndsEarly { .. }
            | IndexError::LeftOverBytes { .. }
            | IndexError::PaddingNotZero { .. } => Self::new("index", "block"),
            IndexError::NoSuchBlock { .. } => Self::misuse("no such block"),
            IndexError::QueriesNotSorted { .. } => Self::misuse("tags to look up that are not sorted"),
            IndexError::TagsNotAscending { .. } => Self::misuse("two entries with one tag"),
            IndexError::ValuesCollide { .. } => Self::misuse("an f that is too small"),
            IndexError::NoSuitableF => Self::misuse("no f that will do"),
            IndexError::CountMismatch { .. } => Self::misuse("another number of entries"),
            IndexError::LabelTooWide { .. } => Self::misuse("a label that is too long"),
        }
    }
}

impl From<HolderSetError> for Fault {
    fn from(HolderSetError: HolderSetError) -> Self {
        Self::new("holders", "set")
    }
}

impl From<ProofError> for Fault {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::NotCanonical => Self::new("proof", "not-canonical"),
            ProofError::Shape => Self::new("proof", "shape"),
            ProofError::Invalid => Self::new("proof", "invalid"),
            ProofError::Element(error) => error.into(),
        }
    }
}

impl From<RefusalCode> for Fault {
    fn from(code: RefusalCode) -> Self {
        let error = match code {
            RefusalCode::Malformed => "malformed",
            RefusalCode::TooLarge => "too-large",
            RefusalCode::InvalidElement => "invalid-element",
            RefusalCode::InvalidChunk => "invalid-chunk",
            RefusalCode::InvalidSignature => "invalid-signature",
            RefusalCode::UnknownInsurer => "unknown-insurer",
            RefusalCode::Suspended => "suspended",
            RefusalCode::UnknownEpoch => "unknown-epoch",
            RefusalCode::RetiredEpoch => "retired-epoch",
            RefusalCode::WrongHolders => "wrong-holders",
            RefusalCode::OverBudget => "over-budget",
            RefusalCode::RateLimited => "rate-limited",
            RefusalCode::Busy => "busy",
            RefusalCode::UnknownObject => "unknown-object",
            RefusalCode::Internal => "internal",
            RefusalCode::Unlisted(_) => return Self::misuse("a code that SPEC.md does not list"),
        };
        Self::new("evaluation", error)
    }
}

impl From<EvaluationError> for Fault {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::ChunkSize => Self::misuse("a number of elements that no chunk has"),
            EvaluationError::Secret => Self::misuse("another epoch's blinding secret"),
            EvaluationError::Holders => Self::new("holders", "set"),
            EvaluationError::Answers => Self::new("answer", "answers"),
            EvaluationError::Proof(error) => error.into(),
            EvaluationError::Receipt(BadReceipt) => Self::new("receipt", "AUD-4"),
        }
    }
}

impl From<LiveError> for Fault {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Object { what: _, source } => source.into(),
            LiveError::LowerSequence { .. } | LiveError::TwoCatalogs(_) => Self::new("catalog", "CAT-2"),
            LiveError::Expired(_) => Self::new("catalog", "CAT-3"),
            LiveError::TwoReleases(_) => Self::new("catalog", "CAT-4"),
            LiveError::Hidden(_) => Self::new("catalog", "CAT-5"),
            LiveError::NotAddressed(_) => Self::new("catalog", "CAT-6"),
            LiveError::NoEpoch(_) => Self::new("catalog", "MAN-4"),
            LiveError::TwoRecords(_) => Self::new("catalog", "EPO-6"),
            LiveError::OtherObject(_) => Self::misuse("another object than the one asked for"),
        }
    }
}

impl From<ReleaseError> for Fault {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Segment(_) => Self::new("release", "MAN-5"),
            ReleaseError::OtherIndex => Self::new("release", "IDX-6"),
            ReleaseError::Index(error) => error.into(),
        }
    }
}

impl From<MatchError> for Fault {
    fn from(error: MatchError) -> Self {
        match error {
            MatchError::Index(error) => error.into(),
            MatchError::Label(error) => error.into(),
            MatchError::Canary(error) => error.into(),
        }
    }
}

impl From<MissingCanary> for Fault {
    fn from(MissingCanary: MissingCanary) -> Self {
        Self::new("canary", "CAN-2")
    }
}

impl From<BadPath> for Fault {
    fn from(BadPath: BadPath) -> Self {
        Self::new("log", "path")
    }
}

impl From<BadEntry> for Fault {
    fn from(error: BadEntry) -> Self {
        Self { layer: "log", error: error.index.to_string().into() }
    }
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Signature => BadSignature.into(),
            CheckpointError::Ledger
            | CheckpointError::Uncovered(_)
            | CheckpointError::NotIncluded(_)
            | CheckpointError::NotConsistent(_) => Self::new("log", "AUD-7"),
            CheckpointError::Shrunk(_) => Self::new("log", "AUD-8"),
        }
    }
}

impl From<NoteError> for Fault {
    fn from(error: NoteError) -> Self {
        match error {
            NoteError::Malformed => Self::new("note", "malformed"),
            NoteError::Signature => Self::new("note", "signature"),
            NoteError::Full | NoteError::Name => Self::misuse("a cosignature that cannot stand in a note"),
        }
    }
}

impl From<ExportError> for Fault {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Malformed => Self::new("export", "malformed"),
            ExportError::Checkpoint | ExportError::Order => Self::new("export", "AUD-10"),
            ExportError::Note(error) => error.into(),
        }
    }
}

impl From<SuccessionError> for Fault {
    fn from(error: SuccessionError) -> Self {
        match error {
            SuccessionError::Object(error) => error.into(),
            SuccessionError::OtherKey | SuccessionError::NotTheSuccessor => Self::new("succession", "SUC-2"),
        }
    }
}

impl From<voprf::Error> for Fault {
    fn from(error: voprf::Error) -> Self {
        match error {
            voprf::Error::ProofVerification => Self::new("proof", "invalid"),
            voprf::Error::Batch => Self::new("proof", "shape"),
            voprf::Error::Deserialization => Self::misuse("something that voprf does not read"),
            voprf::Error::Info
            | voprf::Error::Input
            | voprf::Error::DeriveKeyPair
            | voprf::Error::Protocol
            | voprf::Error::Rng => Self::misuse("something that voprf does not do when it verifies"),
        }
    }
}
