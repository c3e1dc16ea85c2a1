//! Whom the phone trusts: the system's certificate authorities, and those that IT gives besides.
//!
//! Made once a process and shared by everything that opens a TLS connection.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// Why no TLS settings could be made; each is one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// The file is no PEM, or holds no certificate.
    #[error("it holds no certificate in PEM form")]
    NoCertificate,
    /// A certificate in it cannot be used.
    #[error("its certificate cannot be used: {0}")]
    BadCertificate(String),
}

/// The certificates of a PEM file.
///
/// # Errors
/// [`TrustError`] names what is wrong with the file.
pub fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let pem = std::fs::read(path).map_err(|e| TrustError::Unreadable(e.to_string()))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|e| TrustError::BadCertificate(e.to_string()))?;
    if certificates.is_empty() {
        return Err(TrustError::NoCertificate);
    }
    Ok(certificates)
}

/// TLS settings of a client: TLS 1.2 and 1.3, verified by the system plus these authorities.
///
/// # Errors
/// [`TrustError::BadCertificate`] when one of them cannot be used, or when there is no authority at all.
pub fn client_config(
    authorities: Vec<CertificateDer<'static>>,
) -> Result<Arc<ClientConfig>, TrustError> {
    let bad = |e: rustls::Error| TrustError::BadCertificate(e.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(authorities, provider.clone()).map_err(bad)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(bad)?
        // The system's own verifier counts as custom because rustls brings another.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
