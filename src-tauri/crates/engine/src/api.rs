use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sidetone_agent::{CallId, View};
use sidetone_media::AudioSetup;
use sidetone_profile::Secret;

/// Everything a screen may show: the only thing the user interface reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct Snapshot {
    /// Counts up with every change.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub revision: u64,
    /// When it was made, in milliseconds since 1970 by this machine's clock. The ages in `view` hold at this moment.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at_ms: u64,
    /// The session.
    pub view: View,
    /// The devices.
    pub devices: DevicesView,
    /// Counts the agent's pictures: another number is another picture, see [`crate::Engine::avatar`]; `null` is none.
    pub avatar: Option<u32>,
    /// Sound quality of the call that is heard, once a second.
    pub media: Option<MediaView>,
    /// Server and name of the last sign-in, to be offered again.
    pub last_server: Option<String>,
    /// See `last_server`.
    pub last_name: Option<String>,
}

/// The devices and what is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DevicesView {
    /// Microphones.
    pub microphones: Vec<DeviceView>,
    /// Speakers, for listening and for ringing.
    pub speakers: Vec<DeviceView>,
    /// Chosen microphone; `null` follows the system.
    pub microphone: Option<String>,
    /// Chosen speaker; `null` follows the system.
    pub speaker: Option<String>,
    /// Chosen ring device; `null` follows the system.
    pub ringer: Option<String>,
    /// The test tone plays.
    pub test_tone: bool,
    /// The microphone is open so that its level shows.
    pub monitoring: bool,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct DeviceView {
    /// Names it in [`Command::ChooseDevice`].
    pub id: String,
    /// Shown to the agent.
    pub name: String,
    /// The system's default.
    pub default: bool,
}

/// Sound quality of the call that is heard.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MediaView {
    /// Which call.
    pub call: CallId,
    /// Codec.
    pub codec: String,
    /// SRTP profile or `none`.
    pub keying: String,
    /// RTP packets sent.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub packets_sent: u64,
    /// RTP packets received.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub packets_received: u64,
    /// RTP packets missing.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub packets_lost: u64,
    /// RTP packets too late to be played.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub packets_late: u64,
    /// Interarrival jitter, ms.
    pub jitter_ms: f32,
    /// Jitter buffer, ms.
    pub buffer_ms: f32,
    /// Round trip, ms.
    pub round_trip_ms: Option<f32>,
    /// Share of the last second that was made up.
    pub concealed: f32,
    /// What was heard, dBov.
    pub level_in_dbov: f32,
    /// What was sent, dBov.
    pub level_out_dbov: f32,
}

/// What the user interface asks for: the agent's commands, and the ones about this machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(untagged)]
pub enum Command {
    /// About this machine's sound.
    Device(DeviceCommand),
    /// About the session.
    Agent(sidetone_agent::Command),
}

/// What can be asked about this machine's sound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum DeviceCommand {
    /// Choose a device for a role; remembered.
    ChooseDevice {
        /// Which role.
        role: Role,
        /// [`DeviceView::id`]; `null` follows the system.
        device: Option<String>,
    },
    /// Play the test tone, or stop it.
    TestTone {
        /// On or off.
        on: bool,
    },
    /// Open the microphone so that its level shows, or close it.
    Monitor {
        /// On or off.
        on: bool,
    },
}

/// A role of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Microphone.
    Microphone,
    /// Where the customer is heard.
    Speaker,
    /// Where it rings.
    Ringer,
}

/// What happens once and is not state.
#[derive(Clone, Debug, PartialEq)]
pub enum EngineEvent {
    /// Show the ringing window and, when `notify`, a desktop notification.
    ShowRinging {
        /// Which call.
        call: CallId,
        /// Also a desktop notification.
        notify: bool,
    },
    /// Take both away.
    HideRinging {
        /// Which call.
        call: CallId,
    },
    /// Open this address in the system's browser; allowed already.
    OpenAddress {
        /// An `https:` address.
        address: String,
    },
    /// Announce an offered interaction of another channel.
    ShowOffer {
        /// The server's identifier; the view has the rest.
        interaction: String,
    },
    /// Take that announcement away.
    HideOffer {
        /// The server's identifier.
        interaction: String,
    },
    /// Levels of the last 50 ms, dBov.
    Levels {
        /// Microphone.
        microphone: f32,
        /// Speaker.
        speaker: f32,
    },
    /// The far end pressed a key.
    DtmfReceived {
        /// Which call.
        call: CallId,
        /// Which key.
        digit: char,
    },
}

/// Where secrets are kept between runs.
pub trait SecretStore: Send + Sync {
    /// The secret of this account, if there is one.
    ///
    /// # Errors
    /// A sentence when the keychain cannot be used.
    fn get(&self, account: &str) -> Result<Option<Secret>, String>;
    /// Keeps a secret.
    ///
    /// # Errors
    /// A sentence when the keychain cannot be used.
    fn set(&self, account: &str, secret: &Secret) -> Result<(), String>;
    /// Forgets a secret; not there is not an error.
    ///
    /// # Errors
    /// A sentence when the keychain cannot be used.
    fn forget(&self, account: &str) -> Result<(), String>;
    /// Asks a person for a secret, where there is one to ask.
    ///
    /// # Errors
    /// A sentence when nobody can be asked.
    fn ask(&self, question: &str) -> Result<Secret, String> {
        Err(format!("nobody can be asked for {question} here"))
    }
}

/// How the engine is set up.
#[derive(Clone)]
pub struct EngineConfig {
    /// Sound.
    pub audio: AudioSetup,
    /// A PEM file with a CA to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// Where choices that are not secret are kept (`settings.json`); `None` keeps none.
    pub settings_dir: Option<PathBuf>,
    /// Where secrets are kept.
    pub secrets: Arc<dyn SecretStore>,
    /// Standalone: a profile with its SIP account instead of a contact-centre server.
    pub standalone: Option<PathBuf>,
    /// IT's policy file; `None` looks where the system keeps such files.
    pub policy: Option<PathBuf>,
}

/// Who may use the local HTTP interface, by IT's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalAccess {
    /// Every program of this machine.
    Everybody,
    /// Who shows this token.
    WithToken(Secret),
    /// Nobody: the policy cannot be read as it was meant, and may have asked for a token. The clause says why.
    Nobody(String),
}

/// Why the engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The CA file.
    #[error("the CA file {path} cannot be used: {fault}")]
    Ca {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The profile file.
    #[error("the profile file {path} cannot be used: {fault}")]
    Profile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// Sound.
    #[error(transparent)]
    Media(#[from] sidetone_media::MediaError),
    /// SIP.
    #[error(transparent)]
    Sip(#[from] sidetone_sip::SipError),
}
