//! Our certificate for DTLS: self-signed, ECDSA P-256, one per process.

use std::fmt;
use std::sync::OnceLock;

use ring::digest;
use rtc_dtls::crypto::Certificate;

use crate::MediaError;
use crate::sdp::Fingerprint;

/// A certificate with its key and fingerprint.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: Certificate,
    fingerprint: Fingerprint,
}

impl Identity {
    /// The one of this process, made on first use.
    ///
    /// # Errors
    /// [`MediaError::Dtls`] when no certificate can be made.
    pub(crate) fn of_process() -> Result<&'static Self, MediaError> {
        static IDENTITY: OnceLock<Identity> = OnceLock::new();
        if let Some(identity) = IDENTITY.get() {
            return Ok(identity);
        }
        let identity = Self::generate()?;
        Ok(IDENTITY.get_or_init(|| identity))
    }

    /// Makes a new one.
    ///
    /// # Errors
    /// [`MediaError::Dtls`].
    pub(crate) fn generate() -> Result<Self, MediaError> {
        let dtls = |error: &dyn fmt::Display| MediaError::Dtls(error.to_string());
        let provider = rtc_srtp::crypto::default_provider().map_err(|error| dtls(&error))?;
        let certificate =
            Certificate::generate_self_signed(vec!["sidetone".to_owned()], provider.crypto())
                .map_err(|error| dtls(&error))?;
        let der = certificate
            .certificate
            .first()
            .ok_or_else(|| dtls(&"no certificate was made"))?;
        let fingerprint = Fingerprint {
            hash: "sha-256".to_owned(),
            value: digest::digest(&digest::SHA256, der).as_ref().to_vec(),
        };
        Ok(Self {
            certificate,
            fingerprint,
        })
    }

    pub(crate) fn certificate(&self) -> Certificate {
        self.certificate.clone()
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// Whether a certificate (DER) has one of these fingerprints. Unknown hashes match nothing.
pub(crate) fn matches(certificate: &[u8], fingerprints: &[Fingerprint]) -> bool {
    fingerprints.iter().any(|fingerprint| {
        let algorithm = match fingerprint.hash.as_str() {
            "sha-1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha-256" => &digest::SHA256,
            "sha-384" => &digest::SHA384,
            "sha-512" => &digest::SHA512,
            _ => return false,
        };
        digest::digest(algorithm, certificate).as_ref() == fingerprint.value
    })
}
