//! Logs without secrets: every line passes a filter that blanks what must not be kept.
//!
//! Secrets have a type that does not print. Below a warning only our own words are logged at all: libraries print
//! keys and whole messages there (`rtc-ice` the ICE password, `tungstenite` every frame). The filter on the lines is
//! the last line of defence, for words that come from a far end's messages or from a server's error text.

use std::io::{self, Write};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging to standard error at `level` (`error` … `trace`); `SIDETONE_LOG` overrides it with a filter
/// such as `sidetone_sip=debug`. Neither brings a library to say more than warnings. Only the first call of a process
/// counts.
pub fn start(level: &str) {
    let filter = EnvFilter::try_from_env("SIDETONE_LOG")
        // What the verifier logs comes back as a fault with words of its own.
        .or_else(|_| EnvFilter::try_new(format!("{level},rustls_platform_verifier=off")))
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    if subscriber(filter, RedactedStderr).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    tracing_subscriber::registry()
        .with(filter_fn(may_be_said))
        .with(filter)
        .with(lines)
}

/// Whether this may be logged, whatever a filter asks for.
fn may_be_said(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let ours = target
        .strip_prefix("sidetone")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':']));
    ours || *metadata.level() <= Level::WARN
}

/// Words after which the rest of a token, or of the line, is secret.
const MARKS: &[(&str, Extent)] = &[
    ("authorization:", Extent::Line),
    ("proxy-authorization:", Extent::Line),
    ("bearer ", Extent::Token),
    ("a=crypto:", Extent::Line),
    ("a=ice-pwd:", Extent::Token),
    ("inline:", Extent::Token),
    ("pwd:", Extent::Token),
    ("password\":", Extent::Token),
    ("secret\":", Extent::Token),
    ("token\":", Extent::Token),
    ("\"code\":", Extent::Token),
    ("credential\":", Extent::Token),
    // As JSON within a printed string has it.
    ("password\\\":", Extent::Token),
    ("secret\\\":", Extent::Token),
    ("token\\\":", Extent::Token),
    ("\\\"code\\\":", Extent::Token),
    ("credential\\\":", Extent::Token),
    // As a printed structure has it.
    ("password: ", Extent::Token),
    ("secret: ", Extent::Token),
    ("credential: ", Extent::Token),
    // A digest's answer outside its header field.
    ("response=", Extent::Token),
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
    const ESCAPED: &str = "\\\"";
    if let Some(inside) = text.strip_prefix(ESCAPED) {
        return inside
            .find(ESCAPED)
            .map_or(text.len(), |end| end + 2 * ESCAPED.len());
    }
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
    use std::sync::{Arc, Mutex};

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
            (
                "controlling? true, remotePwd: 4f5e6d7c, ufrag: x",
                "controlling? true, remotePwd:***, ufrag: x",
            ),
            (
                r#"body "{\"password\":\"hunter2\",\"x\":1}""#,
                r#"body "{\"password\":***,\"x\":1}""#,
            ),
            (
                r#"Account { user: "a", secret: "hunter2", port: 1 }"#,
                r#"Account { user: "a", secret: ***, port: 1 }"#,
            ),
            (
                r#"username="1001", response="0a1b", qop=auth"#,
                r#"username="1001", response=***, qop=auth"#,
            ),
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

    /// Keeps what is logged.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn no_filter_brings_a_library_to_say_its_secrets() {
        for filter in ["trace", "rtc_ice=trace", "warn,rtc_ice::agent=debug"] {
            let kept = Kept::default();
            let subscriber = subscriber(EnvFilter::new(filter), kept.clone());
            tracing::subscriber::with_default(subscriber, || {
                tracing::debug!(target: "rtc_ice::agent", "remote password 4f5e6d7c");
                tracing::trace!(target: "tungstenite::protocol", "frame with 4f5e6d7c");
                tracing::info!(target: "sidetonelike", "4f5e6d7c");
                tracing::warn!(target: "rtc_ice::agent", "no route");
                tracing::error!(target: "sidetone_sip::core", "our own");
            });
            let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert!(!said.contains("4f5e6d7c"), "{filter}: {said}");
            assert!(said.contains("no route"), "{filter}: {said}");
            assert_eq!(
                said.contains("our own"),
                filter != "rtc_ice=trace",
                "{said}"
            );
        }
    }

    #[test]
    fn odd_letters_do_not_break_it() {
        assert!(redacted("ÄÖ İstanbul password=ß€ x").ends_with("*** x"));
    }
}
