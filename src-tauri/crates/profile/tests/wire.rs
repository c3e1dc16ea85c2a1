//! The server's agent object, field by field: what is understood, what is reported, what comes back.

use serde_json::{Value, json};
use sidetone_profile::{
    AutoAnswer, CallerId, Channel, Codec, Encryption, Host, Nat, PeerType, Profile,
    RecordingFormat, ToastPosition, Typology, VideoSupport,
    wire::{self, FieldError, WireError},
};

/// Reads an agent that has only a name and the given fields.
fn read(fields: Value) -> (Profile, Vec<FieldError>) {
    let mut document = json!({"id": 7, "name": "ada"});
    let target = document.as_object_mut().expect("an object");
    for (field, value) in fields.as_object().expect("an object") {
        target.insert(field.clone(), value.clone());
    }
    wire::read(&document).expect("an agent object")
}

/// A row: what the server sends, and what a look into the profile must then find.
type Row = (Value, fn(&Profile) -> bool);

#[test]
fn every_setting_is_read_by_its_wire_name() {
    let rows: &[Row] = &[
        (json!({"id": 42}), |p| p.id == 42),
        (json!({"id": "42"}), |p| p.id == 42),
        (json!({"name": "ada.l"}), |p| p.name == "ada.l"),
        (json!({"fullname": "Ada Lovelace"}), |p| {
            p.account.full_name == "Ada Lovelace"
        }),
        (json!({"alias": "Ada"}), |p| p.account.alias == "Ada"),
        (json!({"email": "ada@example.com"}), |p| {
            p.account.email == "ada@example.com"
        }),
        (json!({"phone": 5550100}), |p| p.account.phone == "5550100"),
        (json!({"mobile": "555 0101"}), |p| {
            p.account.mobile == "555 0101"
        }),
        (json!({"description": "night shift"}), |p| {
            p.account.description == "night shift"
        }),
        (json!({"internal": 1001}), |p| p.account.internal == "1001"),
        (json!({"internal": " 1001 "}), |p| {
            p.account.internal == "1001"
        }),
        (json!({"userpic": "a.png"}), |p| {
            p.account.avatar.as_deref() == Some("a.png")
        }),
        (json!({"userpic": ""}), |p| p.account.avatar.is_none()),
        (json!({"typology": "phonebar"}), |p| {
            p.account.typology == Typology::Phonebar
        }),
        (json!({"typology": "External"}), |p| {
            p.account.typology == Typology::External
        }),
        (json!({"typology": "mobile"}), |p| {
            p.account.typology == Typology::Mobile
        }),
        (json!({"loginInPause": true}), |p| p.account.login_in_pause),
        (json!({"loginInPause": 1}), |p| p.account.login_in_pause),
        (json!({"loginInPause": "yes"}), |p| p.account.login_in_pause),
        (json!({"loginInPause": "no"}), |p| !p.account.login_in_pause),
        (json!({"loginInPause": ""}), |p| !p.account.login_in_pause),
        (
            json!({"passwordResetAt": "2026-01-31T09:30:00.000Z"}),
            |p| p.security.password_reset_at.as_deref() == Some("2026-01-31T09:30:00.000Z"),
        ),
        (json!({"disabled": "1"}), |p| p.security.disabled),
        (json!({"blocked": true}), |p| p.security.locked),
        (json!({"privacyEnabled": true}), |p| {
            p.security.masking.any()
        }),
        (json!({"privacyEnabled": "partial"}), |p| {
            p.security.masking.any()
        }),
        (json!({"privacyEnabled": "full"}), |p| {
            p.security.masking.any()
        }),
        (json!({"privacyEnabled": "off"}), |p| {
            !p.security.masking.any()
        }),
        (json!({"adSsoEnabled": true}), |p| p.security.ad_sso),
        (json!({"samlId": "x1"}), |p| {
            p.security.saml_id.as_deref() == Some("x1")
        }),
        (json!({"notificationPosition": "bottom-center"}), |p| {
            p.toast_position == ToastPosition::BottomCenter
        }),
        (json!({"host": "dynamic"}), |p| {
            p.voice.host == Host::Dynamic
        }),
        (json!({"host": "192.0.2.7"}), |p| {
            p.voice.host == Host::Fixed([192, 0, 2, 7].into())
        }),
        (json!({"nat": "no"}), |p| p.voice.nat == Nat::No),
        (json!({"nat": true}), |p| p.voice.nat == Nat::Yes),
        (json!({"nat": "comedia"}), |p| p.voice.nat == Nat::Comedia),
        (json!({"nat": "never"}), |p| p.voice.nat == Nat::Never),
        (json!({"nat": "route"}), |p| p.voice.nat == Nat::Route),
        (json!({"nat": "force_rport,comedia"}), |p| {
            p.voice.nat == Nat::Yes
        }),
        (json!({"type": "user"}), |p| {
            p.voice.peer_type == PeerType::User
        }),
        (json!({"type": "peer"}), |p| {
            p.voice.peer_type == PeerType::Peer
        }),
        (json!({"callerid": "\"Ada L\" <1001>"}), |p| {
            p.voice.caller_id == caller_id("Ada L", "1001")
        }),
        (json!({"callerid": "Ada L <1001>"}), |p| {
            p.voice.caller_id == caller_id("Ada L", "1001")
        }),
        (json!({"callerid": "<1001>"}), |p| {
            p.voice.caller_id == caller_id("", "1001")
        }),
        (json!({"callerid": "1001"}), |p| {
            p.voice.caller_id == caller_id("", "1001")
        }),
        (json!({"callerid": 1001}), |p| {
            p.voice.caller_id == caller_id("", "1001")
        }),
        (json!({"callerid": "Ada L"}), |p| {
            p.voice.caller_id == caller_id("Ada L", "")
        }),
        (json!({"callerid": "\"The \\\"Ada\\\"\"<1>"}), |p| {
            p.voice.caller_id == caller_id("The \"Ada\"", "1")
        }),
        (json!({"callerid": "\"\" <>"}), |p| {
            p.voice.caller_id.is_none()
        }),
        (json!({"context": "from-agents"}), |p| {
            p.voice.context == "from-agents"
        }),
        (json!({"callgroup": "1,3-5"}), |p| {
            p.voice.call_groups == [1, 3, 4, 5]
        }),
        (json!({"callgroup": 63}), |p| p.voice.call_groups == [63]),
        (json!({"pickupgroup": [5, "2-3"]}), |p| {
            p.voice.pickup_groups == [2, 3, 5]
        }),
        (json!({"pickupgroup": ""}), |p| {
            p.voice.pickup_groups.is_empty()
        }),
        (json!({"chanspy": "true"}), |p| p.voice.chanspy),
        (json!({"videosupport": "yes"}), |p| {
            p.voice.video == VideoSupport::Yes
        }),
        (json!({"recordingFormat": "wav49"}), |p| {
            p.voice.recording == RecordingFormat::Wav49
        }),
        (json!({"encryption": "yes"}), |p| {
            p.voice.encryption == Encryption::Yes
        }),
        (json!({"phoneBarExpires": "300"}), |p| {
            p.voice.expires_s == 300
        }),
        (
            json!({"phoneBarOutboundProxy": "proxy.example.com:5070"}),
            |p| p.voice.outbound_proxy.as_deref() == Some("proxy.example.com:5070"),
        ),
        (json!({"phoneBarListenPort": 5090}), |p| {
            p.voice.listen_port == 5090
        }),
        (json!({"phoneBarUnconditional": "5550100"}), |p| {
            p.voice.forwarding.always.as_deref() == Some("5550100")
        }),
        (json!({"phoneBarBusy": 5550101}), |p| {
            p.voice.forwarding.busy.as_deref() == Some("5550101")
        }),
        (json!({"phoneBarNoReply": "5550102"}), |p| {
            p.voice.forwarding.no_answer.as_deref() == Some("5550102")
        }),
        (json!({"wssPort": "443"}), |p| p.webrtc.wss_port == 443),
        (json!({"phoneBarEnableSettings": 1}), |p| {
            p.webrtc.enable_settings
        }),
        (
            json!({"phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": "5"}),
            |p| {
                p.webrtc.auto_answer
                    == AutoAnswer {
                        enabled: true,
                        delay_s: 5,
                    }
            },
        ),
        (json!({"phoneBarAutoAnswerNotification": true}), |p| {
            p.webrtc.auto_answer_notification
        }),
        (json!({"phoneBarRingInUse": true}), |p| p.webrtc.ring_in_use),
        (json!({"phoneBarEnableRecording": true}), |p| {
            p.webrtc.enable_recording
        }),
        (json!({"phoneBarEnableDtmfTone": true}), |p| {
            p.webrtc.enable_dtmf_tone
        }),
        (json!({"phoneBarDnd": true}), |p| p.webrtc.dnd_during_pause),
        (json!({"phoneBarIgnoreBreakPreview": true}), |p| {
            p.webrtc.ignore_break_for_preview
        }),
        (json!({"phoneBarRemoteControl": true}), |p| {
            p.webrtc.remote_control_port == Some(9888)
        }),
        (
            json!({"phoneBarRemoteControl": true, "phoneBarRemoteControlPort": 9900}),
            |p| p.webrtc.remote_control_port == Some(9900),
        ),
        (json!({"phoneBarRemoteControlPort": 9900}), |p| {
            p.webrtc.remote_control_port.is_none()
        }),
        (json!({"phoneBarUnansweredCallBadge": true}), |p| {
            p.webrtc.unanswered_call_badge
        }),
        (json!({"phoneBarEnableJaws": true}), |p| {
            p.webrtc.screen_reader_mode
        }),
        (json!({"chatCapacity": 3}), |p| {
            channel(p, Channel::Chat).capacity == 3
        }),
        (json!({"emailCapacity": "4"}), |p| {
            channel(p, Channel::Email).capacity == 4
        }),
        (json!({"smsAutoanswer": 1, "smsAutoanswerDelay": 9}), |p| {
            channel(p, Channel::Sms).auto_answer
                == AutoAnswer {
                    enabled: true,
                    delay_s: 9,
                }
        }),
        (json!({"openchannelAdvancedSearch": true}), |p| {
            channel(p, Channel::Openchannel).advanced_search
        }),
        (json!({"faxCapacity": 1}), |p| {
            channel(p, Channel::Fax).capacity == 1
        }),
        (json!({"whatsappCapacity": 2}), |p| {
            channel(p, Channel::Whatsapp).capacity == 2
        }),
    ];
    for (fields, holds) in rows {
        let (profile, faults) = read(fields.clone());
        assert_eq!(faults, [], "{fields}");
        assert!(holds(&profile), "{fields} was read as {profile:?}");
    }
}

#[test]
fn an_agent_with_only_a_name_has_the_documented_defaults() {
    let (profile, faults) = read(json!({}));
    assert_eq!(faults, []);
    assert_eq!(profile.account.typology, Typology::Webrtc);
    assert_eq!(profile.toast_position, ToastPosition::TopRight);
    assert_eq!(profile.voice.host, Host::Dynamic);
    assert_eq!(profile.voice.nat, Nat::ForceRport);
    assert_eq!(profile.voice.peer_type, PeerType::Friend);
    assert_eq!(
        profile.voice.codecs,
        [Codec::Opus, Codec::Ulaw, Codec::Alaw]
    );
    assert_eq!(profile.voice.context, "from-sip");
    assert_eq!(profile.voice.expires_s, 120);
    assert_eq!(profile.voice.listen_port, 5160);
    assert_eq!(profile.webrtc.wss_port, 8089);
    assert!(!profile.webrtc.ring_in_use);
    assert_eq!(profile.channels.len(), 6);
    let (with_nulls, faults) = read(json!({"allow": null, "callerid": null, "wssPort": null}));
    assert_eq!(faults, []);
    assert_eq!(with_nulls, profile);
}

#[test]
fn a_wrong_value_is_named_and_the_rest_stays_usable() {
    let rows = [
        ("id", json!("x")),
        ("fullname", json!(["Ada"])),
        ("internal", json!("10 01")),
        ("internal", json!("1001>\r\nVia: x")),
        ("userpic", json!({})),
        ("typology", json!("satellite")),
        ("typology", json!(3)),
        ("loginInPause", json!("maybe")),
        ("loginInPause", json!(2)),
        ("passwordResetAt", json!("yesterday")),
        ("passwordResetAt", json!(1_700_000_000)),
        ("disabled", json!([])),
        ("privacyEnabled", json!("sometimes")),
        ("notificationPosition", json!("middle")),
        ("host", json!("pbx.example.com")),
        ("nat", json!("perhaps")),
        ("type", json!("foe")),
        ("allow", json!(["silk", "opus"])),
        ("allow", json!(["opus", 5])),
        ("callerid", json!("\"Ada <1001>")),
        ("callerid", json!("Ada <10 01>")),
        ("callerid", json!("\"Ada\"\r\nX: y <1>")),
        ("callgroup", json!("64")),
        ("callgroup", json!("5-3")),
        ("pickupgroup", json!({"a": 1})),
        ("videosupport", json!("h264?")),
        ("recordingFormat", json!("mp3")),
        ("encryption", json!("sometimes")),
        ("phoneBarExpires", json!(0)),
        ("phoneBarExpires", json!(-5)),
        ("phoneBarOutboundProxy", json!("two words")),
        ("phoneBarListenPort", json!(70_000)),
        ("phoneBarBusy", json!("call me")),
        ("wssPort", json!(0)),
        ("wssPort", json!(1.5)),
        ("phoneBarAutoAnswerDelay", json!("soon")),
        ("phoneBarAutoAnswerDelay", json!(99_999)),
        ("chatCapacity", json!(-1)),
    ];
    for (field, value) in rows {
        let (profile, faults) = read(json!({field: value.clone(), "alias": "Ada"}));
        assert_eq!(faults.len(), 1, "{field} {value}: {faults:?}");
        assert_eq!(faults[0].field, field);
        assert!(!faults[0].allowed.is_empty());
        assert!(
            !faults[0].value.contains(['\r', '\n']),
            "{:?}",
            faults[0].value
        );
        assert_eq!(profile.account.alias, "Ada", "{field} {value}");
    }
}

#[test]
fn a_fault_reads_as_a_sentence_and_is_short() {
    let (_, faults) = read(json!({"nat": "perhaps"}));
    assert_eq!(
        faults[0].to_string(),
        "nat: perhaps cannot be used; allowed: yes, no, force_rport, comedia, never, route"
    );
    let (_, faults) = read(json!({"nat": "p".repeat(5000)}));
    assert!(faults[0].to_string().len() < 200);
}

#[test]
fn masking_that_cannot_be_understood_masks() {
    let (profile, _) = read(json!({"privacyEnabled": "sometimes"}));
    assert!(profile.security.masking.any());
}

#[test]
fn codecs_keep_the_servers_order_in_every_notation() {
    for allow in [
        json!(["opus", "alaw", "ulaw"]),
        json!("opus,alaw,ulaw"),
        json!("opus;alaw;ulaw"),
        json!("opus&alaw&ulaw"),
        json!("OPUS, alaw, ulaw, alaw"),
    ] {
        let (profile, faults) = read(json!({"allow": allow.clone()}));
        assert_eq!(faults, [], "{allow}");
        assert_eq!(
            profile.voice.codecs,
            [Codec::Opus, Codec::Alaw, Codec::Ulaw],
            "{allow}"
        );
        assert_eq!(profile.voice.codecs_left_out, []);
    }
}

#[test]
fn g729_is_left_out_visibly() {
    let (profile, faults) = read(json!({"allow": "g729;ulaw;g729"}));
    assert_eq!(faults, []);
    assert_eq!(profile.voice.codecs, [Codec::Ulaw]);
    assert_eq!(profile.voice.codecs_left_out, [Codec::G729]);
}

#[test]
fn a_codec_list_that_leaves_nothing_is_a_fault_and_stays_empty() {
    for allow in [json!([]), json!(""), json!("g729"), json!({})] {
        let (profile, faults) = read(json!({"allow": allow.clone()}));
        assert!(profile.voice.codecs.is_empty(), "{allow}");
        assert!(
            faults
                .iter()
                .any(|fault| fault.field == "allow" && fault.allowed.contains("at least")),
            "{allow}: {faults:?}"
        );
    }
}

#[test]
fn a_document_that_is_no_agent_is_refused() {
    for (document, fault) in [
        (json!([]), WireError::NotAnObject("a list")),
        (json!("<html>"), WireError::NotAnObject("text")),
        (json!(null), WireError::NotAnObject("null")),
        (json!({}), WireError::Missing("name")),
        (json!({"id": 1, "name": ""}), WireError::Missing("name")),
    ] {
        assert_eq!(wire::read(&document), Err(fault));
    }
}

fn caller_id(name: &str, number: &str) -> Option<CallerId> {
    Some(CallerId {
        name: name.to_owned(),
        number: number.to_owned(),
    })
}

fn channel(profile: &Profile, channel: Channel) -> sidetone_profile::ChannelSettings {
    profile
        .channels
        .iter()
        .find(|(named, _)| *named == channel)
        .expect("every channel is there")
        .1
}
