//! Messages as they may be shown in a log.

/// The text of a message without credentials, nonces, SDES keys and ICE passwords.
pub(crate) fn redacted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut folded_secret = false;
    for line in text.lines() {
        let line = line.trim_end();
        // A secret field may be folded over several lines.
        if line.starts_with([' ', '\t']) && folded_secret {
            continue;
        }
        let lower = line.to_ascii_lowercase();
        let secret = SECRETS.iter().find(|s| lower.starts_with(*s));
        folded_secret = secret.is_some();
        match secret {
            Some(secret) => {
                out.push_str(&line[..secret.len()]);
                out.push_str(" ***");
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

const SECRETS: [&str; 9] = [
    "authorization:",
    "proxy-authorization:",
    "www-authenticate:",
    "proxy-authenticate:",
    "authentication-info:",
    "proxy-authentication-info:",
    "a=crypto:",
    "a=ice-pwd:",
    "k=",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_secret() {
        let shown = redacted(
            b"REGISTER sip:x SIP/2.0\r\nAuthorization: Digest response=\"s3cret\",\r\n nonce=\"s3cret\"\r\nWWW-Authenticate: s3cret\r\nVia: v\r\n\r\na=crypto:1 AES s3cret\r\na=ice-pwd:s3cret\r\nm=audio\r\n",
        );
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("Via: v") && shown.contains("m=audio"));
    }
}
