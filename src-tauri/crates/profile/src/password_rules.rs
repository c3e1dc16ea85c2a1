use serde::{Deserialize, Serialize};

/// What the server asks of a new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(default)]
pub struct PasswordRules {
    /// Characters at least.
    pub min_length: u32,
    /// A capital letter.
    pub upper: bool,
    /// A small letter.
    pub lower: bool,
    /// A digit.
    pub digit: bool,
    /// Neither letter nor digit.
    pub symbol: bool,
    /// Not one of the last so many passwords; only the server can tell.
    pub history: u32,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            min_length: 8,
            upper: false,
            lower: false,
            digit: false,
            symbol: false,
            history: 0,
        }
    }
}

/// After so many days a password has to be changed.
pub const PASSWORD_LIFE_DAYS: u32 = 90;
/// So many days before its end the agent is warned.
pub const PASSWORD_WARNING_DAYS: u32 = 15;
