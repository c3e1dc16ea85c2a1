//! An authority made for one run, and the certificate that it signs for a counterpart.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::namespace::ADDRESS;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The certificate itself.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// The authority that is to be trusted.
    #[error("no authority: {0}")]
    Authority(String),
}

/// A client that trusts the authority in this PEM file and nobody else.
///
/// # Errors
/// [`CertificateError`].
pub fn client(ca: &Path) -> Result<Arc<ClientConfig>, CertificateError> {
    let pem = std::fs::read(ca)?;
    let authority = CertificateDer::from_pem_slice(&pem)
        .map_err(|fault| CertificateError::Authority(fault.to_string()))?;
    let mut roots = RootCertStore::empty();
    roots
        .add(authority)
        .map_err(|fault| CertificateError::Authority(fault.to_string()))?;
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(client))
}

/// Writes the authority's certificate to `ca`, and a server's with its key as `server.pem` and `server.key` in `folder`.
///
/// # Errors
/// [`CertificateError`].
pub fn write(ca: &Path, folder: &Path) -> Result<(), CertificateError> {
    let ca_key = KeyPair::generate()?;
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "Sidetone interop authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_certificate = authority.self_signed(&ca_key)?;
    let issuer = Issuer::from_params(&authority, &ca_key);
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        ADDRESS.to_owned(),
    ])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = server.signed_by(&key, &issuer)?;
    std::fs::write(ca, ca_certificate.pem())?;
    std::fs::write(folder.join("server.pem"), certificate.pem())?;
    std::fs::write(folder.join("server.key"), key.serialize_pem())?;
    Ok(())
}
