//! `[limits]` of `blindlistd.toml`: how much of everything callers are given. Each has a default, which is meant to stay.

use std::time::Duration;

use blindlist_protocol::params::MAX_REQUEST;
use serde::Deserialize;

macro_rules! limits {
    ($($name:ident = $default:literal, $least:literal to $most:literal, $doc:literal;)*) => {
        /// How much of everything callers are given.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits {
            $(#[doc = $doc] pub $name: u32,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// What is wrong with the first value that is not allowed.
            pub(super) fn problem(&self) -> Option<String> {
                $(if !($least..=$most).contains(&self.$name) {
                    let (name, found) = (stringify!($name), self.$name);
                    return Some(format!("limits: {name}: looked for {} to {}, found {found}", $least, $most));
                })*
                None
            }

            /// The lines of the table for what is not as usual.
            pub(super) fn to_text(self) -> String {
                let (usual, mut lines) = (Self::default(), String::new());
                $(if self.$name != usual.$name {
                    lines += &format!("{} = {}\n", stringify!($name), self.$name);
                })*
                if lines.is_empty() { "# [limits]\n".to_owned() } else { format!("[limits]\n{lines}") }
            }
        }
    };
}

limits! {
    connections = 1_024, 1 to 65_536, "Connections, those in handshake included.";
    connections_per_address = 64, 1 to 65_536, "Connections from one address, or one /64 network of IPv6.";
    connections_per_insurer = 16, 1 to 65_536, "Connections with one insurer's certificate.";
    requests_per_connection = 4, 1 to 256, "Requests under way on one connection.";
    megabytes = 64, 16 to 4_095, "MiB of all requests under way, and again of all answers; an eighth for each insurer.";
    waiting_chunks = 160, 1 to 65_536, "Chunks that wait for their turn.";
    waiting_chunks_per_insurer = 32, 1 to 65_536, "Chunks of one insurer that wait for their turn.";
    handshake_seconds = 10, 1 to 3_600, "For a handshake.";
    idle_seconds = 30, 1 to 3_600, "Without a sign of the insurer, until its connection counts as lost.";
    request_seconds = 30, 1 to 3_600, "For an insurer to send one request.";
    response_seconds = 60, 1 to 3_600, "For an insurer to take one answer.";
    stop_seconds = 20, 1 to 3_600, "For what is under way when the server is stopped.";
}

impl Limits {
    /// What the transport allows: requests are as long as the protocol has them.
    pub fn transport(&self) -> blindlist_transport::Limits {
        let seconds = |number: u32| Duration::from_secs(number.into());
        blindlist_transport::Limits {
            max_request: MAX_REQUEST,
            max_bytes: (self.megabytes as usize) << 20,
            max_streams_per_connection: self.requests_per_connection,
            max_connections: self.connections as usize,
            max_connections_per_address: self.connections_per_address as usize,
            max_connections_per_caller: self.connections_per_insurer as usize,
            handshake_timeout: seconds(self.handshake_seconds),
            idle_timeout: seconds(self.idle_seconds),
            request_timeout: seconds(self.request_seconds),
            response_timeout: seconds(self.response_seconds),
            grace: seconds(self.stop_seconds),
        }
    }
}
