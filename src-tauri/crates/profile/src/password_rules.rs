use serde::{Deserialize, Serialize};

use crate::{Secret, unix_ms};

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

/// Something that a new password lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// It is too short.
    #[error("at least {0} characters")]
    Length(u32),
    /// No capital letter.
    #[error("a capital letter")]
    Upper,
    /// No small letter.
    #[error("a small letter")]
    Lower,
    /// No digit.
    #[error("a digit")]
    Digit,
    /// Nothing besides letters and digits.
    #[error("a sign that is neither letter nor digit")]
    Symbol,
}

impl PasswordRules {
    /// What a new password lacks; empty when only the server can still refuse it.
    #[must_use]
    pub fn check(&self, new: &Secret) -> Vec<PasswordFault> {
        let chars = || new.reveal().chars();
        let long = u32::try_from(chars().count()).is_ok_and(|count| count >= self.min_length);
        let rows = [
            (long, PasswordFault::Length(self.min_length)),
            (
                !self.upper || chars().any(char::is_uppercase),
                PasswordFault::Upper,
            ),
            (
                !self.lower || chars().any(char::is_lowercase),
                PasswordFault::Lower,
            ),
            (
                !self.digit || chars().any(|c| c.is_ascii_digit()),
                PasswordFault::Digit,
            ),
            (
                !self.symbol || chars().any(|c| !c.is_alphanumeric()),
                PasswordFault::Symbol,
            ),
        ];
        let lacking = rows.into_iter().filter(|(kept, _)| !kept);
        lacking.map(|(_, fault)| fault).collect()
    }
}

/// After so many days a password has to be changed.
pub const PASSWORD_LIFE_DAYS: u32 = 90;
/// So many days before its end the agent is warned.
pub const PASSWORD_WARNING_DAYS: u32 = 15;

const DAY_MS: u64 = 86_400_000;

/// How near the end of a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAge {
    /// Days until it has to be changed, a begun day counted as a whole one; 0 is past its end.
    pub days_left: u32,
    /// Milliseconds until `days_left` is one less; `None` when it is 0.
    pub next_day_in_ms: Option<u64>,
}

impl PasswordAge {
    /// The age of a password that was set at `reset_at` (RFC 3339), by the server's clock in milliseconds since
    /// 1970; `None` when it cannot be told.
    #[must_use]
    pub fn of(reset_at: &str, now_ms: u64) -> Option<Self> {
        let end = unix_ms(reset_at)?.saturating_add(u64::from(PASSWORD_LIFE_DAYS) * DAY_MS);
        let left = end.saturating_sub(now_ms);
        let days = left.div_ceil(DAY_MS);
        Some(Self {
            days_left: u32::try_from(days).unwrap_or(u32::MAX),
            next_day_in_ms: days.checked_sub(1).map(|fewer| left - fewer * DAY_MS),
        })
    }

    /// It is time to warn.
    #[must_use]
    pub fn warns(self) -> bool {
        self.days_left <= PASSWORD_WARNING_DAYS
    }
}
