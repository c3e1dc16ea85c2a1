use serde::{Deserialize, Serialize};

/// One rule of the screen pop: when, and what opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScreenPop {
    /// Only for calls of this queue.
    #[serde(default)]
    pub queue: Option<String>,
    /// When in the life of the call.
    pub on: PopMoment,
    /// Only for calls of this direction: `incoming` or `outgoing`.
    #[serde(default)]
    pub direction: Option<PopDirection>,
    /// What opens; `{name}`, `{number}`, `{queue}`, `{direction}`, `{call}` and the call's variables are put in.
    pub open: PopTarget,
}

/// When in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PopMoment {
    /// It rings, or is dialled.
    Ringing,
    /// It is answered.
    Answered,
    /// It is over.
    Ended,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PopDirection {
    /// They called.
    Incoming,
    /// The agent called.
    Outgoing,
}

/// What opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PopTarget {
    /// A web address in the system's browser.
    Url(String),
    /// A program with arguments; no shell reads them.
    Program {
        /// Its path.
        path: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
    },
}
