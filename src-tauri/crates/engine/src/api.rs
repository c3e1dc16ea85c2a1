use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sidetone_agent::{CallId, OneWay, View};
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
    /// Sound quality of the call that is heard, once a second; in a conference of one of its calls after the other.
    pub media: Option<MediaView>,
    /// What was checked of network and microphone.
    pub checks: ChecksView,
    /// Server and name of the last sign-in, to be offered again.
    pub last_server: Option<String>,
    /// See `last_server`.
    pub last_name: Option<String>,
}

/// The devices and what is chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// Device where it rings as well; `null` is nowhere else.
    pub second_ringer: Option<String>,
    /// WAV file that rings in place of the built-in ringtone.
    pub ringtone: Option<String>,
    /// Why that file cannot be played.
    pub ringtone_fault: Option<String>,
    /// Country whose tones (busy, ringback) are heard, as its ISO 3166 code of two letters; `null` is the usual of Europe.
    pub country: Option<String>,
    /// What is done to the agent's voice.
    pub voice: VoiceView,
    /// The test tone plays.
    pub test_tone: bool,
    /// The microphone is open so that its level shows.
    pub monitoring: bool,
}

/// What is done to the agent's voice before it is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct VoiceView {
    /// When the echo canceller works.
    pub echo_canceller: EchoCanceller,
    /// Steady noise is removed.
    pub noise_suppression: bool,
    /// A quiet voice is raised and a loud one limited.
    pub automatic_gain: bool,
    /// Something of it was chosen here; otherwise all is as the phone comes.
    pub chosen: bool,
    /// The echo canceller works in this call.
    pub cancelling: bool,
    /// Echo that it removes, dB (ERLE); `null` before there was any.
    pub echo_removed_db: Option<f32>,
    /// Delay from the speaker to the microphone as it measures it, ms.
    pub echo_delay_ms: Option<u32>,
}

/// When the echo canceller works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum EchoCanceller {
    #[default]
    /// Unless the customer is heard through a headset.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

/// What was checked of network and microphone, outside of calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ChecksView {
    /// The last look at the network, or the one under way.
    pub network: Option<NetworkCheckView>,
    /// The microphone's check.
    pub microphone: MicrophoneCheckView,
    /// Number of the echo test that is called by default.
    pub echo_number: Option<String>,
}

/// A look at the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct NetworkCheckView {
    /// It goes on.
    pub running: bool,
    /// STUN and TURN servers, each as it answered.
    pub servers: Vec<ServerCheckView>,
    /// The call to the echo test.
    pub echo: Option<EchoCheckView>,
    /// Why nothing, or not all, could be checked.
    pub fault: Option<String>,
}

/// What a STUN or TURN server answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct ServerCheckView {
    /// Which server, as it was configured.
    pub url: String,
    /// Time to its answer and back, ms; `null` when there was none.
    pub round_trip_ms: Option<f32>,
    /// How it sees this computer.
    pub seen_as: Option<String>,
    /// Whether it relays for us; `null` when it was not asked.
    pub relays: Option<bool>,
    /// What is wrong.
    pub fault: Option<String>,
}

/// What a call to the echo test measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct EchoCheckView {
    /// Which number.
    pub number: String,
    /// Packets that came back.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub packets_received: u64,
    /// Share of packets that were lost or came too late, 0 to 1.
    pub loss: f32,
    /// Interarrival jitter, ms.
    pub jitter_ms: f32,
    /// Round trip, ms.
    pub round_trip_ms: Option<f32>,
    /// Quality as people would score it, 1 to 4.5.
    pub mos: Option<f32>,
    /// What is wrong.
    pub fault: Option<String>,
}

/// The microphone's check: it is recorded for some seconds, then played back.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct MicrophoneCheckView {
    /// How far it is.
    pub state: MicrophoneCheckState,
    /// The loudest 10 ms of the last recording, dBov; `null` before there is one.
    pub loudest_dbov: Option<f32>,
    /// Something as loud as a voice was in it; `null` before there is one.
    pub heard: Option<bool>,
    /// The microphone was overdriven in it.
    pub clipping: bool,
    /// What is wrong.
    pub fault: Option<String>,
}

/// How far the microphone's check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "snake_case")]
pub enum MicrophoneCheckState {
    /// It does not run.
    #[default]
    Off,
    /// The agent speaks.
    Recording,
    /// The agent listens.
    Playing,
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
    /// Share of the packets of the last second that were lost or came too late, 0 to 1.
    pub loss: f32,
    /// Interarrival jitter, ms.
    pub jitter_ms: f32,
    /// Delay of the network, one way, ms: half the round trip.
    pub network_ms: Option<f32>,
    /// Delay of the jitter buffer, ms.
    pub buffer_ms: f32,
    /// Delay of the sound devices here, ms, where they tell it.
    pub device_ms: Option<f32>,
    /// Round trip, ms.
    pub round_trip_ms: Option<f32>,
    /// Share of the last second that was made up.
    pub concealed: f32,
    /// What was heard, dBov.
    pub level_in_dbov: f32,
    /// What was sent, dBov.
    pub level_out_dbov: f32,
    /// The microphone was overdriven in the last second.
    pub clipping: bool,
    /// Quality of what is heard as people would score it, 1 to 4.5; `null` before the first packets.
    pub mos: Option<f32>,
    /// How the far end scores what it hears, where it says so.
    pub remote_mos: Option<f32>,
    /// One side seems not to hear the other; also while muted.
    pub one_way: Option<OneWay>,
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
    /// Choose what is done to the agent's voice, also during a call; remembered. `null` is as the phone comes.
    ProcessVoice {
        /// When the echo canceller works.
        echo_canceller: Option<EchoCanceller>,
        /// Remove steady noise.
        noise_suppression: Option<bool>,
        /// Raise a quiet voice and limit a loud one.
        automatic_gain: Option<bool>,
    },
    /// Ring with this WAV file; remembered.
    Ringtone {
        /// Its path; `null` is the built-in ringtone.
        file: Option<String>,
    },
    /// Play the tones of this country's telephone network; remembered.
    Country {
        /// ISO 3166 code of two letters; `null` is the usual of Europe.
        code: Option<String>,
    },
    /// Look whether STUN and TURN servers answer, and call the echo test; not during a call.
    CheckNetwork {
        /// Number of the echo test, remembered; `null` is the one of last time, empty calls none.
        echo_number: Option<String>,
    },
    /// Record the microphone for some seconds and play that back, or stop; not during a call.
    CheckMicrophone {
        /// Begin or stop.
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
    /// Where it rings as well; here `null` is nowhere else.
    SecondRinger,
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
    /// The file for the SIP trace.
    #[error("the SIP trace cannot be written to {path}: {fault}")]
    Trace {
        /// Which file.
        path: PathBuf,
        /// Why not.
        fault: String,
    },
    /// Sound.
    #[error(transparent)]
    Media(#[from] sidetone_media::MediaError),
    /// SIP.
    #[error(transparent)]
    Sip(#[from] sidetone_sip::SipError),
}
