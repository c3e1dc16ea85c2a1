use serde::{Deserialize, Serialize};

use crate::{Affiliation, Codec, Masking, Sources};

/// One agent's whole configuration, as the server last said it, in the groups of its own edit page.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The server's identifier of the agent.
    pub id: i64,
    /// The sign-in name.
    pub name: String,
    /// Personal data and what kind of agent this is.
    pub account: Account,
    /// Password age, locks and masking.
    pub security: Security,
    /// Where toasts appear.
    pub toast_position: ToastPosition,
    /// The SIP client's settings.
    pub voice: Voice,
    /// The softphone's settings.
    pub webrtc: WebRtc,
    /// Chat, email and the other channels, in [`Channel`] order; a channel the server did not name has defaults.
    pub channels: Vec<(Channel, ChannelSettings)>,
    /// What the agent belongs to; only shown.
    pub affiliation: Affiliation,
    /// Who set which field.
    pub sources: Sources,
}

/// Personal data and what kind of agent this is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Full name.
    pub full_name: String,
    /// Short name shown to customers.
    pub alias: String,
    /// E-mail address.
    pub email: String,
    /// Desk telephone.
    pub phone: String,
    /// Mobile telephone.
    pub mobile: String,
    /// Free text.
    pub description: String,
    /// The extension; also the SIP user unless the server gives another.
    pub internal: String,
    /// Where the avatar is, relative to the server.
    pub avatar: Option<String>,
    /// What kind of phone the agent uses.
    pub typology: Typology,
    /// Paused on every queue after sign-in until Play is pressed.
    pub login_in_pause: bool,
}

/// What kind of phone the agent uses (`typology`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "lowercase")]
pub enum Typology {
    /// SIP over WSS with ICE and DTLS-SRTP.
    #[default]
    Webrtc,
    /// SIP over UDP, TCP or TLS with RTP or SDES-SRTP.
    Phonebar,
    /// A desk phone: sign-in works, voice is off here.
    External,
    /// A mobile phone: sign-in works, voice is off here.
    Mobile,
}

/// Password age, locks, single sign-on and masking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Security {
    /// When the password was last set, as the server wrote it (RFC 3339).
    pub password_reset_at: Option<String>,
    /// The account is switched off.
    pub disabled: bool,
    /// The account is locked after wrong passwords.
    pub locked: bool,
    /// What of customers' personal data is masked.
    pub masking: Masking,
    /// Sign-in through Active Directory is on.
    pub ad_sso: bool,
    /// The SAML identifier, when single sign-on is set up.
    pub saml_id: Option<String>,
}

/// Where in-app toasts appear (`notificationPosition`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "kebab-case")]
pub enum ToastPosition {
    /// Top left.
    TopLeft,
    /// Top centre.
    TopCenter,
    /// Top right.
    #[default]
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom centre.
    BottomCenter,
    /// Bottom right.
    BottomRight,
}

/// The SIP client's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// Whether the phone registers or is called at a fixed address.
    pub host: Host,
    /// Behaviour behind address translation.
    pub nat: Nat,
    /// Which directions of call are allowed.
    pub peer_type: PeerType,
    /// Codecs to offer, in this order. Never contains [`Codec::G729`], see `codecs_left_out`.
    pub codecs: Vec<Codec>,
    /// Codecs that the server allows but this phone cannot use; shown to the agent.
    pub codecs_left_out: Vec<Codec>,
    /// Display name and number of From.
    pub caller_id: Option<CallerId>,
    /// Dial-plan context; read-only.
    pub context: String,
    /// Call groups, each 0–63.
    pub call_groups: Vec<u8>,
    /// Pickup groups, each 0–63.
    pub pickup_groups: Vec<u8>,
    /// Calls may be monitored.
    pub chanspy: bool,
    /// Video may appear in offers; always answered with port 0.
    pub video: VideoSupport,
    /// Format in which every answered call is recorded.
    pub recording: RecordingFormat,
    /// Whether plain RTP is refused.
    pub encryption: Encryption,
    /// Registration expiry in seconds.
    pub expires_s: u32,
    /// SIP outbound proxy, host or host:port.
    pub outbound_proxy: Option<String>,
    /// Local SIP port.
    pub listen_port: u16,
    /// Call forwarding by 302.
    pub forwarding: Forwarding,
}

/// Whether the phone registers (`host`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// The phone registers its address.
    #[default]
    Dynamic,
    /// The server calls this fixed address; the phone does not register.
    Fixed(std::net::IpAddr),
}

/// Behaviour behind address translation (`nat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nat {
    /// `rport` and symmetric RTP.
    Yes,
    /// Neither; `rport` is answered where the far end asks for it.
    No,
    /// `rport` in Via and symmetric signalling.
    #[default]
    ForceRport,
    /// Symmetric RTP: latch to the source.
    Comedia,
    /// Never send `rport`.
    Never,
    /// There is a NAT, but `rport` is not sent (Asterisk `route`).
    Route,
}

/// Which directions of call are allowed (`type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerType {
    /// May only place calls.
    User,
    /// May only be called.
    Peer,
    /// Both.
    #[default]
    Friend,
}

/// `"Name" <number>` of From.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// Display name; may be empty.
    pub name: String,
    /// Number; may be empty.
    pub number: String,
}

/// Whether the server may offer video (`videosupport`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VideoSupport {
    /// No video.
    #[default]
    No,
    /// H.264 may appear in the server's offer.
    Yes,
}

/// Format of the automatic recording (`recordingFormat`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordingFormat {
    /// Not recorded.
    #[default]
    Inactive,
    /// 16-bit PCM WAV.
    Wav,
    /// GSM in a WAV container.
    Wav49,
    /// Raw GSM frames.
    Gsm,
}

/// Whether plain RTP is refused (`encryption`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Plain RTP is allowed on a call that is not WebRTC.
    #[default]
    No,
    /// SDES-SRTP is required on a call that is not WebRTC.
    Yes,
}

/// Call forwarding by 302; `None` is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Every call.
    pub always: Option<String>,
    /// When busy.
    pub busy: Option<String>,
    /// When not answered.
    pub no_answer: Option<String>,
}

/// The softphone's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRtc {
    /// Port of the SIP WebSocket.
    pub wss_port: u16,
    /// The agent may change the phone's settings.
    pub enable_settings: bool,
    /// Automatic answer of calls.
    pub auto_answer: AutoAnswer,
    /// A desktop notification during the automatic answer's delay.
    pub auto_answer_notification: bool,
    /// Call waiting.
    pub ring_in_use: bool,
    /// The record button is there.
    pub enable_recording: bool,
    /// Pressed digits are heard locally.
    pub enable_dtmf_tone: bool,
    /// While paused, calls are refused with 486.
    pub dnd_during_pause: bool,
    /// A preview call may be started while paused.
    pub ignore_break_for_preview: bool,
    /// The local HTTP interface's port, when the server turns it on.
    pub remote_control_port: Option<u16>,
    /// Missed calls are counted on tray and bar.
    pub unanswered_call_badge: bool,
    /// Terse live-region announcements, no animation.
    pub screen_reader_mode: bool,
}

/// Automatic answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
pub struct AutoAnswer {
    /// Whether it is on.
    pub enabled: bool,
    /// Delay in seconds.
    pub delay_s: u32,
}

/// A channel of work; calls have their settings in [`Voice`] and [`WebRtc`], the others in [`ChannelSettings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Telephone calls.
    Voice,
    /// Web chat.
    Chat,
    /// E-mail.
    Email,
    /// Text messages.
    Sms,
    /// The server's generic channel.
    Openchannel,
    /// Fax.
    Fax,
    /// WhatsApp.
    Whatsapp,
}

/// Settings of one channel other than voice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelSettings {
    /// Concurrent interactions; 0 is unlimited.
    pub capacity: u32,
    /// Automatic acceptance.
    pub auto_answer: AutoAnswer,
    /// Advanced search is offered.
    pub advanced_search: bool,
}
