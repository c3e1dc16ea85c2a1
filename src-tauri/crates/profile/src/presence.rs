use crate::Channel;

/// The server's word on the agent's presence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceReport {
    /// Signed in to the queues.
    pub online: bool,
    /// Paused on every queue.
    pub paused: bool,
    /// Reason of the pause.
    pub reason: Option<String>,
    /// How long ago the agent signed in, by the server's clock, in milliseconds.
    pub online_for_ms: u64,
    /// How long ago the pause began, by the server's clock, in milliseconds.
    pub paused_for_ms: u64,
    /// Channels that can be paused one by one, as the server lists them.
    pub channels: Vec<ChannelPresence>,
}

/// The server's word on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPresence {
    /// Which channel.
    pub channel: Channel,
    /// Paused on it.
    pub paused: bool,
    /// Reason of that pause.
    pub reason: Option<String>,
    /// How long ago it began, by the server's clock, in milliseconds.
    pub paused_for_ms: u64,
}
