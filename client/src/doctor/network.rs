//! Whether a server answers at an address; if none does, where it ends.

use std::time::Duration;

use blindlist_store::exit::Code;
use blindlist_store::text::escape;
use blindlist_transport::{
    ALPN_NAME, CertificateDer, Connection, Echo, Identity, Timeouts, TransportError, probe, resolve,
};

use super::report::Finding;
use crate::ClientError;
use crate::error::transport_code;

/// The subject of the finding that a server answers.
pub(super) const REACHED: &str = "connection";

/// How long a name may take.
const LOOK_UP: Duration = Duration::from_secs(5);
/// How long an echo may take.
const ECHO: Duration = Duration::from_secs(3);
/// The most addresses of a name that are probed.
const MOST: usize = 4;
/// The longest address that is shown, in characters.
const SHOWN: usize = 260;
/// A way that is worth knowing to be long.
const LONG_WAY: Duration = Duration::from_millis(500);

/// Looks an address up and connects to it.
pub(super) async fn examine(address: &str, identity: &Identity, authority: &CertificateDer<'_>) -> Vec<Finding> {
    let shown = escape(address, SHOWN);
    let found = match resolve(address, LOOK_UP).await {
        Ok(found) if !found.is_empty() => found,
        Ok(_) => return vec![unknown_name(&shown)],
        Err(TransportError::Resolve { .. }) => return vec![unknown_name(&shown)],
        Err(error) => return vec![fault(&error, &shown, &[])],
    };
    let ips: Vec<String> = found.iter().map(|remote| remote.ip().to_string()).collect();
    let mut findings = vec![Finding::fine("name", format!("{shown} is {}", ips.join(", ")))];
    let address = [address.to_owned()];
    match Connection::connect(&address, identity, authority, Timeouts::default()).await {
        Ok(connection) => {
            findings.push(Finding::fine(REACHED, format!("{} answers, {ALPN_NAME}", connection.server())));
            connection.close().await;
        }
        Err(error) => {
            let mut echoes = Vec::new();
            if matches!(error, TransportError::Unreachable { .. }) {
                for remote in found.iter().take(MOST) {
                    echoes.push(probe(*remote, ECHO).await);
                }
            }
            findings.push(fault(&error, &shown, &echoes));
        }
    }
    findings
}

fn unknown_name(shown: &str) -> Finding {
    let advice = "check the name with the operator; ask the network team whether this computer's DNS knows it";
    Finding::problem("name", format!("{shown} could not be resolved"), advice, Code::Unreachable)
}

/// How long the way is, once some requests went over it.
pub(super) fn way(round_trip: Duration) -> Finding {
    let found = format!("there and back in {} ms", round_trip.as_millis().max(1));
    if round_trip > LONG_WAY {
        let advice = "a check takes longer over such a way, and works all the same; a VPN or a satellite may be on it";
        return Finding::warning("round trip", found, advice);
    }
    Finding::fine("round trip", found)
}

/// What a failure to connect means, by what came back from the addresses when they were probed.
fn fault(error: &TransportError, shown: &str, echoes: &[Echo]) -> Finding {
    let (found, advice) = match error {
        TransportError::Unreachable { .. } => silence(shown, echoes),
        TransportError::PeerNotTrusted { .. } => (
            error.to_string(),
            "another server answers there: check the address with the operator; if it has made new certificates, it has to \
             renew this insurer and send a new bundle"
                .to_owned(),
        ),
        TransportError::NotAccepted { .. } => (error.to_string(), "ask the operator to renew this insurer".to_owned()),
        TransportError::NoCommonProtocol => {
            (error.to_string(), "compare this program's version with the operator's".to_owned())
        }
        TransportError::BadAddress { .. } => (error.to_string(), "write it as HOST:PORT".to_owned()),
        TransportError::ComeBack => (error.to_string(), "try again in some minutes".to_owned()),
        TransportError::Resolve { .. }
        | TransportError::Lost
        | TransportError::Deadline
        | TransportError::ResponseTooLarge { .. }
        | TransportError::Pki { .. }
        | TransportError::Bind { .. }
        | TransportError::Io(_) => (error.to_string(), "try again; if it stays, tell the operator".to_owned()),
    };
    Finding::problem("server", found, &advice, transport_code(error))
}

/// Nothing answered the handshake: what the probes say of that.
fn silence(shown: &str, echoes: &[Echo]) -> (String, String) {
    let any = |echo| echoes.contains(&echo);
    let port = shown.rsplit(':').next().unwrap_or_default();
    let (found, advice) = if any(Echo::Quic) {
        (
            "a server answers, and the handshake does not come to its end: longer datagrams seem to be lost",
            format!("ask the network team to let UDP datagrams of 1,200 to 1,500 bytes to port {port} pass unchanged"),
        )
    } else if any(Echo::Refused) {
        (
            "the machine is there, and nothing listens on this UDP port",
            "ask the operator whether its server runs, and for the port".to_owned(),
        )
    } else if any(Echo::Other) {
        (
            "something answers that is no server of this program",
            "check address and port with the operator; a firewall may answer in its place".to_owned(),
        )
    } else if !echoes.is_empty() && echoes.iter().all(|echo| *echo == Echo::NoWay) {
        (
            "there is no way there from this computer",
            "check that this computer has a network, and a route to that address (IPv6?)".to_owned(),
        )
    } else {
        (
            "nothing comes back: UDP is blocked on the way, or the address is wrong",
            format!(
                "ask the network team to allow UDP from this computer to {shown} and the answers back (it is QUIC: TCP and a web \
                 proxy do not help); without that, `blindlist request` works over files"
            ),
        )
    };
    (format!("{shown}: {found}"), advice)
}

/// What a failure of the first request means: in TLS 1.3 only then a client hears that it is not let in.
pub(super) fn refused(error: &ClientError) -> Option<Finding> {
    use blindlist_protocol::refusal::RefusalCode;

    use crate::channel::ChannelError;
    let ClientError::Channel(channel) = error else { return None };
    let advice = match channel {
        ChannelError::Transport(TransportError::NotAccepted { .. }) => {
            "the operator does not know this certificate, has renewed or revoked it: ask for a new bundle, and `blindlist join` it"
        }
        ChannelError::Refused(refusal) if refusal.code == RefusalCode::UnknownInsurer => {
            "the operator has not approved this insurer, or has revoked it: ask the operator"
        }
        ChannelError::Refused(refusal) if refusal.code == RefusalCode::Suspended => {
            "the operator has suspended this insurer: ask the operator, who ends that with `blindlistd insurer resume`"
        }
        ChannelError::Transport(_)
        | ChannelError::Refused(_)
        | ChannelError::Malformed(_)
        | ChannelError::Unexpected { .. }
        | ChannelError::NotInFile(_)
        | ChannelError::FileChanged => return None,
    };
    Some(Finding::problem("admission", channel.to_string(), advice, error.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(echoes: &[Echo]) -> String {
        let error = TransportError::Unreachable { address: "op.example:4433".to_owned() };
        let finding = fault(&error, "op.example:4433", echoes);
        assert_eq!(finding.code, Code::Unreachable);
        format!("{} -> {}", finding.found, finding.advice.unwrap())
    }

    #[test]
    fn what_comes_back_tells_one_silence_from_another() {
        for (echoes, words) in [
            (&[Echo::Silence][..], "UDP is blocked on the way"),
            (&[], "UDP is blocked on the way"),
            (&[Echo::NoWay, Echo::Silence], "allow UDP from this computer to op.example:4433"),
            (&[Echo::NoWay, Echo::NoWay], "no way there"),
            (&[Echo::Silence, Echo::Refused], "nothing listens"),
            (&[Echo::Other], "no server of this program"),
            (&[Echo::Refused, Echo::Quic], "to port 4433"),
        ] {
            let found = found(echoes);
            assert!(found.contains(words), "{echoes:?}: {found}");
        }
    }

    #[test]
    fn a_long_way_is_a_warning() {
        assert_eq!(way(Duration::ZERO).found, "there and back in 1 ms");
        assert_eq!(way(Duration::from_secs(1)).state, super::super::State::Warning);
    }
}
