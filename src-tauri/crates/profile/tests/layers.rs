//! Which layer's value holds: policy, server, the agent's own choice, default.

use serde_json::{Map, Value, json};
use sidetone_profile::{Codec, Layer, Layers, MaskLevel, Profile, ToastPosition, wire};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn layers(policy: Value, server: Value, own: Value) -> Layers {
    let mut document = map(json!({"id": 7, "name": "ada", "internal": "1001"}));
    document.extend(map(server));
    Layers {
        policy: map(policy),
        server: document,
        own: map(own),
    }
}

fn number(profile: &Profile) -> &str {
    profile
        .voice
        .caller_id
        .as_ref()
        .map_or("", |caller_id| caller_id.number.as_str())
}

#[test]
fn the_caller_id_comes_from_the_strongest_layer_that_may_set_it() {
    let off = json!({"callerid": "<2>"});
    let on = json!({"callerid": "<2>", "phoneBarEnableSettings": true});
    let rows = [
        // policy, server, own choice; what holds, and who set it
        (json!({}), off.clone(), json!({}), "2", Layer::Server),
        (
            json!({}),
            off.clone(),
            json!({"callerid": "<3>"}),
            "2",
            Layer::Server,
        ),
        (
            json!({}),
            on.clone(),
            json!({"callerid": "<3>"}),
            "3",
            Layer::Agent,
        ),
        (
            json!({}),
            on.clone(),
            json!({"callerid": null}),
            "2",
            Layer::Server,
        ),
        (json!({}), on.clone(), json!({}), "2", Layer::Server),
        (
            json!({"callerid": "<1>"}),
            on.clone(),
            json!({"callerid": "<3>"}),
            "1",
            Layer::Policy,
        ),
        (
            json!({"callerid": null}),
            on.clone(),
            json!({}),
            "2",
            Layer::Server,
        ),
        // IT switches the agent's choices off, or on.
        (
            json!({"phoneBarEnableSettings": false}),
            on.clone(),
            json!({"callerid": "<3>"}),
            "2",
            Layer::Server,
        ),
        (
            json!({"phoneBarEnableSettings": true}),
            off.clone(),
            json!({"callerid": "<3>"}),
            "3",
            Layer::Agent,
        ),
        (json!({}), json!({}), json!({}), "", Layer::Default),
        (
            json!({}),
            json!({"callerid": null}),
            json!({}),
            "",
            Layer::Default,
        ),
    ];
    for (row, (policy, server, own, expected, layer)) in rows.into_iter().enumerate() {
        let (profile, faults) = layers(policy, server, own).resolve().expect("a profile");
        assert_eq!(number(&profile), expected, "row {row}");
        assert_eq!(profile.sources.of("callerid"), layer, "row {row}");
        assert_eq!(faults, [], "row {row}");
    }
}

#[test]
fn only_some_settings_are_the_agents_to_choose() {
    let own = json!({"phoneBarRingInUse": true, "phoneBarDnd": false, "privacyEnabled": false});
    let server =
        json!({"phoneBarEnableSettings": true, "phoneBarDnd": true, "privacyEnabled": true});
    let (profile, _) = layers(json!({}), server, own).resolve().expect("a profile");
    assert!(!profile.webrtc.ring_in_use);
    assert!(profile.webrtc.dnd_during_pause);
    assert_eq!(profile.security.masking.number, MaskLevel::Full);
}

#[test]
fn a_wrong_value_is_reported_and_the_next_layer_holds() {
    let server = json!({
        "phoneBarEnableSettings": true, "phoneBarAutoAnswerDelay": 4, "notificationPosition": "top-left",
    });
    let own = json!({"phoneBarAutoAnswerDelay": "soon"});
    let policy = json!({"notificationPosition": "middle"});
    let (profile, faults) = layers(policy, server, own).resolve().expect("a profile");
    assert_eq!(profile.webrtc.auto_answer.delay_s, 4);
    assert_eq!(profile.sources.of("phoneBarAutoAnswerDelay"), Layer::Server);
    assert_eq!(profile.toast_position, ToastPosition::TopLeft);
    assert_eq!(profile.sources.of("notificationPosition"), Layer::Server);
    let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "notificationPosition: middle cannot be used; allowed: top-left, top-center, top-right, bottom-left, \
             bottom-center, bottom-right",
            "phoneBarAutoAnswerDelay: soon cannot be used; allowed: seconds, a whole number from 0 to 3600",
        ]
    );

    let server = json!({"phoneBarAutoAnswerDelay": "soon"});
    let (profile, faults) = layers(json!({}), server, json!({}))
        .resolve()
        .expect("a profile");
    assert_eq!(
        profile.sources.of("phoneBarAutoAnswerDelay"),
        Layer::Default
    );
    assert_eq!(faults.len(), 1);
}

#[test]
fn a_slip_in_a_policy_uncovers_nobody_and_allows_no_more() {
    let server = json!({"privacyEnabled": false, "allow": "ulaw,alaw"});
    let policy = json!({"privacyEnabled": "yess", "allow": "opus,speex"});
    let (profile, faults) = layers(policy, server, json!({}))
        .resolve()
        .expect("a profile");
    assert_eq!(profile.security.masking.number, MaskLevel::Full);
    assert_eq!(profile.voice.codecs, [Codec::Opus]);
    assert_eq!(profile.sources.of("allow"), Layer::Policy);
    assert_eq!(faults.len(), 2);
}

#[test]
fn one_value_can_be_checked_alone() {
    assert_eq!(Layers::check("callerid", &json!("\"Ada\" <1>")), []);
    assert_eq!(Layers::check("callerid", &json!("\"Ada\" <1")).len(), 1);
    assert_eq!(
        Layers::check("phoneBarAutoAnswer", &json!("perhaps")).len(),
        1
    );
}

fn read(settings: Value) -> Profile {
    let mut document = json!({"id": 7, "name": "ada", "internal": "1001"});
    for (field, value) in map(settings) {
        document[field] = value;
    }
    wire::read(&document).expect("a profile").0
}

#[test]
fn what_changed_is_named_and_what_disturbs_a_call_is_known() {
    let before = read(json!({"teams": [{"id": 1, "name": "blue"}]}));
    for (settings, changed, account) in [
        (json!({"teams": ["blue"]}), vec![], false),
        (json!({"teams": ["blue", "red"]}), vec!["teams"], false),
        (
            json!({"teams": ["blue"], "allow": "alaw"}),
            vec!["allow"],
            true,
        ),
        (
            json!({"teams": ["blue"], "host": "192.0.2.1", "fullname": "Ada"}),
            vec!["fullname", "host"],
            true,
        ),
        (
            json!({"teams": ["blue"], "callerid": "<9>"}),
            vec!["callerid"],
            true,
        ),
        (
            json!({"teams": ["blue"], "phoneBarRingInUse": true}),
            vec!["phoneBarRingInUse"],
            false,
        ),
        // Told in other words, or of no use to the agent.
        (
            json!({"teams": ["blue"], "disabled": true, "passwordResetAt": "2026-01-01T00:00:00Z"}),
            vec![],
            false,
        ),
    ] {
        let after = read(settings.clone());
        assert_eq!(before.changed_fields(&after), changed, "{settings}");
        assert_eq!(!before.same_account(&after), account, "{settings}");
        assert_eq!(
            changed.iter().any(|field| Profile::disturbs_calls(field)),
            account
        );
    }
}

#[test]
fn the_page_shows_every_field_once() {
    let mut shown: Vec<_> = wire::PAGE
        .iter()
        .flat_map(|group| group.fields.iter().map(|field| field.field))
        .collect();
    let count = shown.len();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), count);
    for field in wire::write(&read(json!({}))).keys() {
        assert!(
            shown.contains(&field.as_str()) || ["id", "name"].contains(&field.as_str()),
            "{field} is not shown"
        );
    }
    for field in ["teams", "profile", "queues", "aiBot"] {
        assert!(shown.contains(&field));
    }
}

#[test]
fn what_the_agent_belongs_to_is_read_and_faults_are_named() {
    let document = json!({
        "name": "ada",
        "teams": [{"id": 1, "name": "blue"}, {"id": 2}],
        "profile": {"id": 3, "name": "agents"},
        "queues": [{"channel": "voice", "name": "support"}, {"name": "mail"}],
        "aiBot": null,
    });
    let (profile, faults) = wire::read(&document).expect("a profile");
    assert_eq!(profile.affiliation.teams, ["blue"]);
    assert_eq!(profile.affiliation.profile.as_deref(), Some("agents"));
    let queues: Vec<_> = profile
        .affiliation
        .queues
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(queues, ["support (voice)", "mail"]);
    assert_eq!(profile.affiliation.ai_bot, None);
    assert_eq!(
        faults[0].to_string(),
        r#"teams: {"id":2} cannot be used; allowed: a list of teams with a name"#
    );
}
