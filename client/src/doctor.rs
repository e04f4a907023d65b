//! `blindlist doctor`: whether a check would work from here, and if not, what to do about it.
//!
//! It looks at the profile and the machine, then connects and asks what any check asks first. Nothing is charged, no member is
//! read, and nothing is changed but what any command remembers of a catalog.

mod machine;
mod network;
pub(crate) mod operator;
mod report;

use std::path::Path;

use blindlist_store::exit::Code;
use blindlist_store::memory::Memory;
use blindlist_store::text;
use blindlist_transport::{CertificateDer, certificate_begin, certificate_end};

use crate::channel::{Channel as _, QuicChannel, addresses};
use crate::outside::now;
use crate::profile::{Enrolled, NEAR_END, Profile};
use crate::show::moment;
use crate::{Caller, ClientError};
pub use report::{Finding, Report, State};

/// What to look at.
#[derive(Debug)]
pub struct DoctorOptions<'a> {
    /// The profile folder.
    pub profile: &'a Path,
    /// The server, instead of those in the bundle.
    pub server: Option<&'a str>,
    /// Where results are to be written.
    pub out: Option<&'a Path>,
    /// What a check may take of the memory.
    pub memory: Memory,
}

/// Looks at everything, as far as one thing lets it get to the next.
///
/// # Errors
/// [`ClientError::Interrupted`]; whatever else is wrong is in the report.
pub async fn examine(options: &DoctorOptions<'_>, caller: &Caller) -> Result<Report, ClientError> {
    let mut report = Report::default();
    report.fine("version", format!("blindlist {}, {}", env!("CARGO_PKG_VERSION"), blindlist_transport::ALPN_NAME));
    let missing = match Profile::open(options.profile) {
        Ok(profile) => with_profile(options, &profile, &mut report, caller).await?,
        Err(error) => {
            report.broken("profile", &error, "name the folder that `blindlist enroll` made, with --profile");
            0
        }
    };
    machine::examine(options, missing, &mut report);
    Ok(report)
}

/// Everything that needs the profile: how many bytes a check still has to fetch into it.
async fn with_profile(
    options: &DoctorOptions<'_>,
    profile: &Profile,
    report: &mut Report,
    caller: &Caller,
) -> Result<u64, ClientError> {
    let Some(enrolled) = machine::profile(profile, report) else { return Ok(0) };
    certificate(&enrolled, now(), report);
    let addresses = addresses(&enrolled, options.server);
    if !caller.or(reach(&enrolled, &addresses, report)).await? {
        return Ok(0);
    }
    match caller.or(QuicChannel::connect(&enrolled, options.server, caller)).await {
        Ok(channel) => {
            let examined = caller.or(operator::examine(profile, &enrolled, &channel, now(), report, caller)).await;
            report.add(network::way(channel.round_trip().await));
            channel.close().await;
            examined
        }
        Err(ClientError::Interrupted) => Err(ClientError::Interrupted),
        Err(error) => {
            report.broken("server", &error, "try again");
            Ok(0)
        }
    }
}

/// Tries every address: whether a server answers at one of them.
async fn reach(enrolled: &Enrolled, addresses: &[String], report: &mut Report) -> Result<bool, ClientError> {
    let identity = enrolled.identity()?;
    let authority = CertificateDer::from(enrolled.bundle().authority.clone());
    let mut findings = Vec::new();
    for address in addresses {
        findings.push(network::examine(address, &identity, &authority).await);
    }
    let reached = findings.iter().flatten().any(|finding| finding.subject == network::REACHED);
    for finding in findings.into_iter().flatten() {
        // Where one address answers, the others are no problem now.
        report.add(if reached { finding.at_most_a_warning() } else { finding });
    }
    if addresses.is_empty() {
        let advice = "ask the operator for an address, and name it with --server HOST:PORT";
        report.problem("server", "the bundle names no address".to_owned(), advice, Code::Usage);
    }
    Ok(reached)
}

/// From when until when the certificate lets the insurer in.
fn certificate(enrolled: &Enrolled, now: u64, report: &mut Report) {
    let certificate = CertificateDer::from(enrolled.bundle().certificate.as_slice());
    let (Some(begin), Some(end)) = (certificate_begin(&certificate), certificate_end(&certificate)) else {
        let advice = "ask the operator for a new bundle, and `blindlist join` it";
        report.problem("certificate", "it cannot be read".to_owned(), advice, Code::BadInput);
        return;
    };
    let renew = format!(
        "send {} to the operator, who renews it, and `blindlist join` the new bundle",
        text::path(enrolled.request())
    );
    if now < begin {
        let found = format!("it begins at {}, and this computer's clock says {}", moment(begin), moment(now));
        report.problem("clock", found, "set this computer's clock right", Code::Failure);
    } else if now >= end {
        report.problem("certificate", format!("it ended at {}", moment(end)), &renew, Code::NotAllowed);
    } else if now >= end.saturating_sub(NEAR_END) {
        report.warning("certificate", format!("it ends at {}", moment(end)), &renew);
    } else {
        report.fine("certificate", format!("valid until {}", moment(end)));
    }
}
