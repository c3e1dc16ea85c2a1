//! The server's documents other than the agent object: the only place where their fields are written down.
//!
//! Read generously, because servers differ: a row that cannot be used is left out by name, a setting that cannot
//! be used keeps its default, and what this version does not know is passed over. What such a fault says never
//! holds the value of a row: customers' names and numbers stand in them.

mod presence;
mod row;
mod settings;
mod sip;
mod work;

use serde::Deserialize;
use serde_json::Value;
use sidetone_profile::{PasswordRules, Secret};

use crate::fault::Fault;

pub(crate) use presence::PresenceDocument;
pub use presence::{Presence, channel_name};
pub use row::BadField;
pub(crate) use row::{Row, rows};
pub use settings::SettingsDocument;
pub use sip::{IceServer, SipCredentials, SipTransport};

/// The answer to a sign-in, by whichever way.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    pub(crate) token: Secret,
    /// Seconds; absent when it holds until the server says otherwise.
    #[serde(default)]
    pub(crate) expires_in: Option<u64>,
    /// Gives another token once, without password or code.
    #[serde(default)]
    pub(crate) refresh_token: Option<Secret>,
}

/// The ways to sign in.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Methods {
    #[serde(default)]
    pub(crate) password: Option<Value>,
    #[serde(default)]
    pub(crate) browser: Option<Value>,
}

/// An error document (RFC 9457).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) detail: String,
    /// With `password_expired`.
    #[serde(default)]
    pub(crate) rules: Option<Value>,
}

impl Problem {
    /// The server's sentence, or its title when it has none.
    pub(crate) fn sentence(self) -> String {
        if self.detail.is_empty() {
            self.title
        } else {
            self.detail
        }
    }

    /// What a new password needs; without a word of it the server's own check decides.
    pub(crate) fn password_rules(&self) -> PasswordRules {
        self.rules
            .as_ref()
            .map(|rules| settings::password_rules(rules).0)
            .unwrap_or_default()
    }
}

/// What a new password needs, as the server says it to anybody.
pub(crate) fn read_password_rules(document: &Value) -> PasswordRules {
    let (rules, faults) = settings::password_rules(document);
    for fault in faults {
        tracing::warn!(%fault, "a rule for passwords was left out");
    }
    rules
}

/// A document that is not what it should be, as a fault without a place.
pub(crate) fn bad(job: &'static str, fault: impl Into<String>) -> Fault {
    Fault::BadJson {
        job,
        line: 1,
        column: 1,
        fault: fault.into(),
    }
}

/// At most 60 characters of what a server sent.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
