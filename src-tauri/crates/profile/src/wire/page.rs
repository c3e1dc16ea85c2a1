use super::affiliation::{AI_BOT, PROFILE, QUEUES, TEAMS};
use super::*;

/// One group of the server's edit page, in its order.
#[derive(Clone, Copy, Debug)]
pub struct PageGroup {
    /// Names its words in the catalogue.
    pub key: &'static str,
    /// Its settings.
    pub fields: &'static [PageField],
}

/// One setting of the page.
#[derive(Clone, Copy, Debug)]
pub struct PageField {
    /// The server's name.
    pub field: &'static str,
    /// What it looks like.
    pub kind: FieldKind,
}

/// What a setting looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// On or off.
    Flag,
    /// A whole number.
    Number,
    /// Seconds.
    Seconds,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several, in order.
    List,
    /// RFC 3339.
    Moment,
}

macro_rules! fields {
    ($($field:expr => $kind:expr,)*) => {
        &[$(PageField { field: $field, kind: $kind }),*]
    };
}

const MASKS: FieldKind = FieldKind::Choice(&["off", "partial", "full"]);

/// Every setting of an agent, as it is shown; [`super::write`] has the values of all but the read-only lists.
pub const PAGE: &[PageGroup] = &[
    PageGroup {
        key: "account",
        fields: fields![
            FULL_NAME => FieldKind::Text,
            ALIAS => FieldKind::Text,
            INTERNAL => FieldKind::Text,
            TYPOLOGY => FieldKind::Choice(&["webrtc", "phonebar", "external", "mobile"]),
            EMAIL => FieldKind::Text,
            PHONE => FieldKind::Text,
            MOBILE => FieldKind::Text,
            DESCRIPTION => FieldKind::Text,
            AVATAR => FieldKind::Text,
            LOGIN_IN_PAUSE => FieldKind::Flag,
            TEAMS => FieldKind::List,
            PROFILE => FieldKind::Text,
            QUEUES => FieldKind::List,
            AI_BOT => FieldKind::Text,
        ],
    },
    PageGroup {
        key: "security",
        fields: fields![
            PASSWORD_RESET_AT => FieldKind::Moment,
            DISABLED => FieldKind::Flag,
            LOCKED => FieldKind::Flag,
            PRIVACY => FieldKind::Flag,
            PRIVACY_NAME => MASKS,
            PRIVACY_EMAIL => MASKS,
            PRIVACY_NUMBER => MASKS,
        ],
    },
    PageGroup {
        key: "authentication",
        fields: fields![
            AD_SSO => FieldKind::Flag,
            SAML_ID => FieldKind::Text,
        ],
    },
    PageGroup {
        key: "notifications",
        fields: fields![
            NOTIFICATION_POSITION => FieldKind::Choice(&[
                "top-left", "top-center", "top-right", "bottom-left", "bottom-center", "bottom-right",
            ]),
        ],
    },
    PageGroup {
        key: "voice",
        fields: fields![
            HOST => FieldKind::Text,
            NAT => FieldKind::Choice(&["yes", "no", "force_rport", "comedia", "never", "route"]),
            PEER_TYPE => FieldKind::Choice(&["user", "peer", "friend"]),
            CODECS => FieldKind::List,
            CALLER_ID => FieldKind::Text,
            CONTEXT => FieldKind::Text,
            CALL_GROUPS => FieldKind::Text,
            PICKUP_GROUPS => FieldKind::Text,
            CHANSPY => FieldKind::Flag,
            VIDEO => FieldKind::Flag,
            RECORDING => FieldKind::Choice(&["inactive", "wav", "wav49", "gsm"]),
            ENCRYPTION => FieldKind::Flag,
            EXPIRES => FieldKind::Seconds,
            OUTBOUND_PROXY => FieldKind::Text,
            LISTEN_PORT => FieldKind::Number,
            FORWARD_ALWAYS => FieldKind::Text,
            FORWARD_BUSY => FieldKind::Text,
            FORWARD_NO_ANSWER => FieldKind::Text,
        ],
    },
    PageGroup {
        key: "channels",
        fields: fields![
            "chatCapacity" => FieldKind::Number,
            "emailCapacity" => FieldKind::Number,
            "smsCapacity" => FieldKind::Number,
            "openchannelCapacity" => FieldKind::Number,
            "faxCapacity" => FieldKind::Number,
            "whatsappCapacity" => FieldKind::Number,
            "chatAdvancedSearch" => FieldKind::Flag,
            "emailAdvancedSearch" => FieldKind::Flag,
            "smsAdvancedSearch" => FieldKind::Flag,
            "openchannelAdvancedSearch" => FieldKind::Flag,
            "faxAdvancedSearch" => FieldKind::Flag,
            "whatsappAdvancedSearch" => FieldKind::Flag,
        ],
    },
    PageGroup {
        key: "auto_answer",
        fields: fields![
            "chatAutoanswer" => FieldKind::Flag,
            "chatAutoanswerDelay" => FieldKind::Seconds,
            "emailAutoanswer" => FieldKind::Flag,
            "emailAutoanswerDelay" => FieldKind::Seconds,
            "smsAutoanswer" => FieldKind::Flag,
            "smsAutoanswerDelay" => FieldKind::Seconds,
            "openchannelAutoanswer" => FieldKind::Flag,
            "openchannelAutoanswerDelay" => FieldKind::Seconds,
            "faxAutoanswer" => FieldKind::Flag,
            "faxAutoanswerDelay" => FieldKind::Seconds,
            "whatsappAutoanswer" => FieldKind::Flag,
            "whatsappAutoanswerDelay" => FieldKind::Seconds,
        ],
    },
    PageGroup {
        key: "webrtc",
        fields: fields![
            WSS_PORT => FieldKind::Number,
            ENABLE_SETTINGS => FieldKind::Flag,
            AUTO_ANSWER => FieldKind::Flag,
            AUTO_ANSWER_DELAY => FieldKind::Seconds,
            AUTO_ANSWER_NOTIFICATION => FieldKind::Flag,
            RING_IN_USE => FieldKind::Flag,
            ENABLE_RECORDING => FieldKind::Flag,
            ENABLE_DTMF_TONE => FieldKind::Flag,
            DND => FieldKind::Flag,
            IGNORE_BREAK => FieldKind::Flag,
            REMOTE_CONTROL => FieldKind::Flag,
            REMOTE_CONTROL_PORT => FieldKind::Number,
            UNANSWERED_BADGE => FieldKind::Flag,
            SCREEN_READER => FieldKind::Flag,
        ],
    },
];
