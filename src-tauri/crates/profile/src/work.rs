use crate::Channel;

/// An interaction of a channel other than voice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    /// The server's identifier.
    pub id: String,
    /// Which channel.
    pub channel: Channel,
    /// Offered, not yet taken; otherwise open.
    pub offered: bool,
    /// Who writes: a name, an address or a number.
    pub from: String,
    /// Queue that sent it.
    pub queue: Option<String>,
    /// How that queue finds an agent; with `beepall` nothing is accepted by itself.
    pub strategy: Option<String>,
    /// Where it is in the web desktop.
    pub address: Option<String>,
}

/// A contact that the agent looks at before the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewCall {
    /// The server's identifier.
    pub id: String,
    /// Name of the contact.
    pub name: String,
    /// Its number.
    pub number: String,
    /// The campaign.
    pub campaign: Option<String>,
}

/// Somebody who asked to be called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The server's identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Number.
    pub number: String,
    /// Queue.
    pub queue: Option<String>,
    /// Due at, in milliseconds since 1970.
    pub due_ms: Option<u64>,
    /// A note.
    pub note: String,
}
