//! Whatever the server sends, reading it never panics; whatever is written reads back the same.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use sidetone_profile::{
    Account, AutoAnswer, CallerId, Channel, ChannelSettings, Codec, Encryption, Forwarding, Host,
    Nat, PeerType, Profile, RecordingFormat, Security, ToastPosition, Typology, VideoSupport,
    Voice, WebRtc, wire,
};

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same(profile in profile()) {
        let document = Value::Object(wire::write(&profile));
        let (read, faults) = wire::read(&document).expect("an agent object");
        prop_assert_eq!(&read, &profile);
        // No codec at all is the one thing that a profile can hold and the reader reports.
        prop_assert_eq!(faults.is_empty(), !profile.voice.codecs.is_empty(), "{:?}", faults);
    }

    #[test]
    fn any_document_is_read_without_a_panic(document in any_json()) {
        let _ = wire::read(&document);
    }

    #[test]
    fn any_value_in_any_field_leaves_a_usable_profile(
        field in select(field_names()),
        value in any_json(),
    ) {
        let mut document = json!({"id": 7, "name": "ada", "internal": "1001"});
        document[&field] = value;
        if let Ok((profile, faults)) = wire::read(&document) {
            prop_assert!(profile.webrtc.wss_port > 0);
            prop_assert!(faults.iter().all(|fault| fault.field == field));
        } else {
            prop_assert_eq!(field, "name");
        }
    }
}

fn field_names() -> Vec<String> {
    let (profile, _) = wire::read(&json!({"id": 1, "name": "ada"})).expect("an agent object");
    wire::write(&profile)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
        "[-0-9,;&\"\\\\<> .a-z]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any_key(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), select(field_names())]
}

fn profile() -> impl Strategy<Value = Profile> {
    (
        any::<i64>(),
        ".{1,20}",
        account(),
        security(),
        select(vec![
            ToastPosition::TopLeft,
            ToastPosition::TopCenter,
            ToastPosition::TopRight,
            ToastPosition::BottomLeft,
            ToastPosition::BottomCenter,
            ToastPosition::BottomRight,
        ]),
        voice(),
        webrtc(),
        vec(channel_settings(), 6),
    )
        .prop_map(
            |(id, name, account, security, toast_position, voice, webrtc, settings)| Profile {
                id,
                name,
                account,
                security,
                toast_position,
                voice,
                webrtc,
                affiliation: sidetone_profile::Affiliation::default(),
                sources: sidetone_profile::Sources::default(),
                channels: [
                    Channel::Chat,
                    Channel::Email,
                    Channel::Sms,
                    Channel::Openchannel,
                    Channel::Fax,
                    Channel::Whatsapp,
                ]
                .into_iter()
                .zip(settings)
                .collect(),
            },
        )
}

fn account() -> impl Strategy<Value = Account> {
    (
        vec(".{0,20}", 6),
        "[0-9a-z+*#._-]{0,10}",
        option::of(".{1,20}"),
        select(vec![
            Typology::Webrtc,
            Typology::Phonebar,
            Typology::External,
            Typology::Mobile,
        ]),
        any::<bool>(),
    )
        .prop_map(
            |(texts, internal, avatar, typology, login_in_pause)| Account {
                full_name: texts[0].clone(),
                alias: texts[1].clone(),
                email: texts[2].clone(),
                phone: texts[3].clone(),
                mobile: texts[4].clone(),
                description: texts[5].clone(),
                internal,
                avatar,
                typology,
                login_in_pause,
            },
        )
}

fn security() -> impl Strategy<Value = Security> {
    (
        option::of("20[0-9]{2}-0[1-9]-[12][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{3})?Z"),
        any::<[bool; 4]>(),
        option::of(".{1,20}"),
    )
        .prop_map(|(password_reset_at, flags, saml_id)| Security {
            password_reset_at,
            disabled: flags[0],
            locked: flags[1],
            masking: if flags[2] {
                sidetone_profile::Masking {
                    name: sidetone_profile::MaskLevel::Partial,
                    email: sidetone_profile::MaskLevel::Full,
                    number: sidetone_profile::MaskLevel::Off,
                }
            } else {
                sidetone_profile::Masking::default()
            },
            ad_sso: flags[3],
            saml_id,
        })
}

fn voice() -> impl Strategy<Value = Voice> {
    let identity = (
        prop_oneof![
            Just(Host::Dynamic),
            any::<std::net::IpAddr>().prop_map(Host::Fixed)
        ],
        select(vec![
            Nat::Yes,
            Nat::No,
            Nat::ForceRport,
            Nat::Comedia,
            Nat::Never,
            Nat::Route,
        ]),
        select(vec![PeerType::User, PeerType::Peer, PeerType::Friend]),
        option::of(caller_id()),
        ".{1,20}",
    );
    let sound = (
        subsequence(
            vec![
                Codec::Opus,
                Codec::G722,
                Codec::Ulaw,
                Codec::Alaw,
                Codec::Gsm,
            ],
            0..=5,
        )
        .prop_shuffle(),
        any::<bool>(),
        select(vec![
            RecordingFormat::Inactive,
            RecordingFormat::Wav,
            RecordingFormat::Wav49,
            RecordingFormat::Gsm,
        ]),
        any::<[bool; 3]>(),
    );
    let network = (
        10_u32..=86_400,
        option::of("[a-z0-9.:]{1,20}"),
        1_u16..,
        vec(option::of("[0-9+*#]{1,12}"), 3),
        btree_set(0_u8..=63, 0..6),
        btree_set(0_u8..=63, 0..6),
    );
    (identity, sound, network).prop_map(|(identity, sound, network)| {
        let (host, nat, peer_type, caller_id, context) = identity;
        let (codecs, g729, recording, [chanspy, video, encryption]) = sound;
        let (expires_s, outbound_proxy, listen_port, forward, call_groups, pickup_groups) = network;
        Voice {
            host,
            nat,
            peer_type,
            codecs,
            codecs_left_out: if g729 { vec![Codec::G729] } else { vec![] },
            caller_id,
            context,
            call_groups: call_groups.into_iter().collect(),
            pickup_groups: pickup_groups.into_iter().collect(),
            chanspy,
            video: if video {
                VideoSupport::Yes
            } else {
                VideoSupport::No
            },
            recording,
            encryption: if encryption {
                Encryption::Yes
            } else {
                Encryption::No
            },
            expires_s,
            outbound_proxy,
            listen_port,
            forwarding: Forwarding {
                always: forward[0].clone(),
                busy: forward[1].clone(),
                no_answer: forward[2].clone(),
            },
        }
    })
}

fn caller_id() -> impl Strategy<Value = CallerId> {
    ("[ -~à-ž]{0,20}", "[0-9+*#]{1,12}").prop_map(|(name, number)| CallerId { name, number })
}

fn webrtc() -> impl Strategy<Value = WebRtc> {
    (
        1_u16..,
        any::<[bool; 9]>(),
        auto_answer(),
        option::of(1_u16..),
    )
        .prop_map(
            |(wss_port, flags, auto_answer, remote_control_port)| WebRtc {
                wss_port,
                enable_settings: flags[0],
                auto_answer,
                auto_answer_notification: flags[1],
                ring_in_use: flags[2],
                enable_recording: flags[3],
                enable_dtmf_tone: flags[4],
                dnd_during_pause: flags[5],
                ignore_break_for_preview: flags[6],
                remote_control_port,
                unanswered_call_badge: flags[7],
                screen_reader_mode: flags[8],
            },
        )
}

fn auto_answer() -> impl Strategy<Value = AutoAnswer> {
    (any::<bool>(), 0_u32..=3600).prop_map(|(enabled, delay_s)| AutoAnswer { enabled, delay_s })
}

fn channel_settings() -> impl Strategy<Value = ChannelSettings> {
    (any::<u32>(), auto_answer(), any::<bool>()).prop_map(
        |(capacity, auto_answer, advanced_search)| ChannelSettings {
            capacity,
            auto_answer,
            advanced_search,
        },
    )
}
