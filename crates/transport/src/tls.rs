//! The TLS settings of both sides, in one place: TLS 1.3 only, AWS-LC only, mutual authentication against one pinned
//! authority, no resumption, no early data.
//!
//! Nothing here depends on the process-wide default provider, and nothing may relax a check for one side only.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{
        CryptoProvider,
        aws_lc_rs::{self, kx_group, sign::any_eddsa_type},
    },
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};

use crate::{ALPN, Identity, TransportError};

/// The settings of a server that lets in whoever shows a certificate of `client_ca`.
pub(crate) fn server_config(
    identity: &Identity,
    client_ca: &CertificateDer<'_>,
) -> Result<ServerConfig, TransportError> {
    let provider = provider();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(client_ca)?), Arc::clone(&provider))
        .build()
        .map_err(|_| unusable("the certificate authority's certificate cannot check insurers"))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| unusable("TLS 1.3 is not available"))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key(identity)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// The settings of a client that trusts servers certified by `ca` and shows `identity`.
pub(crate) fn client_config(identity: &Identity, ca: &CertificateDer<'_>) -> Result<ClientConfig, TransportError> {
    let provider = provider();
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(ca)?), Arc::clone(&provider))
        .build()
        .map_err(|_| unusable("the certificate authority's certificate cannot check servers"))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| unusable("TLS 1.3 is not available"))?
        .with_webpki_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified_key(identity)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_early_data = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// The pinned authority as the only root.
pub(crate) fn roots(ca: &CertificateDer<'_>) -> Result<RootCertStore, TransportError> {
    let mut roots = RootCertStore::empty();
    roots
        .add(ca.clone().into_owned())
        .map_err(|_| unusable("the certificate authority's certificate is not an X.509 certificate"))?;
    Ok(roots)
}

/// The certificate with its signing key; fails unless the two belong together.
pub(crate) fn certified_key(identity: &Identity) -> Result<CertifiedKey, TransportError> {
    // Reading from borrowed bytes leaves no copy of the key behind that nobody wipes.
    let pkcs8 = PrivatePkcs8KeyDer::from(identity.key().pkcs8().as_slice());
    let key = any_eddsa_type(&pkcs8).map_err(|_| unusable("the key is not an Ed25519 key"))?;
    let certified = CertifiedKey::new(vec![identity.certificate().clone()], key);
    certified.keys_match().map_err(|_| unusable("the certificate was not issued for this key"))?;
    Ok(certified)
}

/// AWS-LC with the key exchanges in our order, whatever features the build switched on.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1];
    Arc::new(provider)
}

fn unusable(problem: &'static str) -> TransportError {
    TransportError::Pki { problem }
}
