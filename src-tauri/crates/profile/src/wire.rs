//! The mapping from the server's field names to the domain: the only place where they are written down.
//!
//! The server's JSON is read generously (numbers as text, `yes` for `true`, a codec list as text or array),
//! because its own versions differ; what cannot be understood keeps its default and is reported by name.

mod affiliation;
mod caller_id;
mod codecs;
mod fields;
mod groups;
mod page;

use serde_json::{Map, Value, json};

use crate::{
    Account, AutoAnswer, Channel, ChannelSettings, Encryption, Forwarding, Host, Nat, PeerType,
    Profile, RecordingFormat, Security, Sources, ToastPosition, Typology, VideoSupport, Voice,
    WebRtc,
};
pub(crate) use affiliation::differences as affiliation_differences;
use fields::Fields;
pub use page::{FieldKind, PAGE, PageField, PageGroup};

/// One field of the server's agent object that could not be used; the rest of the profile still is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value} cannot be used; allowed: {allowed}")]
pub struct FieldError {
    /// The server's field name.
    pub field: &'static str,
    /// What the server sent, shortened.
    pub value: String,
    /// What is allowed there, in words.
    pub allowed: &'static str,
}

/// Why an agent object is of no use at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The document is not a JSON object.
    #[error("the server's agent document is not a JSON object but {0}")]
    NotAnObject(&'static str),
    /// A field without which nothing works is missing.
    #[error("the server's agent document has no usable {0}")]
    Missing(&'static str),
}

/// Reads the server's agent object; wrong fields keep their default and are reported.
///
/// # Errors
/// [`WireError`] when the document is of no use at all.
pub fn read(document: &Value) -> Result<(Profile, Vec<FieldError>), WireError> {
    let map = document
        .as_object()
        .ok_or_else(|| WireError::NotAnObject(fields::kind(document)))?;
    let mut fields = Fields::new(map);
    let name = fields.text(NAME);
    if name.is_empty() {
        return Err(WireError::Missing(NAME));
    }
    let profile = Profile {
        id: fields.id(ID),
        name,
        account: read_account(&mut fields),
        security: read_security(&mut fields),
        toast_position: fields.choice(
            NOTIFICATION_POSITION,
            TOAST_POSITIONS,
            "top-left, top-center, top-right, bottom-left, bottom-center, bottom-right",
        ),
        voice: read_voice(&mut fields),
        webrtc: read_webrtc(&mut fields),
        channels: CHANNELS
            .iter()
            .map(|names| (names.channel, read_channel(&mut fields, names)))
            .collect(),
        affiliation: affiliation::read(&mut fields),
        sources: Sources::default(),
    };
    Ok((profile, fields.into_faults()))
}

/// Writes a profile with the server's field names: the inverse of [`read`], used by the sandbox.
///
/// What the agent belongs to is not written: it is no setting of the agent.
#[must_use]
pub fn write(profile: &Profile) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |field: &str, value: Value| {
        out.insert(field.to_owned(), value);
    };
    put(ID, json!(profile.id));
    put(NAME, json!(profile.name));
    put(
        NOTIFICATION_POSITION,
        json!(wire_name(TOAST_POSITIONS, profile.toast_position)),
    );
    write_account(&profile.account, &mut put);
    write_security(&profile.security, &mut put);
    write_voice(&profile.voice, &mut put);
    write_webrtc(&profile.webrtc, &mut put);
    for names in CHANNELS {
        let settings = profile
            .channels
            .iter()
            .find(|(channel, _)| *channel == names.channel)
            .map(|(_, settings)| *settings)
            .unwrap_or_default();
        put(names.capacity, json!(settings.capacity));
        put(names.auto_answer, json!(settings.auto_answer.enabled));
        put(names.auto_answer_delay, json!(settings.auto_answer.delay_s));
        put(names.advanced_search, json!(settings.advanced_search));
    }
    out
}

/// The fields that make the SIP account: another value of one registers anew, and would disturb a call.
pub(crate) const ACCOUNT_FIELDS: &[&str] = &[
    INTERNAL,
    TYPOLOGY,
    WSS_PORT,
    HOST,
    NAT,
    CODECS,
    CALLER_ID,
    ENCRYPTION,
    EXPIRES,
    OUTBOUND_PROXY,
    LISTEN_PORT,
];

/// Fields whose change the agent is not told of: it is of no use, or is told in other words.
pub(crate) const UNTOLD: &[&str] = &[ID, NAME, PASSWORD_RESET_AT, DISABLED, LOCKED];

/// Fields of a policy that hold as far as they can be understood.
pub(crate) const KEPT_THOUGH_WRONG: &[&str] =
    &[PRIVACY, PRIVACY_NAME, PRIVACY_EMAIL, PRIVACY_NUMBER, CODECS];

const ID: &str = "id";
pub(crate) const NAME: &str = "name";
const NOTIFICATION_POSITION: &str = "notificationPosition";

const TOAST_POSITIONS: &[(&str, ToastPosition)] = &[
    ("top-right", ToastPosition::TopRight),
    ("top-left", ToastPosition::TopLeft),
    ("top-center", ToastPosition::TopCenter),
    ("bottom-left", ToastPosition::BottomLeft),
    ("bottom-center", ToastPosition::BottomCenter),
    ("bottom-right", ToastPosition::BottomRight),
];

const FULL_NAME: &str = "fullname";
const ALIAS: &str = "alias";
const EMAIL: &str = "email";
const PHONE: &str = "phone";
const MOBILE: &str = "mobile";
const DESCRIPTION: &str = "description";
const INTERNAL: &str = "internal";
const AVATAR: &str = "userpic";
const TYPOLOGY: &str = "typology";
const LOGIN_IN_PAUSE: &str = "loginInPause";

const TYPOLOGIES: &[(&str, Typology)] = &[
    ("webrtc", Typology::Webrtc),
    ("phonebar", Typology::Phonebar),
    ("external", Typology::External),
    ("mobile", Typology::Mobile),
];

fn read_account(fields: &mut Fields<'_>) -> Account {
    Account {
        full_name: fields.text(FULL_NAME),
        alias: fields.text(ALIAS),
        email: fields.text(EMAIL),
        phone: fields.text(PHONE),
        mobile: fields.text(MOBILE),
        description: fields.text(DESCRIPTION),
        internal: fields
            .address(INTERNAL, "an extension without blanks")
            .unwrap_or_default(),
        avatar: fields.optional_text(AVATAR),
        typology: fields.choice(TYPOLOGY, TYPOLOGIES, "webrtc, phonebar, external, mobile"),
        login_in_pause: fields.flag(LOGIN_IN_PAUSE),
    }
}

fn write_account(account: &Account, put: &mut impl FnMut(&str, Value)) {
    put(FULL_NAME, json!(account.full_name));
    put(ALIAS, json!(account.alias));
    put(EMAIL, json!(account.email));
    put(PHONE, json!(account.phone));
    put(MOBILE, json!(account.mobile));
    put(DESCRIPTION, json!(account.description));
    put(INTERNAL, json!(account.internal));
    put(AVATAR, json!(account.avatar));
    put(TYPOLOGY, json!(wire_name(TYPOLOGIES, account.typology)));
    put(LOGIN_IN_PAUSE, json!(account.login_in_pause));
}

const PASSWORD_RESET_AT: &str = "passwordResetAt";
const DISABLED: &str = "disabled";
const LOCKED: &str = "blocked";
const PRIVACY: &str = "privacyEnabled";
const PRIVACY_NAME: &str = "privacyName";
const PRIVACY_EMAIL: &str = "privacyEmail";
const PRIVACY_NUMBER: &str = "privacyNumber";
const AD_SSO: &str = "adSsoEnabled";
const SAML_ID: &str = "samlId";

fn read_security(fields: &mut Fields<'_>) -> Security {
    Security {
        password_reset_at: fields.moment(PASSWORD_RESET_AT),
        disabled: fields.flag(DISABLED),
        locked: fields.flag(LOCKED),
        masking: fields.masking(PRIVACY, PRIVACY_NAME, PRIVACY_EMAIL, PRIVACY_NUMBER),
        ad_sso: fields.flag(AD_SSO),
        saml_id: fields.optional_text(SAML_ID),
    }
}

fn write_security(security: &Security, put: &mut impl FnMut(&str, Value)) {
    put(PASSWORD_RESET_AT, json!(security.password_reset_at));
    put(DISABLED, json!(security.disabled));
    put(LOCKED, json!(security.locked));
    let masking = security.masking;
    put(PRIVACY, json!(masking.any()));
    put(PRIVACY_NAME, json!(masking.name));
    put(PRIVACY_EMAIL, json!(masking.email));
    put(PRIVACY_NUMBER, json!(masking.number));
    put(AD_SSO, json!(security.ad_sso));
    put(SAML_ID, json!(security.saml_id));
}

const HOST: &str = "host";
const NAT: &str = "nat";
const PEER_TYPE: &str = "type";
const CODECS: &str = "allow";
const CALLER_ID: &str = "callerid";
const CONTEXT: &str = "context";
const CALL_GROUPS: &str = "callgroup";
const PICKUP_GROUPS: &str = "pickupgroup";
const CHANSPY: &str = "chanspy";
const VIDEO: &str = "videosupport";
const RECORDING: &str = "recordingFormat";
const ENCRYPTION: &str = "encryption";
const EXPIRES: &str = "phoneBarExpires";
const OUTBOUND_PROXY: &str = "phoneBarOutboundProxy";
const LISTEN_PORT: &str = "phoneBarListenPort";
const FORWARD_ALWAYS: &str = "phoneBarUnconditional";
const FORWARD_BUSY: &str = "phoneBarBusy";
const FORWARD_NO_ANSWER: &str = "phoneBarNoReply";

const DEFAULT_CONTEXT: &str = "from-sip";
const DEFAULT_EXPIRES_S: u32 = 120;
const DEFAULT_LISTEN_PORT: u16 = 5160;

const NATS: &[(&str, Nat)] = &[
    ("force_rport", Nat::ForceRport),
    ("yes", Nat::Yes),
    // The long form of `yes` in Asterisk's own files, in either order.
    ("force_rport,comedia", Nat::Yes),
    ("comedia,force_rport", Nat::Yes),
    ("no", Nat::No),
    ("comedia", Nat::Comedia),
    ("never", Nat::Never),
    ("route", Nat::Route),
];
const PEER_TYPES: &[(&str, PeerType)] = &[
    ("friend", PeerType::Friend),
    ("user", PeerType::User),
    ("peer", PeerType::Peer),
];
const RECORDING_FORMATS: &[(&str, RecordingFormat)] = &[
    ("inactive", RecordingFormat::Inactive),
    ("wav", RecordingFormat::Wav),
    ("wav49", RecordingFormat::Wav49),
    ("gsm", RecordingFormat::Gsm),
];

fn read_voice(fields: &mut Fields<'_>) -> Voice {
    let (codecs, codecs_left_out) = codecs::read(fields, CODECS);
    Voice {
        host: fields.host(HOST),
        nat: fields.choice(NAT, NATS, "yes, no, force_rport, comedia, never, route"),
        peer_type: fields.choice(PEER_TYPE, PEER_TYPES, "user, peer, friend"),
        codecs,
        codecs_left_out,
        caller_id: caller_id::read(fields, CALLER_ID),
        context: fields
            .optional_text(CONTEXT)
            .unwrap_or_else(|| DEFAULT_CONTEXT.to_owned()),
        call_groups: groups::read(fields, CALL_GROUPS),
        pickup_groups: groups::read(fields, PICKUP_GROUPS),
        chanspy: fields.flag(CHANSPY),
        video: if fields.flag(VIDEO) {
            VideoSupport::Yes
        } else {
            VideoSupport::No
        },
        recording: fields.choice(RECORDING, RECORDING_FORMATS, "inactive, wav, wav49, gsm"),
        encryption: if fields.flag(ENCRYPTION) {
            Encryption::Yes
        } else {
            Encryption::No
        },
        expires_s: fields.whole(
            EXPIRES,
            10..=86_400,
            DEFAULT_EXPIRES_S,
            "seconds, a whole number from 10 to 86400",
        ),
        outbound_proxy: fields.address(OUTBOUND_PROXY, "host or host:port"),
        listen_port: fields.port(LISTEN_PORT, DEFAULT_LISTEN_PORT),
        forwarding: Forwarding {
            always: fields.address(FORWARD_ALWAYS, FORWARD_ALLOWED),
            busy: fields.address(FORWARD_BUSY, FORWARD_ALLOWED),
            no_answer: fields.address(FORWARD_NO_ANSWER, FORWARD_ALLOWED),
        },
    }
}

const FORWARD_ALLOWED: &str = "a number without blanks";

fn write_voice(voice: &Voice, put: &mut impl FnMut(&str, Value)) {
    put(
        HOST,
        match voice.host {
            Host::Dynamic => json!("dynamic"),
            Host::Fixed(address) => json!(address.to_string()),
        },
    );
    put(NAT, json!(wire_name(NATS, voice.nat)));
    put(PEER_TYPE, json!(wire_name(PEER_TYPES, voice.peer_type)));
    put(CODECS, codecs::write(voice));
    put(
        CALLER_ID,
        json!(voice.caller_id.as_ref().map(caller_id::write)),
    );
    put(CONTEXT, json!(voice.context));
    put(CALL_GROUPS, groups::write(&voice.call_groups));
    put(PICKUP_GROUPS, groups::write(&voice.pickup_groups));
    put(CHANSPY, json!(voice.chanspy));
    put(VIDEO, yes_no(voice.video == VideoSupport::Yes));
    put(
        RECORDING,
        json!(wire_name(RECORDING_FORMATS, voice.recording)),
    );
    put(ENCRYPTION, yes_no(voice.encryption == Encryption::Yes));
    put(EXPIRES, json!(voice.expires_s));
    put(OUTBOUND_PROXY, json!(voice.outbound_proxy));
    put(LISTEN_PORT, json!(voice.listen_port));
    put(FORWARD_ALWAYS, json!(voice.forwarding.always));
    put(FORWARD_BUSY, json!(voice.forwarding.busy));
    put(FORWARD_NO_ANSWER, json!(voice.forwarding.no_answer));
}

const WSS_PORT: &str = "wssPort";
const ENABLE_SETTINGS: &str = "phoneBarEnableSettings";
const AUTO_ANSWER: &str = "phoneBarAutoAnswer";
const AUTO_ANSWER_DELAY: &str = "phoneBarAutoAnswerDelay";
const AUTO_ANSWER_NOTIFICATION: &str = "phoneBarAutoAnswerNotification";
const RING_IN_USE: &str = "phoneBarRingInUse";
const ENABLE_RECORDING: &str = "phoneBarEnableRecording";
const ENABLE_DTMF_TONE: &str = "phoneBarEnableDtmfTone";
const DND: &str = "phoneBarDnd";
const IGNORE_BREAK: &str = "phoneBarIgnoreBreakPreview";
const REMOTE_CONTROL: &str = "phoneBarRemoteControl";
const REMOTE_CONTROL_PORT: &str = "phoneBarRemoteControlPort";
const UNANSWERED_BADGE: &str = "phoneBarUnansweredCallBadge";
const SCREEN_READER: &str = "phoneBarEnableJaws";

const DEFAULT_WSS_PORT: u16 = 8089;
const DEFAULT_REMOTE_CONTROL_PORT: u16 = 9888;

fn read_webrtc(fields: &mut Fields<'_>) -> WebRtc {
    let remote_control = fields.flag(REMOTE_CONTROL);
    let remote_control_port = fields.port(REMOTE_CONTROL_PORT, DEFAULT_REMOTE_CONTROL_PORT);
    WebRtc {
        wss_port: fields.port(WSS_PORT, DEFAULT_WSS_PORT),
        enable_settings: fields.flag(ENABLE_SETTINGS),
        auto_answer: AutoAnswer {
            enabled: fields.flag(AUTO_ANSWER),
            delay_s: fields.delay(AUTO_ANSWER_DELAY),
        },
        auto_answer_notification: fields.flag(AUTO_ANSWER_NOTIFICATION),
        ring_in_use: fields.flag(RING_IN_USE),
        enable_recording: fields.flag(ENABLE_RECORDING),
        enable_dtmf_tone: fields.flag(ENABLE_DTMF_TONE),
        dnd_during_pause: fields.flag(DND),
        ignore_break_for_preview: fields.flag(IGNORE_BREAK),
        remote_control_port: remote_control.then_some(remote_control_port),
        unanswered_call_badge: fields.flag(UNANSWERED_BADGE),
        screen_reader_mode: fields.flag(SCREEN_READER),
    }
}

fn write_webrtc(webrtc: &WebRtc, put: &mut impl FnMut(&str, Value)) {
    put(WSS_PORT, json!(webrtc.wss_port));
    put(ENABLE_SETTINGS, json!(webrtc.enable_settings));
    put(AUTO_ANSWER, json!(webrtc.auto_answer.enabled));
    put(AUTO_ANSWER_DELAY, json!(webrtc.auto_answer.delay_s));
    put(
        AUTO_ANSWER_NOTIFICATION,
        json!(webrtc.auto_answer_notification),
    );
    put(RING_IN_USE, json!(webrtc.ring_in_use));
    put(ENABLE_RECORDING, json!(webrtc.enable_recording));
    put(ENABLE_DTMF_TONE, json!(webrtc.enable_dtmf_tone));
    put(DND, json!(webrtc.dnd_during_pause));
    put(IGNORE_BREAK, json!(webrtc.ignore_break_for_preview));
    put(REMOTE_CONTROL, json!(webrtc.remote_control_port.is_some()));
    put(
        REMOTE_CONTROL_PORT,
        json!(
            webrtc
                .remote_control_port
                .unwrap_or(DEFAULT_REMOTE_CONTROL_PORT)
        ),
    );
    put(UNANSWERED_BADGE, json!(webrtc.unanswered_call_badge));
    put(SCREEN_READER, json!(webrtc.screen_reader_mode));
}

/// The four fields of one channel other than voice.
struct ChannelNames {
    channel: Channel,
    capacity: &'static str,
    auto_answer: &'static str,
    auto_answer_delay: &'static str,
    advanced_search: &'static str,
}

macro_rules! channel_names {
    ($channel:ident, $prefix:literal) => {
        ChannelNames {
            channel: Channel::$channel,
            capacity: concat!($prefix, "Capacity"),
            auto_answer: concat!($prefix, "Autoanswer"),
            auto_answer_delay: concat!($prefix, "AutoanswerDelay"),
            advanced_search: concat!($prefix, "AdvancedSearch"),
        }
    };
}

const CHANNELS: &[ChannelNames] = &[
    channel_names!(Chat, "chat"),
    channel_names!(Email, "email"),
    channel_names!(Sms, "sms"),
    channel_names!(Openchannel, "openchannel"),
    channel_names!(Fax, "fax"),
    channel_names!(Whatsapp, "whatsapp"),
];

fn read_channel(fields: &mut Fields<'_>, names: &ChannelNames) -> ChannelSettings {
    ChannelSettings {
        capacity: fields.whole(
            names.capacity,
            0..=u32::MAX,
            0,
            "a whole number, 0 for no limit",
        ),
        auto_answer: AutoAnswer {
            enabled: fields.flag(names.auto_answer),
            delay_s: fields.delay(names.auto_answer_delay),
        },
        advanced_search: fields.flag(names.advanced_search),
    }
}

/// The first name of `value` in a table of choices.
fn wire_name<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    table
        .iter()
        .find(|(_, known)| *known == value)
        .map_or("", |(name, _)| name)
}

fn yes_no(value: bool) -> Value {
    json!(if value { "yes" } else { "no" })
}
