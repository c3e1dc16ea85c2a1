//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: bytes in, nothing out but a panic.

use crate::logging;
use crate::settings::Choices;
use crate::standalone::Standalone;

/// Reads a standalone profile file, JSON or TOML; no secret is fetched.
pub fn standalone_profile(text: &str) {
    let _ = Standalone::parts(text);
}

/// Reads `settings.json`; what was understood must be understood again.
///
/// # Panics
/// When it is not.
pub fn settings(bytes: &[u8]) {
    let choices = Choices::parse(bytes);
    let again = serde_json::to_vec(&choices).map(|text| Choices::parse(&text));
    assert_eq!(again.ok(), Some(choices), "not the same again");
}

/// Blanks the secrets of a line of the log, once and again.
///
/// # Panics
/// When a far end's words can bring it out of step.
pub fn log_line(text: &str) {
    let _ = logging::redacted(&logging::redacted(text));
}
