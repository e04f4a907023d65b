//! What a failure means to whoever ran the program: the exit code, and whether `--resume` helps. Each has one table, here.

use blindlist_protocol::refusal::{Refusal, RefusalCode};
use blindlist_records::TableError;
use blindlist_store::exit::Code;
use blindlist_transport::TransportError;

use crate::ClientError;
use crate::channel::ChannelError;

impl ClientError {
    /// The exit code. The only place that knows it.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) | Self::HalfWritten { source: error, .. } => error.code(),
            Self::Transport(error) => transport_code(error),
            Self::Channel(error) => channel_code(error),
            Self::KeysExist(_)
            | Self::NotEnrolled(_)
            | Self::NotJoined(_)
            | Self::Damaged { .. }
            | Self::NoLiveList
            | Self::NoSuchList { .. }
            | Self::SeveralHolders { .. }
            | Self::Forgotten(_)
            | Self::NoUnfinishedJob { .. }
            | Self::Internal(_)
            | Self::Randomness => Code::Failure,
            Self::SeveralSchemes(_) | Self::WouldReplaceInput(_) | Self::ReadOtherwise(_) | Self::SameOperator(..) => {
                Code::Usage
            }
            Self::Unreadable(_)
            | Self::Table(_)
            | Self::Columns { .. }
            | Self::NotAnObject { .. }
            | Self::NotOurs { .. }
            | Self::ForeignBundle(_)
            | Self::ForeignCertificate
            | Self::NotAFile(_)
            | Self::NoMembers { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyRejected { .. }
            | Self::MembersChanged(_)
            | Self::Results { .. } => Code::BadInput,
            Self::CatalogExpired(_) | Self::IndexDamaged(_) => Code::TryAgain,
            Self::Incomplete { code, .. } => *code,
            Self::Interrupted => Code::Interrupted,
            Self::Evidence(error) => error.code(),
            Self::Exchange(error) => error.code(),
            Self::Broken(_) => Code::PeerBroke,
            Self::OtherFingerprint { .. }
            | Self::NotConfirmed
            | Self::NotRemoved
            | Self::NobodyConfirms
            | Self::OtherOperator(_)
            | Self::OverBudget { .. }
            | Self::TooLittleBudget { .. } => Code::NotAllowed,
        }
    }

    /// Whether a check that ended so, once its job was begun, may go on with `--resume` when the cause is gone.
    ///
    /// Not when the members are others, or the operator's answer is final for the job (SPEC.md section 19).
    pub fn resumable(&self) -> bool {
        match self {
            Self::Store(_)
            | Self::HalfWritten { .. }
            | Self::OverBudget { .. }
            | Self::IndexDamaged(_)
            | Self::Interrupted
            | Self::Forgotten(_)
            | Self::Results { .. }
            | Self::Randomness
            | Self::Internal(_) => true,
            Self::Incomplete { resumable, .. } => *resumable,
            Self::Transport(error) => curable(error),
            Self::Channel(ChannelError::Transport(error)) => curable(error),
            Self::Channel(ChannelError::Refused(Refusal { code, .. })) => leaves_resumable(*code),
            Self::Channel(ChannelError::Malformed(_) | ChannelError::Unexpected { .. }) => false,
            Self::Channel(ChannelError::NotInFile(_) | ChannelError::FileChanged) => false,
            // Every other one says that the file is not what it was.
            Self::Table(error) => matches!(error, TableError::Read { .. }),
            Self::Columns { .. }
            | Self::Unreadable(_)
            | Self::KeysExist(_)
            | Self::NotEnrolled(_)
            | Self::NotJoined(_)
            | Self::Damaged { .. }
            | Self::NotAnObject { .. }
            | Self::NotOurs { .. }
            | Self::ForeignBundle(_)
            | Self::ForeignCertificate
            | Self::OtherFingerprint { .. }
            | Self::NotConfirmed
            | Self::NoUnfinishedJob { .. }
            | Self::NotRemoved
            | Self::NobodyConfirms
            | Self::OtherOperator(_)
            | Self::CatalogExpired(_)
            | Self::NoLiveList
            | Self::NoSuchList { .. }
            | Self::SeveralSchemes(_)
            | Self::SeveralHolders { .. }
            | Self::NotAFile(_)
            | Self::WouldReplaceInput(_)
            | Self::NoMembers { .. }
            | Self::TooManyMembers { .. }
            | Self::TooManyRejected { .. }
            | Self::TooLittleBudget { .. }
            | Self::ReadOtherwise(_)
            | Self::SameOperator(..)
            | Self::MembersChanged(_)
            | Self::Evidence(_)
            | Self::Exchange(_)
            | Self::Broken(_) => false,
        }
    }
}

/// Whether another connection may do better.
fn curable(error: &TransportError) -> bool {
    match error {
        TransportError::Resolve { .. }
        | TransportError::Unreachable { .. }
        | TransportError::PeerNotTrusted { .. }
        | TransportError::NotAccepted { .. }
        | TransportError::NoCommonProtocol
        | TransportError::ComeBack
        | TransportError::Lost
        | TransportError::Deadline
        | TransportError::Io(_) => true,
        TransportError::BadAddress { .. }
        | TransportError::ResponseTooLarge { .. }
        | TransportError::Pki { .. }
        | TransportError::Bind { .. } => false,
    }
}

/// SPEC.md section 19.
fn leaves_resumable(code: RefusalCode) -> bool {
    match code {
        RefusalCode::OverBudget | RefusalCode::RateLimited | RefusalCode::Busy | RefusalCode::Internal => true,
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::InvalidElement
        | RefusalCode::InvalidChunk
        | RefusalCode::InvalidSignature
        | RefusalCode::UnknownInsurer
        | RefusalCode::Suspended
        | RefusalCode::UnknownEpoch
        | RefusalCode::RetiredEpoch
        | RefusalCode::WrongHolders
        | RefusalCode::UnknownObject
        | RefusalCode::Unlisted(_) => false,
    }
}

fn channel_code(error: &ChannelError) -> Code {
    match error {
        ChannelError::Transport(error) => transport_code(error),
        ChannelError::Malformed(_) | ChannelError::Unexpected { .. } => Code::PeerBroke,
        ChannelError::NotInFile(_) => Code::TryAgain,
        ChannelError::FileChanged => Code::BadInput,
        ChannelError::Refused(Refusal { code, .. }) => refusal_code(*code),
    }
}

/// What a failure of the way to a server means.
pub(crate) fn transport_code(error: &TransportError) -> Code {
    match error {
        TransportError::ComeBack => Code::TryAgain,
        TransportError::ResponseTooLarge { .. } => Code::PeerBroke,
        TransportError::Pki { .. } | TransportError::Bind { .. } | TransportError::Io(_) => Code::Failure,
        TransportError::BadAddress { .. } => Code::Usage,
        TransportError::Resolve { .. }
        | TransportError::Unreachable { .. }
        | TransportError::PeerNotTrusted { .. }
        | TransportError::NotAccepted { .. }
        | TransportError::NoCommonProtocol
        | TransportError::Lost
        | TransportError::Deadline => Code::Unreachable,
    }
}

fn refusal_code(code: RefusalCode) -> Code {
    match code {
        RefusalCode::UnknownInsurer | RefusalCode::Suspended | RefusalCode::OverBudget => Code::NotAllowed,
        RefusalCode::RateLimited | RefusalCode::Busy => Code::TryAgain,
        RefusalCode::UnknownEpoch
        | RefusalCode::RetiredEpoch
        | RefusalCode::UnknownObject
        | RefusalCode::WrongHolders
        | RefusalCode::Internal => Code::Unreachable,
        // This program sends none of what these name.
        RefusalCode::Malformed
        | RefusalCode::TooLarge
        | RefusalCode::InvalidElement
        | RefusalCode::InvalidChunk
        | RefusalCode::InvalidSignature
        | RefusalCode::Unlisted(_) => Code::PeerBroke,
    }
}

#[cfg(test)]
mod tests {
    use blindlist_protocol::live::LiveError;
    use blindlist_store::StoreError;

    use super::*;

    #[test]
    fn going_on_is_advised_where_it_helps() {
        let refused = |code: RefusalCode| ClientError::from(ChannelError::Refused(code.into()));
        let store = || StoreError::DiskFull { action: "write", path: "x".into() };
        for good in [
            refused(RefusalCode::Busy),
            refused(RefusalCode::OverBudget),
            TransportError::Lost.into(),
            ChannelError::from(TransportError::Deadline).into(),
            ClientError::Interrupted,
            store().into(),
            ClientError::HalfWritten { files: vec![], new: 1, source: store() },
        ] {
            assert!(good.resumable(), "{good}");
        }
        for bad in [
            refused(RefusalCode::Suspended),
            refused(RefusalCode::RetiredEpoch),
            refused(RefusalCode::Unlisted(99)),
            ChannelError::Unexpected { asked: "x" }.into(),
            TransportError::ResponseTooLarge { limit: 1 }.into(),
            ClientError::MembersChanged("x".into()),
            LiveError::TwoCatalogs(1).into(),
        ] {
            assert!(!bad.resumable(), "{bad}");
        }
    }
}
