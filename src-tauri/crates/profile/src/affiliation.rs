/// What the agent belongs to; decided on the server, only shown here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affiliation {
    /// Names of the teams.
    pub teams: Vec<String>,
    /// Name of the permission profile.
    pub profile: Option<String>,
    /// The queues, of every channel.
    pub queues: Vec<QueueName>,
    /// Name of the AI assistant.
    pub ai_bot: Option<String>,
}

/// One queue as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueName {
    /// The server's word for its channel; empty when it says none.
    pub channel: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for QueueName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.channel.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{} ({})", self.name, self.channel)
        }
    }
}
