//! Encryption of packets (RFC 3711, RFC 7714): one pair of contexts for DTLS-SRTP and for SDES.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::MediaError;
use crate::sdp::CryptoLine;

/// Packets that may come out of order and still be told from repeats.
const REPLAY_WINDOW: usize = 64;

/// A way to encrypt packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SrtpSuite {
    /// AES-128 counter mode, 80-bit tag.
    AesCm128Sha1_80,
    /// AES-128 counter mode, 32-bit tag.
    AesCm128Sha1_32,
    /// AES-256 counter mode, 80-bit tag (RFC 6188); in `a=crypto` only.
    AesCm256Sha1_80,
    /// AES-256 counter mode, 32-bit tag; in `a=crypto` only.
    AesCm256Sha1_32,
    /// AES-128 GCM.
    AeadAes128Gcm,
    /// AES-256 GCM.
    AeadAes256Gcm,
}

impl SrtpSuite {
    const ALL: [Self; 6] = [
        Self::AesCm128Sha1_80,
        Self::AesCm128Sha1_32,
        Self::AesCm256Sha1_80,
        Self::AesCm256Sha1_32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// Its name in `a=crypto`, also shown to people.
    pub(crate) const fn sdes_name(self) -> &'static str {
        match self {
            Self::AesCm128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256Sha1_32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    pub(crate) fn by_sdes_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.sdes_name() == name)
    }

    /// The suite of a DTLS-SRTP profile (RFC 5764 section 4.1.2).
    pub(crate) const fn by_dtls_profile(profile: SrtpProtectionProfile) -> Option<Self> {
        match profile {
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Some(Self::AesCm128Sha1_80),
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32 => Some(Self::AesCm128Sha1_32),
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Some(Self::AeadAes128Gcm),
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// The DTLS-SRTP profile of this suite; there is none for AES-256 in counter mode.
    pub(crate) const fn dtls_profile(self) -> Option<SrtpProtectionProfile> {
        Some(match self {
            Self::AesCm128Sha1_80 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            Self::AesCm128Sha1_32 => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_32,
            Self::AesCm256Sha1_80 | Self::AesCm256Sha1_32 => return None,
            Self::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            Self::AeadAes256Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        })
    }

    /// Length of the master key, bytes.
    pub(crate) fn key(self) -> usize {
        self.profile().key_len()
    }

    /// Length of the master salt, bytes.
    pub(crate) fn salt(self) -> usize {
        self.profile().salt_len()
    }

    /// Length of master key and salt together, bytes.
    pub(crate) fn key_and_salt(self) -> usize {
        self.key() + self.salt()
    }

    /// Whether the key of a line has the length of its suite.
    ///
    /// # Errors
    /// [`MediaError::Keying`].
    pub(crate) fn check(line: &CryptoLine) -> Result<(), MediaError> {
        sdes_key(line).map(drop)
    }

    const fn profile(self) -> ProtectionProfile {
        match self {
            Self::AesCm128Sha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Self::AesCm128Sha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
            Self::AesCm256Sha1_80 => ProtectionProfile::Aes256CmHmacSha1_80,
            Self::AesCm256Sha1_32 => ProtectionProfile::Aes256CmHmacSha1_32,
            Self::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Self::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        }
    }
}

/// Both directions of one stream.
pub(crate) struct SrtpPair {
    suite: SrtpSuite,
    send: Context,
    receive: Context,
}

impl SrtpPair {
    /// Makes a pair from master key and salt (one after the other) of each direction.
    ///
    /// # Errors
    /// [`MediaError::Keying`] when a length is wrong.
    pub(crate) fn new(suite: SrtpSuite, send: &[u8], receive: &[u8]) -> Result<Self, MediaError> {
        Ok(Self {
            suite,
            send: context(suite, send)?,
            receive: context(suite, receive)?,
        })
    }

    /// Makes a pair from two `a=crypto` lines.
    ///
    /// # Errors
    /// [`MediaError::Keying`] when a key is not one of its suite.
    pub(crate) fn from_sdes(local: &CryptoLine, remote: &CryptoLine) -> Result<Self, MediaError> {
        let (suite, send) = sdes_key(local)?;
        let (_, receive) = sdes_key(remote)?;
        Self::new(suite, &send, &receive)
    }

    pub(crate) const fn suite(&self) -> SrtpSuite {
        self.suite
    }

    /// Encrypts an RTP packet.
    pub(crate) fn protect_rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.send.encrypt_rtp(packet).ok()
    }

    /// Decrypts an RTP packet; `None` when it is a repeat or was not made by the far end.
    pub(crate) fn unprotect_rtp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.receive.decrypt_rtp(packet).ok()
    }

    /// Encrypts an RTCP packet.
    pub(crate) fn protect_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.send.encrypt_rtcp(packet).ok()
    }

    /// Decrypts an RTCP packet.
    pub(crate) fn unprotect_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.receive.decrypt_rtcp(packet).ok()
    }
}

impl fmt::Debug for SrtpPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpPair")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

fn context(suite: SrtpSuite, key_and_salt: &[u8]) -> Result<Context, MediaError> {
    let provider = rtc_srtp::crypto::default_provider()
        .map_err(|error| MediaError::Keying(error.to_string()))?;
    let (key, salt) = key_and_salt
        .split_at_checked(suite.key())
        .ok_or_else(|| MediaError::Keying("a key is too short".to_owned()))?;
    Context::new(
        key,
        salt,
        suite.profile(),
        Some(srtp_replay_protection(REPLAY_WINDOW)),
        Some(srtcp_replay_protection(REPLAY_WINDOW)),
        provider.crypto(),
    )
    .map_err(|error| MediaError::Keying(error.to_string()))
}

fn sdes_key(line: &CryptoLine) -> Result<(SrtpSuite, Vec<u8>), MediaError> {
    let suite = SrtpSuite::by_sdes_name(&line.suite)
        .ok_or_else(|| MediaError::Keying(format!("{} is not supported", line.suite)))?;
    let key = BASE64
        .decode(line.key.reveal())
        .ok()
        .filter(|key| key.len() == suite.key_and_salt())
        .ok_or_else(|| {
            MediaError::Keying(format!("the key of {} has a wrong length", line.suite))
        })?;
    Ok((suite, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn packets_are_what_libsrtp_makes_of_the_same_keys() {
        // libsrtp 2.5: the encrypted payload and the tag of the packet below.
        let vectors = [
            (
                SrtpSuite::AesCm128Sha1_80,
                "5b34bf20b3c2f8fe02bd3f3621abc06142ecb45b4c2ce593b34b",
            ),
            (
                SrtpSuite::AesCm256Sha1_80,
                "f93da9c6f94e80897cbdc523c429b13b616dc56862653c5cc57b",
            ),
            (
                SrtpSuite::AesCm256Sha1_32,
                "f93da9c6f94e80897cbdc523c429b13b616dc568",
            ),
            (
                SrtpSuite::AeadAes256Gcm,
                "8cdf94975093f5e99a95f5c4d8ea7bbbfd5c050c80625a78f4dffbe50070fa5a",
            ),
        ];
        let mut packet = vec![0x80, 0, 0x12, 0x34, 0, 0, 0, 99, 0xde, 0xad, 0xbe, 0xef];
        packet.extend_from_slice(b"sixteen octets!!");
        for (suite, expected) in vectors {
            let key: Vec<u8> = (0..suite.key_and_salt() as u8).map(|n| n * 3 + 1).collect();
            let mut near = SrtpPair::new(suite, &key, &key).expect("a pair");
            let mut far = SrtpPair::new(suite, &key, &key).expect("a pair");
            let sent = near.protect_rtp(&packet).expect("encrypted");
            assert_eq!(hex(&sent[12..]), expected, "{suite:?}");
            assert_eq!(far.unprotect_rtp(&sent).as_deref(), Some(&packet[..]));
            assert_eq!(far.unprotect_rtp(&sent), None, "a repeat");
        }
    }
}
