//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: bytes in, nothing out but a panic.

use crate::logging;
use crate::policy::PolicyFile;
use crate::settings::Choices;
use crate::standalone::{Standalone, Wish};

/// Reads a standalone profile file, JSON or TOML, and fills in its feature codes; no secret is fetched.
///
/// # Panics
/// When something would be dialled that nobody can dial.
pub fn standalone_profile(text: &str) {
    let Ok(parts) = Standalone::parts(text) else {
        return;
    };
    let reason = text.lines().next().unwrap_or_default().to_owned();
    for wish in [
        Wish::Pause { reason },
        Wish::Unpause,
        Wish::Login,
        Wish::Logout,
    ] {
        for number in parts.desk.numbers(&wish) {
            assert!(number.chars().all(|c| c.is_ascii_graphic()), "{number}");
        }
    }
}

/// Reads the profile that is kept for when the server is away; what was understood must be understood again.
///
/// # Panics
/// When it is not.
pub fn kept_profile(bytes: &[u8]) {
    crate::server::read_kept(bytes);
}

/// Reads IT's policy file.
pub fn policy(text: &str) {
    let _ = PolicyFile::parse(text);
}

/// Masks a value of a customer in a text that has it.
///
/// # Panics
/// When the value is still there.
pub fn concealed(clear: &str, before: &str, after: &str) {
    logging::conceals(clear, &format!("{before} {clear} {after}"));
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
