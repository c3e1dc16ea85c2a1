use sidetone_profile::Secret;

/// What IT's policy says of the interface.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// When it is open.
    pub opening: Opening,
    /// What every request must carry (`Authorization: Bearer …` or `X-Sidetone-Token: …`); `None` asks for nothing.
    pub token: Option<Secret>,
}

/// When the interface is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// While the agent's profile says so, at the port of the profile.
    #[default]
    AsTheProfileSays,
    /// Never.
    Never,
    /// As long as the phone runs, at this port.
    Always(u16),
}
