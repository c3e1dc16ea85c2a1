use serde::Serialize;

/// The ways to sign in that a server offers, by its own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct SignInWays {
    /// By name and password.
    pub password: bool,
    /// Through the system's browser: what the server calls it, empty when it has no name for it.
    pub browser: Option<String>,
}

impl Default for SignInWays {
    /// What every server has.
    fn default() -> Self {
        Self {
            password: true,
            browser: None,
        }
    }
}
