use serde::{Deserialize, Serialize};

/// An audio codec that the server may allow, by its name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 µ-law, 8000 Hz (RFC 3551, PCMU).
    Ulaw,
    /// G.711 A-law, 8000 Hz (RFC 3551, PCMA).
    Alaw,
    /// GSM 06.10 full rate, 8000 Hz (RFC 3551).
    Gsm,
    /// G.722 wideband: 16 000 Hz audio under an 8000 Hz RTP clock (RFC 3551 section 4.5.2).
    G722,
    /// G.729; never offered, since the server's maker says it does not work with this kind of agent.
    G729,
    /// Opus, 48 000 Hz (RFC 6716, RFC 7587).
    Opus,
}

impl Codec {
    /// Every codec, in the order of the server's own list.
    pub const ALL: [Self; 6] = [
        Self::Ulaw,
        Self::Alaw,
        Self::Gsm,
        Self::G722,
        Self::G729,
        Self::Opus,
    ];

    /// The name that the server writes, for example `ulaw`.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Ulaw => "ulaw",
            Self::Alaw => "alaw",
            Self::Gsm => "gsm",
            Self::G722 => "g722",
            Self::G729 => "g729",
            Self::Opus => "opus",
        }
    }
}
