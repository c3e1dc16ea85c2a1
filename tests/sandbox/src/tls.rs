//! The sandbox's own certificate authority and server certificate.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

use crate::SandboxError;

/// A certificate kept in a folder is made anew after this many days.
const KEEP_DAYS: u64 = 300;
const VALID_DAYS: i64 = 397;

/// A server certificate and the authority that signed it; the authority's key is forgotten at once.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: String,
    /// TLS settings of the server role.
    pub(crate) server: Arc<rustls::ServerConfig>,
}

struct Pems {
    ca: String,
    certificate: String,
    key: String,
}

impl Identity {
    /// Makes an identity for `localhost`, the loopback addresses and `names`, or takes the one kept in `folder`.
    ///
    /// # Errors
    /// [`SandboxError::Certificate`] when it cannot be made, kept or read.
    pub(crate) fn open(folder: Option<&Path>, names: &[String]) -> Result<Self, SandboxError> {
        let pems = match folder {
            Some(folder) => match Pems::kept_in(folder) {
                Some(pems) => pems,
                None => {
                    let pems = Pems::make(names)?;
                    pems.keep_in(folder)?;
                    pems
                }
            },
            None => Pems::make(names)?,
        };
        pems.into_identity()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Pems {
    fn make(names: &[String]) -> Result<Self, SandboxError> {
        let now = OffsetDateTime::now_utc();
        let (from, to) = (
            now - time::Duration::days(1),
            now + time::Duration::days(VALID_DAYS),
        );

        let mut authority = CertificateParams::new(Vec::default()).map_err(fault)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority
            .distinguished_name
            .push(DnType::CommonName, "Sidetone sandbox CA");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (authority.not_before, authority.not_after) = (from, to);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(fault)?)
                .map_err(fault)?;

        let mut subjects = vec![
            "localhost".to_owned(),
            IpAddr::from([127, 0, 0, 1]).to_string(),
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]).to_string(),
        ];
        subjects.extend(names.iter().filter(|n| *n != "localhost").cloned());
        let mut leaf = CertificateParams::new(subjects).map_err(fault)?;
        leaf.distinguished_name
            .push(DnType::CommonName, "Sidetone sandbox");
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (leaf.not_before, leaf.not_after) = (from, to);
        let key = KeyPair::generate().map_err(fault)?;
        let certificate = leaf.signed_by(&key, &authority).map_err(fault)?;

        Ok(Self {
            ca: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    fn kept_in(folder: &Path) -> Option<Self> {
        let made = std::fs::metadata(folder.join("server.key"))
            .and_then(|m| m.modified())
            .ok()?;
        let age = SystemTime::now().duration_since(made).ok()?;
        if age > Duration::from_secs(KEEP_DAYS * 86_400) {
            return None;
        }
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
        Some(Self {
            ca: text("ca.pem")?,
            certificate: text("server.pem")?,
            key: text("server.key")?,
        })
    }

    fn keep_in(&self, folder: &Path) -> Result<(), SandboxError> {
        std::fs::create_dir_all(folder).map_err(fault)?;
        std::fs::write(folder.join("ca.pem"), &self.ca).map_err(fault)?;
        std::fs::write(folder.join("server.pem"), &self.certificate).map_err(fault)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(folder.join("server.key")).map_err(fault)?;
        std::io::Write::write_all(&mut file, self.key.as_bytes()).map_err(fault)
    }

    fn into_identity(self) -> Result<Identity, SandboxError> {
        let chain = CertificateDer::pem_slice_iter(self.certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(fault)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(fault)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(fault)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(fault)?;
        Ok(Identity {
            ca_pem: self.ca,
            server: Arc::new(server),
        })
    }
}

fn fault(error: impl std::fmt::Display) -> SandboxError {
    SandboxError::Certificate(error.to_string())
}
