//! Logs without secrets: every line passes a filter that blanks what must not be kept.
//!
//! Secrets have a type that does not print. This is the second line of defence, for words that come from
//! libraries, from a far end's messages or from a server's error text.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Starts logging to standard error at `level` (`error` … `trace`); `SIDETONE_LOG` overrides it with a filter
/// such as `sidetone_sip=debug`. Only the first call of a process counts.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_env("SIDETONE_LOG")
        // What the verifier logs comes back as a fault with words of its own.
        .or_else(|_| EnvFilter::try_new(format!("{level},rustls_platform_verifier=off")))
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    let done = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(RedactedStderr)
        .with_ansi(false)
        .try_init();
    if done.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Words after which the rest of a token, or of the line, is secret.
const MARKS: &[(&str, Extent)] = &[
    ("authorization:", Extent::Line),
    ("proxy-authorization:", Extent::Line),
    ("bearer ", Extent::Token),
    ("a=crypto:", Extent::Line),
    ("a=ice-pwd:", Extent::Token),
    ("inline:", Extent::Token),
    ("\"password\":", Extent::Token),
    ("\"secret\":", Extent::Token),
    ("\"token\":", Extent::Token),
    ("\"code\":", Extent::Token),
    ("\"credential\":", Extent::Token),
    ("password=", Extent::Token),
    ("secret=", Extent::Token),
    ("token=", Extent::Token),
];

#[derive(Clone, Copy)]
enum Extent {
    Line,
    Token,
}

/// The text with everything secret blanked.
#[must_use]
pub fn redacted(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, extent)) = next_mark(&lower, at) {
        out.push_str(&text[at..start]);
        let rest = &text[start..];
        let skipped = rest.len() - rest.trim_start_matches(' ').len();
        let end = match extent {
            // A debug-printed message has its line ends escaped.
            Extent::Line => end_of(&rest[skipped..], |c| matches!(c, '\r' | '\n' | '\\')),
            Extent::Token => end_of_token(&rest[skipped..]),
        };
        out.push_str("***");
        at = start + skipped + end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where the secret after the first mark from `from` begins.
fn next_mark(lower: &str, from: usize) -> Option<(usize, Extent)> {
    MARKS
        .iter()
        .filter_map(|(mark, extent)| {
            lower[from..]
                .find(mark)
                .map(|found| (from + found + mark.len(), *extent))
        })
        .min_by_key(|(start, _)| *start)
}

fn end_of(text: &str, stop: impl Fn(char) -> bool) -> usize {
    text.find(stop).unwrap_or(text.len())
}

/// A quoted string, or everything up to a blank or a separator.
fn end_of_token(text: &str) -> usize {
    match text.strip_prefix('"') {
        Some(inside) => {
            let mut escaped = false;
            for (index, c) in inside.char_indices() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => return index + 2,
                    _ => {}
                }
            }
            text.len()
        }
        None => end_of(text, |c| {
            c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '}' | ')' | '\\')
        }),
    }
}

/// Standard error behind the filter.
#[derive(Clone, Copy, Debug)]
struct RedactedStderr;

impl<'a> MakeWriter<'a> for RedactedStderr {
    type Writer = RedactedLine;

    fn make_writer(&'a self) -> Self::Writer {
        RedactedLine(Vec::new())
    }
}

/// One event, written when it is whole so that no secret is cut in two.
#[derive(Debug)]
struct RedactedLine(Vec<u8>);

impl Write for RedactedLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for RedactedLine {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        // A log that cannot be written must not stop the phone.
        let _ = io::stderr().lock().write_all(redacted(&text).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blanked_and_the_rest_stays() {
        for (line, shown) in [
            (
                "REGISTER sip:a\r\nAuthorization: Digest username=\"1001\", response=\"ab\"\r\nCSeq: 1",
                "REGISTER sip:a\r\nAuthorization:***\r\nCSeq: 1",
            ),
            ("header Bearer abc.def.ghi sent", "header Bearer *** sent"),
            (
                r#"{"name":"anna","password":"a \"b\" c","x":1}"#,
                r#"{"name":"anna","password":***,"x":1}"#,
            ),
            (
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xyz\r\na=sendrecv",
                "a=crypto:***\r\na=sendrecv",
            ),
            ("?token=abc&since=4", "?token=***&since=4"),
            ("nothing to hide here", "nothing to hide here"),
        ] {
            assert_eq!(redacted(line), shown);
        }
    }

    #[test]
    fn a_debug_printed_message_is_blanked_too() {
        let got = redacted("\"INVITE\\r\\nAuthorization: Digest response=\\\"ab\\\"\\r\\nX: 1\"");
        assert!(!got.contains("response"), "{got}");
        assert!(got.contains("INVITE") && got.contains("X: 1"), "{got}");
    }

    #[test]
    fn odd_letters_do_not_break_it() {
        assert!(redacted("ÄÖ İstanbul password=ß€ x").ends_with("*** x"));
    }
}
