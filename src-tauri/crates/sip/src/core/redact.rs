//! Messages as they may be shown in a log.

use super::message::Message;

/// What a message is, without anybody's address: `INVITE`, or `180 INVITE`, and its sequence number.
pub(crate) fn summary(bytes: &[u8]) -> String {
    let Ok(message) = Message::read(bytes) else {
        return format!("{} bytes", bytes.len());
    };
    let (seq, method) = message.cseq().unwrap_or((0, ""));
    match message.status() {
        0 => format!("{} {seq}", message.method()),
        status => format!("{status} to {method} {seq}"),
    }
}

/// The text of a message without credentials, nonces, SDES keys, ICE passwords and keyed digits.
pub(crate) fn redacted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut folded_secret = false;
    // A digit may be one of a card number or a PIN.
    let mut digits = false;
    let mut in_body = false;
    for line in text.lines() {
        let line = line.trim_end();
        // A secret field may be folded over several lines.
        if line.starts_with([' ', '\t']) && folded_secret {
            continue;
        }
        let lower = line.to_ascii_lowercase();
        in_body |= line.is_empty();
        digits |= !in_body
            && (lower.starts_with("content-type:") || lower.starts_with("c:"))
            && lower.contains("dtmf");
        if in_body && digits && !line.is_empty() {
            out.push_str("***\n");
            continue;
        }
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

    #[test]
    fn shows_no_keyed_digit() {
        for kind in ["application/dtmf-relay", "application/DTMF"] {
            let info = format!(
                "INFO sip:x SIP/2.0\r\nContent-Type: {kind}\r\n\r\nSignal=7\r\nDuration=160\r\n"
            );
            let shown = redacted(info.as_bytes());
            assert!(!shown.contains('7') && shown.contains("INFO"), "{shown}");
        }
    }

    #[test]
    fn a_summary_names_nobody() {
        let invite = b"INVITE sip:2025550100@x SIP/2.0\r\nFrom: <sip:2025550101@x>;tag=a\r\nCSeq: 7 INVITE\r\n\r\n";
        assert_eq!(summary(invite), "INVITE 7");
        let ringing =
            b"SIP/2.0 180 Ringing\r\nTo: <sip:2025550101@x>;tag=a\r\nCSeq: 7 INVITE\r\n\r\n";
        assert_eq!(summary(ringing), "180 to INVITE 7");
        assert_eq!(summary(b"2025550100"), "10 bytes");
    }
}
