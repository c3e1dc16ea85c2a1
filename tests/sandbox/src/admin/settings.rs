//! An agent's settings in the groups of its edit page, for the page and for what may be changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::centre::Centre;
use crate::contract::Body;
use crate::problem::Problem;
use crate::settings::DOCUMENT;

/// How a setting is edited.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Kind {
    Text,
    Flag,
    Number {
        min: u32,
        max: u32,
        unit: &'static str,
    },
    Choice {
        of: &'static [&'static str],
    },
    /// An ordered list.
    List {
        of: &'static [&'static str],
    },
    /// Names, separated by commas.
    Names,
}

/// One setting.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Setting {
    pub(super) field: String,
    label: &'static str,
    hint: &'static str,
    #[serde(flatten)]
    kind: Kind,
}

const SECONDS: Kind = Kind::Number {
    min: 0,
    max: 3600,
    unit: "s",
};
const PORT: Kind = Kind::Number {
    min: 1,
    max: 65_535,
    unit: "",
};

const DEGREE: Kind = Kind::Choice {
    of: &["off", "partial", "full"],
};

type Row = (&'static str, &'static str, Kind, &'static str);

const ACCOUNT: &[Row] = &[
    ("fullname", "Full name", Kind::Text, ""),
    ("alias", "Alias", Kind::Text, "Shown to customers"),
    (
        "typology",
        "Typology",
        Kind::Choice {
            of: &["webrtc", "phonebar", "external", "mobile"],
        },
        "The kind of phone",
    ),
    (
        "internal",
        "Internal",
        Kind::Text,
        "Extension, and SIP user",
    ),
    ("email", "E-mail", Kind::Text, ""),
    ("phone", "Phone", Kind::Text, ""),
    ("mobile", "Mobile", Kind::Text, ""),
    ("description", "Description", Kind::Text, ""),
    (
        "userpic",
        "Avatar",
        Kind::Text,
        "Path of a PNG or JPG on the server",
    ),
    (
        "loginInPause",
        "Login in Pause",
        Kind::Flag,
        "Paused after login until Play is pressed",
    ),
];

const SECURITY: &[Row] = &[
    (
        "passwordResetAt",
        "Last password reset",
        Kind::Text,
        "RFC 3339; a password ages 90 days",
    ),
    (
        "disabled",
        "Disabled",
        Kind::Flag,
        "Ends the agent's sign-in at once",
    ),
    (
        "blocked",
        "Locked",
        Kind::Flag,
        "Set by five wrong passwords",
    ),
    (
        "privacyEnabled",
        "Mask sensitive data",
        Kind::Flag,
        "Customers' data; the degrees below say how much",
    ),
    ("privacyName", "Mask names", DEGREE, ""),
    ("privacyEmail", "Mask e-mails", DEGREE, ""),
    ("privacyNumber", "Mask numbers", DEGREE, ""),
];

const MEMBERSHIP: &[Row] = &[
    ("teams", "Teams", Kind::Names, "Separated by commas"),
    (
        "profile",
        "Profile",
        Kind::Text,
        "Of permissions; shown only",
    ),
    (
        "queues",
        "Queues of other channels",
        Kind::Names,
        "Such as chat: web, email: orders; voice queues have their members",
    ),
    ("aiBot", "AI bot", Kind::Text, "Shown only"),
];

const AUTHENTICATION: &[Row] = &[
    ("adSsoEnabled", "Active Directory SSO", Kind::Flag, ""),
    ("samlId", "SAML ID", Kind::Text, ""),
];

const NOTIFICATIONS: &[Row] = &[(
    "notificationPosition",
    "Toast position",
    Kind::Choice {
        of: &[
            "top-left",
            "top-center",
            "top-right",
            "bottom-left",
            "bottom-center",
            "bottom-right",
        ],
    },
    "",
)];

const VOICE: &[Row] = &[
    ("host", "Host", Kind::Text, "dynamic, or a fixed IP address"),
    (
        "nat",
        "NAT",
        Kind::Choice {
            of: &["force_rport", "yes", "no", "comedia", "never", "route"],
        },
        "",
    ),
    (
        "type",
        "Type",
        Kind::Choice {
            of: &["friend", "user", "peer"],
        },
        "user: calls; peer: is called; friend: both",
    ),
    (
        "allow",
        "Allowed codecs",
        Kind::List {
            of: &["opus", "ulaw", "alaw", "g722", "gsm", "g729"],
        },
        "In order of preference",
    ),
    ("callerid", "Caller ID", Kind::Text, "\"Name\" <number>"),
    ("context", "Context", Kind::Text, ""),
    (
        "callgroup",
        "Call group",
        Kind::Text,
        "0 to 63, such as 1,3-5",
    ),
    (
        "pickupgroup",
        "Pickup group",
        Kind::Text,
        "0 to 63, such as 1,3-5",
    ),
    ("chanspy", "ChanSpy", Kind::Flag, "Calls may be monitored"),
    ("videosupport", "Video support", Kind::Flag, ""),
    (
        "recordingFormat",
        "Record calls to user extension",
        Kind::Choice {
            of: &["inactive", "wav", "wav49", "gsm"],
        },
        "",
    ),
    (
        "encryption",
        "Encryption",
        Kind::Flag,
        "SDES-SRTP for calls that are not WebRTC",
    ),
    (
        "phoneBarExpires",
        "Expires",
        Kind::Number {
            min: 10,
            max: 86_400,
            unit: "s",
        },
        "Registration",
    ),
    ("phoneBarOutboundProxy", "Outbound proxy", Kind::Text, ""),
    ("phoneBarListenPort", "Listen port", PORT, ""),
    ("phoneBarUnconditional", "Forward always to", Kind::Text, ""),
    ("phoneBarBusy", "Forward on busy to", Kind::Text, ""),
    ("phoneBarNoReply", "Forward on no answer to", Kind::Text, ""),
];

const AUTO_ANSWER: &[Row] = &[
    ("phoneBarAutoAnswer", "Calls", Kind::Flag, ""),
    ("phoneBarAutoAnswerDelay", "Calls: delay", SECONDS, ""),
    (
        "phoneBarAutoAnswerNotification",
        "Calls: notification",
        Kind::Flag,
        "Shown during the delay",
    ),
];

const WEBRTC: &[Row] = &[
    ("wssPort", "WSS port", PORT, ""),
    (
        "phoneBarEnableSettings",
        "Enable settings",
        Kind::Flag,
        "The agent may change the phone's settings",
    ),
    (
        "phoneBarRingInUse",
        "Ring in use",
        Kind::Flag,
        "Call waiting",
    ),
    (
        "phoneBarEnableRecording",
        "Enable recording",
        Kind::Flag,
        "",
    ),
    (
        "phoneBarEnableDtmfTone",
        "Enable DTMF tones",
        Kind::Flag,
        "",
    ),
    ("phoneBarDnd", "Do not disturb during pause", Kind::Flag, ""),
    (
        "phoneBarIgnoreBreakPreview",
        "Ignore break for preview calls",
        Kind::Flag,
        "",
    ),
    (
        "phoneBarRemoteControl",
        "Remote control",
        Kind::Flag,
        "The local HTTP interface",
    ),
    (
        "phoneBarRemoteControlPort",
        "Remote control: port",
        PORT,
        "",
    ),
    (
        "phoneBarUnansweredCallBadge",
        "Unanswered-call badge",
        Kind::Flag,
        "",
    ),
    ("phoneBarEnableJaws", "Screen-reader mode", Kind::Flag, ""),
];

const CHANNELS: [(&str, [&str; 4]); 6] = [
    (
        "chat",
        [
            "Chat: capacity",
            "Chat: advanced search",
            "Chat",
            "Chat: delay",
        ],
    ),
    (
        "email",
        [
            "E-mail: capacity",
            "E-mail: advanced search",
            "E-mail",
            "E-mail: delay",
        ],
    ),
    (
        "sms",
        ["SMS: capacity", "SMS: advanced search", "SMS", "SMS: delay"],
    ),
    (
        "openchannel",
        [
            "Open channel: capacity",
            "Open channel: advanced search",
            "Open channel",
            "Open channel: delay",
        ],
    ),
    (
        "fax",
        ["Fax: capacity", "Fax: advanced search", "Fax", "Fax: delay"],
    ),
    (
        "whatsapp",
        [
            "WhatsApp: capacity",
            "WhatsApp: advanced search",
            "WhatsApp",
            "WhatsApp: delay",
        ],
    ),
];

/// The groups in the order of the page.
pub(super) fn groups() -> Vec<(&'static str, Vec<Setting>)> {
    let mut channels = Vec::new();
    let mut auto_answer = rows(AUTO_ANSWER);
    for (channel, [capacity, search, accept, delay]) in CHANNELS {
        let setting = |suffix: &str, label, kind, hint| Setting {
            field: format!("{channel}{suffix}"),
            label,
            hint,
            kind,
        };
        let any = Kind::Number {
            min: 0,
            max: 1000,
            unit: "",
        };
        channels.push(setting("Capacity", capacity, any, "0: no limit"));
        channels.push(setting("AdvancedSearch", search, Kind::Flag, ""));
        auto_answer.push(setting("Autoanswer", accept, Kind::Flag, ""));
        auto_answer.push(setting("AutoanswerDelay", delay, SECONDS, ""));
    }
    vec![
        ("Account", rows(ACCOUNT)),
        ("Security", rows(SECURITY)),
        ("Authentication", rows(AUTHENTICATION)),
        ("Membership", rows(MEMBERSHIP)),
        ("Notifications", rows(NOTIFICATIONS)),
        ("Voice", rows(VOICE)),
        ("Other Channels", channels),
        ("Auto Answer", auto_answer),
        ("WebRTC", rows(WEBRTC)),
    ]
}

/// The groups of an agent's settings, and the settings of the centre.
pub(super) async fn list(State(centre): State<Arc<Centre>>) -> Result<Json<Value>, Problem> {
    let groups: Vec<Value> = groups()
        .into_iter()
        .map(|(name, settings)| json!({"name": name, "settings": settings}))
        .collect();
    Ok(Json(
        json!({"groups": groups, "centre": of_centre(&centre)?}),
    ))
}

/// Changes settings of the centre; every agent's programs hear of it at once.
pub(super) async fn save(
    State(centre): State<Arc<Centre>>,
    Body(changes): Body<Map<String, Value>>,
) -> Result<Json<Value>, Problem> {
    let changed = centre.settings()?.patched(changes)?;
    centre
        .store()
        .save_centre_document(DOCUMENT, &json!(changed))?;
    centre.push_to_all("settings", &centre.settings_document()?)?;
    Ok(Json(of_centre(&centre)?))
}

fn of_centre(centre: &Centre) -> Result<Value, Problem> {
    let mut document = centre.settings_document()?;
    document["browserSignIn"] = json!(centre.settings()?.browser_sign_in);
    Ok(document)
}

fn rows(rows: &[Row]) -> Vec<Setting> {
    rows.iter()
        .map(|(field, label, kind, hint)| Setting {
            field: (*field).to_owned(),
            label,
            hint,
            kind: *kind,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    #[test]
    fn every_field_of_the_profile_can_be_edited_and_nothing_else() {
        let document = json!({"id": 1, "name": "anna"});
        let (profile, _) = sidetone_profile::wire::read(&document).expect("a profile");
        let mut known: BTreeSet<String> = sidetone_profile::wire::write(&profile)
            .keys()
            .cloned()
            .collect();
        // Where an agent belongs is no setting of the phone, whether or not a profile shows it.
        let shown = crate::admin::membership::FIELDS;
        known.retain(|field| field != "id" && field != "name" && !shown.contains(&field.as_str()));
        let editable: BTreeSet<String> = super::groups()
            .into_iter()
            .flat_map(|(_, settings)| settings)
            .map(|setting| setting.field)
            .filter(|field| !shown.contains(&field.as_str()))
            .collect();
        assert_eq!(editable, known);
    }
}
