use serde::{Deserialize, Serialize};

/// A reason to pause for, from the server's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct PauseReason {
    /// The server's identifier.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub id: i64,
    /// Shown to the agent.
    pub name: String,
}

/// One queue that the agent belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct QueueMembership {
    /// The server's identifier.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub id: i64,
    /// Name of the queue.
    pub name: String,
    /// Customers waiting, when the server says so.
    pub waiting: Option<u32>,
    /// How it finds an agent, when the server says so; with `beepall` nothing is answered by itself.
    #[serde(default)]
    pub strategy: Option<String>,
}
