//! Passwords, tokens and one-time codes.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;
use ring::{digest, hmac, pbkdf2};
use sidetone_profile::Secret;

const ITERATIONS: NonZeroU32 = NonZeroU32::new(120_000).expect("not zero");
const STEP_S: i64 = 30;

/// Hashes a password with PBKDF2-HMAC-SHA256 (RFC 8018) and a fresh salt.
pub(crate) fn hash(password: &str) -> String {
    let salt = random::<16>();
    let mut out = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ITERATIONS,
        &salt,
        password.as_bytes(),
        &mut out,
    );
    format!(
        "pbkdf2-sha256${ITERATIONS}${}${}",
        URL_SAFE_NO_PAD.encode(salt),
        URL_SAFE_NO_PAD.encode(out)
    )
}

/// Whether the password is the one that was hashed; an unreadable hash fits no password.
pub(crate) fn fits(password: &str, hashed: &str) -> bool {
    let mut parts = hashed.split('$');
    let (Some("pbkdf2-sha256"), Some(rounds), Some(salt), Some(out)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(rounds), Ok(salt), Ok(out)) = (
        rounds.parse::<NonZeroU32>(),
        URL_SAFE_NO_PAD.decode(salt),
        URL_SAFE_NO_PAD.decode(out),
    ) else {
        return false;
    };
    pbkdf2::verify(
        pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        &salt,
        password.as_bytes(),
        &out,
    )
    .is_ok()
}

/// A token of 256 random bits.
pub(crate) fn token() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random::<32>()))
}

/// A password that can be read out: five groups of four letters.
pub(crate) fn readable() -> Secret {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let text: Vec<String> = random::<20>()
        .chunks(4)
        .map(|group| {
            group
                .iter()
                .map(|b| char::from(LETTERS[usize::from(b % 32)]))
                .collect()
        })
        .collect();
    Secret::new(text.join("-"))
}

/// A fresh secret for one-time codes: 160 bits in base32 (RFC 4226 section 4).
pub(crate) fn code_secret() -> Secret {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let text: String = random::<32>()
        .iter()
        .map(|b| char::from(LETTERS[usize::from(b % 32)]))
        .collect();
    Secret::new(text)
}

/// What is stored of a token: SHA-256, base64url.
pub(crate) fn digest(token: &str) -> String {
    digest_of(token.as_bytes())
}

/// SHA-256 of bytes, base64url.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes))
}

/// Whether a one-time code fits now, one step early or one step late (RFC 6238 section 5.2).
pub(crate) fn code_fits(secret_base32: &str, code: &str, unix_s: i64) -> bool {
    let Some(key) = base32(secret_base32) else {
        return false;
    };
    [-1, 0, 1]
        .into_iter()
        .any(|shift| totp(&key, unix_s / STEP_S + shift) == code)
}

/// The one-time code of a moment: TOTP, SHA-1, six digits, 30 s (RFC 6238).
#[must_use]
pub fn one_time_code(secret_base32: &str, unix_s: i64) -> Option<String> {
    Some(totp(&base32(secret_base32)?, unix_s / STEP_S))
}

fn totp(key: &[u8], counter: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0x0f);
    let number = u32::from_be_bytes([
        tag[offset] & 0x7f,
        tag[offset + 1],
        tag[offset + 2],
        tag[offset + 3],
    ]);
    format!("{:06}", number % 1_000_000)
}

/// RFC 4648 base32, case and padding ignored.
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for c in text.trim_end_matches('=').bytes() {
        let value = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            b' ' | b'-' => continue,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    (!out.is_empty()).then_some(out)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        // "12345678901234567890" in base32; the table's last six digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (at, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(one_time_code(secret, at).as_deref(), Some(code), "at {at}");
            assert!(code_fits(secret, code, at + 30), "one step late");
            assert!(!code_fits(secret, code, at + 90), "three steps late");
        }
    }

    #[test]
    fn a_password_fits_only_its_own_hash() {
        let hashed = hash("correct horse");
        assert!(fits("correct horse", &hashed));
        assert!(!fits("correct horsf", &hashed));
        assert!(!fits("correct horse", "nonsense"));
        assert!(!hashed.contains("correct"));
        assert_ne!(hashed, hash("correct horse"), "salted");
    }
}
