//! What the settings page shows, what the agent may change, and what is told of changes.

use crate::desk::{Desk, accepted, deeds, layered, ready, sign_in};
use serde_json::{Value, json};
use sidetone_agent::{
    CallEnd, Command, Effect, Input, Notice, Registration, SettingRow, SettingValue, SignIn,
};
use sidetone_profile::{Layer, Profile, ToastPosition, Typology};

fn desk(policy: Value, server: Value, own: Value) -> Desk {
    let mut desk = Desk::empty();
    desk.command(sign_in());
    let profile = layered(policy, server, own);
    desk.give(Input::SignIn(accepted(profile, ready())));
    desk.give(Input::Registration(Registration::Registered));
    desk
}

fn row(desk: &Desk, field: &str) -> SettingRow {
    let groups = desk.view().settings;
    let mut rows = groups.into_iter().flat_map(|group| group.rows);
    let found = rows.find(|row| row.field == field);
    found.unwrap_or_else(|| panic!("{field} is not shown"))
}

fn choice(chosen: &str, among: &[&str]) -> SettingValue {
    SettingValue::Choice {
        chosen: chosen.to_owned(),
        among: among.iter().map(|word| (*word).to_owned()).collect(),
    }
}

#[test]
fn every_row_of_the_server_page_is_shown() {
    // Too long for `json!`.
    let server = r#"{
        "fullname": "Ada King", "alias": "Ada", "email": "ada@example.com", "phone": "1", "mobile": "2",
        "description": "night", "internal": "1001", "userpic": "a.png", "typology": "phonebar",
        "loginInPause": true, "passwordResetAt": "2026-01-01T08:00:00Z", "privacyEnabled": "partial",
        "adSsoEnabled": true, "samlId": "x1", "teams": [{"id": 1, "name": "blue"}],
        "profile": {"id": 2, "name": "agents"}, "queues": [{"channel": "voice", "name": "support"}],
        "aiBot": {"name": "Babbage"}, "notificationPosition": "bottom-left", "host": "192.0.2.7", "nat": "route",
        "type": "friend", "allow": "opus,g729", "callerid": "\"Ada\" <1001>", "context": "from-agents",
        "callgroup": "1,2", "pickupgroup": "3", "chanspy": true, "videosupport": "yes", "recordingFormat": "wav49",
        "encryption": "yes", "phoneBarExpires": 300, "phoneBarOutboundProxy": "sbc.example.com",
        "phoneBarListenPort": 5070, "phoneBarUnconditional": "11", "phoneBarBusy": "12", "phoneBarNoReply": "13",
        "wssPort": 443, "phoneBarEnableSettings": true, "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 3,
        "phoneBarRemoteControl": true, "phoneBarRemoteControlPort": 9889, "chatCapacity": 4,
        "whatsappAutoanswer": true, "whatsappAutoanswerDelay": 9, "smsAdvancedSearch": true
    }"#;
    let server = serde_json::from_str(server).expect("JSON");
    let desk = desk(json!({}), server, json!({}));
    let text = |text: &str| SettingValue::Text(text.to_owned());
    let list =
        |items: &[&str]| SettingValue::List(items.iter().map(|item| (*item).to_owned()).collect());
    for (field, value) in [
        ("fullname", text("Ada King")),
        ("alias", text("Ada")),
        ("email", text("ada@example.com")),
        ("phone", text("1")),
        ("mobile", text("2")),
        ("description", text("night")),
        ("internal", text("1001")),
        ("userpic", text("a.png")),
        (
            "typology",
            choice("phonebar", &["webrtc", "phonebar", "external", "mobile"]),
        ),
        ("loginInPause", SettingValue::Flag(true)),
        (
            "passwordResetAt",
            SettingValue::Moment("2026-01-01T08:00:00Z".to_owned()),
        ),
        ("disabled", SettingValue::Flag(false)),
        ("blocked", SettingValue::Flag(false)),
        ("privacyEnabled", SettingValue::Flag(true)),
        (
            "privacyNumber",
            choice("partial", &["off", "partial", "full"]),
        ),
        ("adSsoEnabled", SettingValue::Flag(true)),
        ("samlId", text("x1")),
        ("teams", list(&["blue"])),
        ("profile", text("agents")),
        ("queues", list(&["support (voice)"])),
        ("aiBot", text("Babbage")),
        ("host", text("192.0.2.7")),
        (
            "nat",
            choice(
                "route",
                &["yes", "no", "force_rport", "comedia", "never", "route"],
            ),
        ),
        ("type", choice("friend", &["user", "peer", "friend"])),
        ("allow", list(&["opus", "g729"])),
        ("callerid", text("\"Ada\" <1001>")),
        ("context", text("from-agents")),
        ("callgroup", text("1,2")),
        ("pickupgroup", text("3")),
        ("chanspy", SettingValue::Flag(true)),
        ("videosupport", SettingValue::Flag(true)),
        (
            "recordingFormat",
            choice("wav49", &["inactive", "wav", "wav49", "gsm"]),
        ),
        ("encryption", SettingValue::Flag(true)),
        ("phoneBarExpires", SettingValue::Seconds(300)),
        ("phoneBarOutboundProxy", text("sbc.example.com")),
        ("phoneBarListenPort", SettingValue::Number(5070)),
        ("phoneBarUnconditional", text("11")),
        ("phoneBarBusy", text("12")),
        ("phoneBarNoReply", text("13")),
        ("wssPort", SettingValue::Number(443)),
        ("phoneBarEnableSettings", SettingValue::Flag(true)),
        ("phoneBarAutoAnswer", SettingValue::Flag(true)),
        ("phoneBarAutoAnswerDelay", SettingValue::Seconds(3)),
        ("phoneBarAutoAnswerNotification", SettingValue::Flag(false)),
        ("phoneBarRingInUse", SettingValue::Flag(false)),
        ("phoneBarEnableRecording", SettingValue::Flag(false)),
        ("phoneBarEnableDtmfTone", SettingValue::Flag(false)),
        ("phoneBarDnd", SettingValue::Flag(false)),
        ("phoneBarIgnoreBreakPreview", SettingValue::Flag(false)),
        ("phoneBarRemoteControl", SettingValue::Flag(true)),
        ("phoneBarRemoteControlPort", SettingValue::Number(9889)),
        ("phoneBarUnansweredCallBadge", SettingValue::Flag(false)),
        ("phoneBarEnableJaws", SettingValue::Flag(false)),
        ("chatCapacity", SettingValue::Number(4)),
        ("whatsappAutoanswer", SettingValue::Flag(true)),
        ("whatsappAutoanswerDelay", SettingValue::Seconds(9)),
        ("smsAdvancedSearch", SettingValue::Flag(true)),
    ] {
        assert_eq!(row(&desk, field).value, value, "{field}");
    }
    let view = desk.view();
    let keys: Vec<_> = view
        .settings
        .iter()
        .map(|group| group.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "account",
            "security",
            "authentication",
            "notifications",
            "voice",
            "channels",
            "auto_answer",
            "webrtc"
        ]
    );
    assert_eq!(view.remote_control_port, Some(9889));
    assert_eq!(view.agent.expect("an agent").typology, Typology::Phonebar);
    assert!(view.masked);
}

#[test]
fn the_local_interface_is_off_unless_somebody_turns_it_on() {
    for (policy, server, expected) in [
        (json!({}), json!({}), None),
        (json!({}), json!({"phoneBarRemoteControlPort": 9000}), None),
        (
            json!({}),
            json!({"phoneBarRemoteControl": true}),
            Some(9888),
        ),
        (
            json!({"phoneBarRemoteControl": true}),
            json!({}),
            Some(9888),
        ),
        (
            json!({"phoneBarRemoteControl": false}),
            json!({"phoneBarRemoteControl": true}),
            None,
        ),
    ] {
        let desk = desk(policy, server, json!({}));
        assert_eq!(desk.view().remote_control_port, expected);
    }
}

#[test]
fn a_row_says_who_set_it_and_whether_the_agent_may_change_it() {
    let open =
        json!({"phoneBarEnableSettings": true, "callerid": "<2>", "phoneBarRingInUse": true});
    let locked = json!({"callerid": "<2>"});
    let rows = [
        // policy, server, own choice; field, who, may be changed
        (
            json!({}),
            open.clone(),
            json!({}),
            "callerid",
            Layer::Server,
            true,
        ),
        (
            json!({}),
            open.clone(),
            json!({"callerid": "<3>"}),
            "callerid",
            Layer::Agent,
            true,
        ),
        (
            json!({"callerid": "<1>"}),
            open.clone(),
            json!({}),
            "callerid",
            Layer::Policy,
            false,
        ),
        (
            json!({}),
            locked,
            json!({"callerid": "<3>"}),
            "callerid",
            Layer::Server,
            false,
        ),
        (
            json!({}),
            open.clone(),
            json!({}),
            "phoneBarAutoAnswer",
            Layer::Default,
            true,
        ),
        (
            json!({}),
            open.clone(),
            json!({}),
            "phoneBarRingInUse",
            Layer::Server,
            false,
        ),
        (
            json!({}),
            open,
            json!({}),
            "privacyEnabled",
            Layer::Default,
            false,
        ),
    ];
    for (policy, server, own, field, layer, changeable) in rows {
        let mut desk = desk(policy, server, own);
        let row = row(&desk, field);
        assert_eq!((row.layer, row.changeable), (layer, changeable), "{field}");
        let value = if field == "callerid" {
            json!("<9>")
        } else {
            json!(true)
        };
        let effects = deeds(desk.command(Command::ChangeSetting {
            field: field.to_owned(),
            value: value.clone(),
        }));
        let field = field.to_owned();
        if changeable {
            assert_eq!(effects, [Effect::KeepSetting { field, value }]);
        } else {
            assert_eq!(effects, []);
            let toasts = desk.view().toasts;
            assert_eq!(toasts[0].notice, Notice::SettingLocked { field });
        }
    }
}

#[test]
fn a_choice_that_cannot_be_used_is_refused_with_what_is_allowed() {
    for (field, value) in [
        ("phoneBarAutoAnswerDelay", json!("soon")),
        ("phoneBarAutoAnswerDelay", json!(-1)),
        ("phoneBarAutoAnswer", json!("perhaps")),
        ("callerid", json!("\"Ada\" <12")),
        ("notificationPosition", json!("middle")),
    ] {
        let mut desk = desk(
            json!({}),
            json!({"phoneBarEnableSettings": true}),
            json!({}),
        );
        let field = field.to_owned();
        let effects = desk.command(Command::ChangeSetting {
            field: field.clone(),
            value,
        });
        assert_eq!(deeds(effects), []);
        let toasts = desk.view().toasts;
        assert!(
            matches!(&toasts[0].notice, Notice::SettingRefused { fault } if fault.starts_with(&field)),
            "{toasts:?}"
        );
    }
    // Back to what the server says.
    let mut desk = desk(
        json!({}),
        json!({"phoneBarEnableSettings": true}),
        json!({}),
    );
    let effects = desk.command(Command::ChangeSetting {
        field: "callerid".to_owned(),
        value: Value::Null,
    });
    assert!(matches!(
        &effects[..],
        [Effect::KeepSetting {
            value: Value::Null,
            ..
        }]
    ));
}

fn notices(desk: &Desk) -> Vec<Notice> {
    let toasts = desk.view().toasts;
    toasts.into_iter().map(|toast| toast.notice).collect()
}

fn changed(fields: &str) -> Notice {
    Notice::SettingsChanged {
        fields: fields.to_owned(),
    }
}

#[test]
fn a_change_is_told_in_one_toast_that_names_the_fields_and_from_when_it_holds() {
    let fields = |fields: &str| fields.to_owned();
    let later = |fields: &str| Notice::SettingsChangeAfterCall {
        fields: fields.to_owned(),
    };
    for (server, idle, in_call) in [
        (json!({}), vec![], vec![]),
        (
            json!({"phoneBarRingInUse": true, "fullname": "Ada King"}),
            vec![changed("fullname, phoneBarRingInUse")],
            vec![changed("fullname, phoneBarRingInUse")],
        ),
        (
            json!({"allow": "alaw"}),
            vec![changed("allow")],
            vec![later("allow")],
        ),
        (
            json!({"host": "192.0.2.1"}),
            vec![changed("host")],
            vec![later("host")],
        ),
        (
            json!({"queues": ["support"]}),
            vec![changed("queues")],
            vec![changed("queues")],
        ),
    ] {
        let profile = || layered(json!({}), server.clone(), json!({}));
        let mut desk = desk(json!({}), json!({}), json!({}));
        desk.give(Input::Profile(profile()));
        assert_eq!(notices(&desk), idle, "{server}");
        // The same once more is no news.
        desk.give(Input::Profile(profile()));
        assert_eq!(notices(&desk), idle, "{server}");

        let mut desk = self::desk(json!({}), json!({}), json!({}));
        let call = desk.talk();
        let effects = desk.give(Input::Profile(profile()));
        assert!(
            !effects
                .iter()
                .any(|effect| matches!(effect, Effect::Register(_)))
        );
        assert_eq!(notices(&desk), in_call, "{server}");
        let effects = desk.end(call, CallEnd::Remote);
        let registers = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Register(_)));
        let waits = in_call != idle;
        assert_eq!(registers, waits, "{server}");
    }
    // Another secret of the SIP account.
    let mut desk = desk(json!({}), json!({}), json!({}));
    desk.talk();
    desk.give(Input::SipAccountChanged);
    let fields = fields("secret");
    assert_eq!(notices(&desk), [Notice::SettingsChangeAfterCall { fields }]);
}

#[test]
fn the_same_settings_changed_again_are_told_again_while_the_first_toast_stands() {
    for (steps, in_call, told) in [
        (vec!["alaw"], false, 1),
        (vec!["alaw", "alaw"], false, 1),
        (vec!["alaw", "ulaw"], false, 2),
        (vec!["alaw", "ulaw", "alaw"], false, 3),
        (vec!["alaw", "ulaw"], true, 2),
    ] {
        let mut desk = desk(json!({}), json!({}), json!({}));
        if in_call {
            desk.talk();
        }
        let mut seen = Vec::new();
        for codec in &steps {
            let profile = layered(json!({}), json!({ "allow": codec }), json!({}));
            desk.give(Input::Profile(profile));
            let toasts = desk.view().toasts;
            assert_eq!(toasts.len(), 1, "{steps:?}: in one toast");
            if !seen.contains(&toasts[0].id) {
                seen.push(toasts[0].id);
            }
        }
        assert_eq!(seen.len(), told, "{steps:?}");
    }
}

#[test]
fn the_agents_own_change_is_no_news() {
    let server = json!({"phoneBarEnableSettings": true, "callerid": "<2>"});
    let mut desk = desk(json!({}), server.clone(), json!({}));
    let change = |value: Value| Command::ChangeSetting {
        field: "callerid".to_owned(),
        value,
    };
    desk.command(change(json!("<3>")));
    let own = layered(json!({}), server.clone(), json!({"callerid": "<3>"}));
    let effects = desk.give(Input::Profile(own));
    assert!(matches!(&effects[..], [Effect::Register(_)]));
    desk.command(change(Value::Null));
    desk.give(Input::Profile(layered(json!({}), server, json!({}))));
    assert_eq!(notices(&desk), []);
    // The administrator's is.
    let server = json!({"phoneBarEnableSettings": true, "callerid": "<4>"});
    desk.give(Input::Profile(layered(json!({}), server, json!({}))));
    assert_eq!(notices(&desk), [changed("callerid")]);
}

#[test]
fn what_the_server_sets_for_everybody_is_told_too_but_not_at_the_sign_in() {
    let mut desk = desk(json!({}), json!({}), json!({}));
    desk.server(|settings| settings.wrap_up_s = 10);
    assert_eq!(notices(&desk), []);
    desk.server(|settings| {
        settings.wrap_up_s = 20;
        settings.pickup_code = "*7".to_owned();
    });
    assert_eq!(notices(&desk), [changed("pickupCode, wrapUpSeconds")]);
}

#[test]
fn a_renewed_sign_in_tells_what_changed_in_the_meantime() {
    let mut desk = desk(json!({}), json!({}), json!({}));
    let profile: Box<Profile> = layered(json!({}), json!({"phoneBarDnd": true}), json!({}));
    let SignIn::Accepted { .. } = accepted(profile.clone(), ready()) else {
        return;
    };
    desk.give(Input::SignIn(accepted(profile, ready())));
    assert_eq!(notices(&desk), [changed("phoneBarDnd")]);
}

#[test]
fn what_the_bar_itself_needs_follows_the_profile_at_once() {
    let mut desk = desk(json!({}), json!({}), json!({}));
    let view = desk.view();
    assert_eq!(view.toast_position, ToastPosition::TopRight);
    assert!(!view.screen_reader_mode && !view.permissions.dtmf_tones && !view.permissions.settings);
    let server = json!({
        "notificationPosition": "bottom-center", "phoneBarEnableJaws": true, "phoneBarEnableDtmfTone": true,
        "phoneBarEnableSettings": true, "phoneBarEnableRecording": true, "internal": "1002",
    });
    desk.give(Input::Profile(layered(json!({}), server, json!({}))));
    let view = desk.view();
    assert_eq!(view.toast_position, ToastPosition::BottomCenter);
    assert!(view.screen_reader_mode);
    assert!(view.permissions.dtmf_tones && view.permissions.settings && view.permissions.recording);
    assert_eq!(view.agent.expect("an agent").internal, "1002");
}
