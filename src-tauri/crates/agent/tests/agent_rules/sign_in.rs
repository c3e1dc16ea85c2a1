//! Signing in and out, the light, pause and play, and changes of the profile.

use crate::desk::{Desk, accepted, code, deeds, paused, profile, ready, sign_in};
use serde_json::{Value, json};
use sidetone_agent::{
    CallEnd, CallState, Command, Effect, Input, LinkState, Notice, Phase, PresenceReport,
    PresenceState, Registration, SignIn, SignInRefusal,
};

#[test]
fn signing_in_asks_the_server_registers_and_turns_green() {
    let mut desk = Desk::empty();
    assert_eq!(desk.view().phase, Phase::SignedOut);
    let effects = desk.command(sign_in());
    assert!(matches!(&effects[..], [Effect::SignIn { name, .. }] if name == "ada"));
    assert_eq!(desk.view().phase, Phase::SigningIn);

    let profile = profile(json!({}));
    let effects = desk.give(Input::SignIn(accepted(profile.clone(), ready())));
    assert_eq!(effects, [Effect::Register(profile)]);
    let view = desk.view();
    assert_eq!(view.phase, Phase::SignedIn);
    assert_eq!(view.agent.expect("somebody is signed in").internal, "1001");
    assert!(!view.light.green);
    assert_eq!(view.light.notice, Notice::Registering);

    desk.give(Input::Registration(Registration::Registered));
    assert!(desk.view().light.green);
    assert!(desk.view().permissions.dial);
}

#[test]
fn every_refusal_has_its_own_words() {
    let fault = || "the clock is wrong".to_owned();
    let rows = [
        (
            SignInRefusal::WrongPassword,
            "wrong_password",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::CodeRequired,
            "code_required",
            Phase::CodeRequired,
        ),
        (SignInRefusal::WrongCode, "wrong_code", Phase::CodeRequired),
        (SignInRefusal::Locked, "account_locked", Phase::SignedOut),
        (
            SignInRefusal::Disabled,
            "account_disabled",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::Certificate(fault()),
            "server_certificate",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::Unreachable(fault()),
            "server_unreachable",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::BadAnswer(fault()),
            "server_bad_answer",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::BadAddress(fault()),
            "bad_server_address",
            Phase::SignedOut,
        ),
        (
            SignInRefusal::SessionEnded(fault()),
            "session_ended",
            Phase::SignedOut,
        ),
    ];
    for (refusal, expected, phase) in rows {
        let mut desk = Desk::empty();
        desk.command(sign_in());
        assert_eq!(desk.give(Input::SignIn(SignIn::Refused(refusal))), []);
        let view = desk.view();
        assert_eq!(view.phase, phase, "{expected}");
        assert_eq!(code(&view.sign_in_notice.expect("a reason")), expected);
        assert!(!view.light.green);
        // And the next try is not held up.
        assert_eq!(desk.command(sign_in()).len(), 1);
        assert_eq!(desk.view().sign_in_notice, None);
    }
}

#[test]
fn an_agent_who_may_not_work_is_refused_even_when_the_password_was_right() {
    for (settings, notice) in [
        (json!({"disabled": true}), Notice::AccountDisabled),
        (json!({"blocked": true}), Notice::AccountLocked),
    ] {
        let mut desk = Desk::empty();
        desk.command(sign_in());
        let effects = desk.give(Input::SignIn(accepted(profile(settings), ready())));
        assert_eq!(effects, [Effect::SignOut]);
        assert_eq!(desk.view().sign_in_notice, Some(notice));
    }
}

#[test]
fn an_answer_to_a_sign_in_that_was_given_up_signs_nobody_in() {
    let mut desk = Desk::empty();
    desk.command(sign_in());
    assert_eq!(desk.command(Command::SignOut), [Effect::SignOut]);
    let effects = desk.give(Input::SignIn(accepted(profile(json!({})), ready())));
    assert_eq!(effects, [Effect::SignOut]);
    assert_eq!(desk.view().phase, Phase::SignedOut);
}

#[test]
fn the_light_is_green_only_when_a_call_can_come_in_and_be_heard() {
    let fault = || "no route".to_owned();
    let rows: [(Value, Registration, &str); 13] = [
        (json!({}), Registration::Registered, "registered"),
        (
            json!({"typology": "phonebar"}),
            Registration::Registered,
            "registered",
        ),
        (json!({}), Registration::None, "registering"),
        (json!({}), Registration::Trying, "registering"),
        (
            json!({}),
            Registration::Refused {
                status: 403,
                reason: "Forbidden".to_owned(),
            },
            "registration_refused",
        ),
        (
            json!({}),
            Registration::UnknownUser,
            "registration_unknown_user",
        ),
        (
            json!({}),
            Registration::Unreachable(fault()),
            "registration_unreachable",
        ),
        (
            json!({}),
            Registration::Certificate(fault()),
            "registration_certificate",
        ),
        (
            json!({}),
            Registration::Misconfigured(fault()),
            "misconfigured",
        ),
        (
            json!({"typology": "external"}),
            Registration::Registered,
            "voice_elsewhere",
        ),
        (
            json!({"typology": "mobile"}),
            Registration::Registered,
            "voice_elsewhere",
        ),
        (json!({"allow": []}), Registration::Registered, "no_codec"),
        (
            json!({"allow": "g729"}),
            Registration::Registered,
            "no_codec",
        ),
    ];
    for (settings, registration, expected) in rows {
        let mut desk = Desk::ready(settings.clone());
        desk.give(Input::Registration(registration.clone()));
        let view = desk.view();
        assert_eq!(
            code(&view.light.notice),
            expected,
            "{settings} {registration:?}"
        );
        assert_eq!(
            view.light.green,
            expected == "registered",
            "{settings} {registration:?}"
        );
        assert_eq!(view.permissions.dial, expected == "registered");
    }
}

#[test]
fn a_phone_that_is_elsewhere_or_has_no_codec_does_not_register() {
    for settings in [json!({"typology": "external"}), json!({"allow": []})] {
        let mut desk = Desk::empty();
        desk.command(sign_in());
        let effects = desk.give(Input::SignIn(accepted(profile(settings), ready())));
        assert_eq!(effects, []);
        let (_, effects) = desk.ring();
        assert!(matches!(effects[..], [Effect::Reject { status: 480, .. }]));
    }
}

#[test]
fn what_is_wrong_but_leaves_the_phone_usable_is_a_warning() {
    let mut desk = Desk::ready(json!({"allow": "g729,opus"}));
    desk.give(Input::DeviceFault(Some("no microphone".to_owned())));
    desk.give(Input::Link(LinkState::Down("timed out".to_owned())));
    desk.give(Input::ProfileFaults(vec!["nat: perhaps".to_owned()]));
    let codes: Vec<_> = desk.view().warnings.iter().map(code).collect();
    assert_eq!(
        codes,
        [
            "device_fault",
            "link_down",
            "codecs_left_out",
            "profile_fault"
        ]
    );
    assert!(desk.view().light.green);
    desk.give(Input::DeviceFault(None));
    desk.give(Input::Link(LinkState::Up));
    desk.give(Input::ProfileFaults(Vec::new()));
    desk.give(Input::Profile(profile(json!({}))));
    assert_eq!(desk.view().warnings, []);
}

#[test]
fn login_in_pause_shows_what_the_server_says() {
    let desk = Desk::with_presence(json!({"loginInPause": true}), paused("Login"));
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Paused);
    assert_eq!(presence.reason.as_deref(), Some("Login"));
}

#[test]
fn both_timers_run_from_the_servers_ages() {
    let mut desk = Desk::paused(json!({}));
    desk.wait(3_000);
    let presence = desk.view().presence;
    assert_eq!(presence.online_for_ms, Some(63_000));
    assert_eq!(presence.paused_for_ms, Some(5_000));
    desk.give(Input::Presence(ready()));
    assert_eq!(desk.view().presence.paused_for_ms, None);
    desk.give(Input::Presence(PresenceReport::default()));
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Unknown);
    assert_eq!(presence.online_for_ms, None);
}

#[test]
fn pause_shows_only_when_the_server_confirms_it() {
    let mut desk = Desk::ready(json!({}));
    let pause = || Command::Pause {
        reason: "Lunch".to_owned(),
    };
    assert_eq!(
        desk.command(pause()),
        [Effect::Pause {
            reason: "Lunch".to_owned()
        }]
    );
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Ready);
    assert!(presence.pending);
    // A report that was made before the request does not settle it.
    desk.give(Input::Presence(ready()));
    assert!(desk.view().presence.pending);
    desk.give(Input::Presence(paused("Lunch")));
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Paused);
    assert!(!presence.pending);

    assert_eq!(desk.command(Command::Unpause), [Effect::Unpause]);
    assert_eq!(desk.view().presence.state, PresenceState::Paused);
    desk.give(Input::PresenceFailed {
        detail: "not allowed".to_owned(),
    });
    let presence = desk.view().presence;
    assert_eq!(presence.state, PresenceState::Paused);
    assert!(!presence.pending);
    assert_eq!(desk.codes(), ["presence_failed"]);

    desk.command(Command::Unpause);
    desk.wait(15_000);
    assert!(
        !desk.view().presence.pending,
        "the button is not held up for ever"
    );
}

#[test]
fn presence_is_stale_and_not_asked_for_while_the_server_is_gone() {
    let mut desk = Desk::ready(json!({}));
    desk.command(Command::Unpause);
    desk.give(Input::Link(LinkState::Down("timed out".to_owned())));
    let presence = desk.view().presence;
    assert!(presence.stale && !presence.pending);
    let effects = desk.command(Command::Unpause);
    assert!(!effects.contains(&Effect::Unpause));
    assert_eq!(desk.codes(), ["presence_failed"]);
    desk.give(Input::Link(LinkState::Up));
    assert!(!desk.view().presence.stale);
}

#[test]
fn signing_out_hangs_up_every_call_and_forgets_everything() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let first = desk.talk();
    let (second, _) = desk.ring();
    let effects = desk.command(Command::SignOut);
    let position = |wanted: &Effect| effects.iter().position(|effect| effect == wanted);
    assert!(position(&Effect::HangUp { call: first }).is_some());
    assert!(position(&Effect::HangUp { call: second }).is_some());
    assert!(position(&Effect::HideRinging { call: second }).is_some());
    assert!(position(&Effect::Tone(None)).is_some());
    assert_eq!(
        effects[effects.len() - 2..],
        [Effect::Unregister, Effect::SignOut]
    );
    let view = desk.view();
    assert_eq!(view.phase, Phase::SignedOut);
    assert!(view.agent.is_none() && view.calls.is_empty() && view.sign_in_notice.is_none());
    assert_eq!(desk.end(first, CallEnd::Local), []);
}

#[test]
fn a_session_that_the_server_ends_waits_for_the_call() {
    let ends = [
        (
            Input::SignIn(SignIn::Refused(SignInRefusal::SessionEnded(
                "expired".to_owned(),
            ))),
            "session_ended",
        ),
        (
            Input::Profile(profile(json!({"disabled": true}))),
            "account_disabled",
        ),
        (
            Input::Profile(profile(json!({"blocked": true}))),
            "account_locked",
        ),
    ];
    for (input, expected) in ends {
        let mut desk = Desk::ready(json!({}));
        let call = desk.talk();
        assert_eq!(desk.give(input.clone()), [], "{expected}");
        assert_eq!(desk.call(call).state, CallState::Up);
        assert_eq!(
            desk.view().warnings.iter().map(code).collect::<Vec<_>>(),
            [expected]
        );
        let (_, effects) = desk.ring();
        assert!(matches!(effects[..], [Effect::Reject { status: 480, .. }]));
        let effects = desk.end(call, CallEnd::Remote);
        assert_eq!(
            effects[effects.len() - 2..],
            [Effect::Unregister, Effect::SignOut]
        );
        assert_eq!(
            code(&desk.view().sign_in_notice.expect("a reason")),
            expected
        );

        let mut idle = Desk::ready(json!({}));
        assert_eq!(idle.give(input), [Effect::Unregister, Effect::SignOut]);
        assert_eq!(idle.view().phase, Phase::SignedOut);
    }
}

#[test]
fn a_server_that_cannot_be_reached_during_a_session_ends_nothing() {
    let mut desk = Desk::ready(json!({}));
    let refusal = SignInRefusal::Unreachable("timed out".to_owned());
    assert_eq!(desk.give(Input::SignIn(SignIn::Refused(refusal))), []);
    let view = desk.view();
    assert_eq!(view.phase, Phase::SignedIn);
    assert!(view.presence.stale);
}

#[test]
fn a_changed_profile_applies_at_once_and_registers_again_only_for_another_account() {
    let rows = [
        (json!({"phoneBarEnableSettings": true}), false),
        (json!({"phoneBarRingInUse": true}), false),
        (json!({"fullname": "Ada King"}), false),
        (json!({"allow": "alaw,opus"}), true),
        (json!({"host": "192.0.2.9"}), true),
        (json!({"internal": "1002"}), true),
        (json!({"wssPort": 443}), true),
        (json!({"callerid": "\"Ada\" <1>"}), true),
    ];
    for (settings, again) in rows {
        let mut desk = Desk::ready(json!({}));
        let changed = profile(settings.clone());
        let effects = deeds(desk.give(Input::Profile(changed.clone())));
        let expected = if again {
            vec![Effect::Register(changed.clone())]
        } else {
            vec![]
        };
        assert_eq!(effects, expected, "{settings}");

        let mut talking = Desk::ready(json!({}));
        let call = talking.talk();
        let effects = deeds(talking.give(Input::Profile(changed.clone())));
        assert_eq!(effects, [], "not during a call: {settings}");
        let effects = talking.end(call, CallEnd::Remote);
        assert_eq!(
            effects.contains(&Effect::Register(changed)),
            again,
            "{settings}"
        );
    }
    let mut desk = Desk::ready(json!({}));
    desk.give(Input::Profile(profile(
        json!({"phoneBarEnableSettings": true}),
    )));
    assert!(desk.view().permissions.settings);
    assert_eq!(
        deeds(desk.give(Input::Profile(profile(json!({"typology": "external"}))))),
        [Effect::Unregister]
    );
}

#[test]
fn another_secret_registers_again_but_not_during_a_call() {
    let mut desk = Desk::ready(json!({}));
    let register = Effect::Register(profile(json!({})));
    assert_eq!(
        deeds(desk.give(Input::SipAccountChanged)),
        std::slice::from_ref(&register)
    );
    let call = desk.talk();
    assert_eq!(deeds(desk.give(Input::SipAccountChanged)), []);
    assert!(desk.end(call, CallEnd::Remote).contains(&register));
    assert_eq!(
        desk.give(Input::PauseReasons(Vec::new())),
        [],
        "and only once"
    );
}

#[test]
fn the_reason_of_a_misconfigured_account_stays_until_the_next_try() {
    let mut desk = Desk::ready(json!({}));
    let fault = "no address".to_owned();
    desk.give(Input::Registration(Registration::Misconfigured(fault)));
    desk.give(Input::Registration(Registration::None));
    assert_eq!(code(&desk.view().light.notice), "misconfigured");
    desk.give(Input::SipAccountChanged);
    assert_eq!(code(&desk.view().light.notice), "registering");
}

#[test]
fn what_the_server_says_fits_into_our_sentence() {
    let mut desk = Desk::ready(json!({}));
    let said = "Your session has expired.".to_owned();
    let refusal = SignInRefusal::SessionEnded(said);
    desk.give(Input::SignIn(SignIn::Refused(refusal)));
    let fault = "Your session has expired".to_owned();
    assert_eq!(
        desk.view().sign_in_notice,
        Some(Notice::SessionEnded { fault })
    );
}
