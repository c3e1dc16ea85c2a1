//! The rules of calls, row by row.

mod common;

use common::{Desk, answers, code, profile, ready, rings, tone};
use serde_json::{Value, json};
use sidetone_agent::{
    CallEnd, CallProgress, CallState, Command, Effect, IncomingCall, Input, MediaState, Notice,
    Registration, TimerId, Tone,
};

#[test]
fn an_incoming_call_rings_and_is_answered() {
    let mut desk = Desk::ready(json!({}));
    let (call, effects) = desk.ring();
    assert_eq!(
        effects,
        [
            Effect::Ringing { call },
            Effect::ShowRinging {
                call,
                notify: false
            },
            Effect::Tone(Some(Tone::Ring)),
        ]
    );
    let shown = desk.call(call);
    assert_eq!(
        (shown.name.as_str(), shown.number.as_str()),
        ("Grace", "5550123")
    );
    assert_eq!(shown.queue.as_deref(), Some("support"));
    desk.wait(2_000);
    let effects = desk.command(Command::Answer { call });
    assert_eq!(effects[0], Effect::Answer { call });
    assert!(effects.contains(&Effect::HideRinging { call }));
    assert_eq!(tone(&effects), Some(None));
    assert_eq!(desk.call(call).state, CallState::Answering);
    desk.give(Input::Answered { call });
    desk.wait(61_000);
    let shown = desk.call(call);
    assert_eq!(shown.state, CallState::Up);
    assert_eq!((shown.age_ms, shown.talk_ms), (63_000, Some(61_000)));
    desk.end(call, CallEnd::Remote);
    desk.wait(1_000);
    let shown = desk.call(call);
    assert_eq!(shown.state, CallState::Ended);
    assert_eq!(
        shown.talk_ms,
        Some(61_000),
        "the time of talk stands still after the end"
    );
    assert_eq!(shown.end, Some(Notice::CallEnded));
    desk.give(Input::Timer(TimerId::CardEnd(call)));
    assert!(desk.view().calls.is_empty());
}

#[test]
fn a_ringing_call_that_is_declined_or_hung_up_is_refused_as_busy() {
    for hang_up in [false, true] {
        let mut desk = Desk::ready(json!({}));
        let (call, _) = desk.ring();
        let effects = desk.command(if hang_up {
            Command::HangUp { call }
        } else {
            Command::Decline { call }
        });
        assert_eq!(effects[0], Effect::Reject { call, status: 486 });
        assert!(effects.contains(&Effect::HideRinging { call }));
        assert_eq!(tone(&effects), Some(None));
        desk.end(call, CallEnd::Local);
        assert_eq!(desk.call(call).end, Some(Notice::CallEnded));
    }
}

#[test]
fn ringing_stops_with_the_call_and_the_card_says_why() {
    for (end, notice) in [
        (CallEnd::CallerGaveUp, Notice::CallMissed),
        (CallEnd::AnsweredElsewhere, Notice::CallAnsweredElsewhere),
    ] {
        let mut desk = Desk::ready(json!({}));
        let (call, _) = desk.ring();
        let effects = desk.end(call, end);
        assert!(effects.contains(&Effect::HideRinging { call }));
        assert_eq!(tone(&effects), Some(None));
        assert_eq!(desk.call(call).end, Some(notice));
    }
}

/// What a second call meets.
#[derive(Debug, PartialEq)]
enum Second {
    Busy,
    Waits,
    Rings,
}

#[test]
fn a_second_call_waits_only_when_ring_in_use_is_on() {
    type First = fn(&mut Desk);
    let up: First = |desk| {
        desk.talk();
    };
    let ringing: First = |desk| {
        desk.ring();
    };
    let dialling: First = |desk| {
        desk.dial("600");
    };
    let held: First = |desk| {
        let call = desk.talk();
        desk.command(Command::Hold { call });
        desk.give(Input::HoldConfirmed { call, held: true });
    };
    let over: First = |desk| {
        let call = desk.talk();
        desk.end(call, CallEnd::Remote);
    };
    let hung_up: First = |desk| {
        let call = desk.talk();
        desk.command(Command::HangUp { call });
    };
    let rows = [
        (up, false, Second::Busy),
        (ringing, false, Second::Busy),
        (dialling, false, Second::Busy),
        (held, false, Second::Busy),
        (up, true, Second::Waits),
        (dialling, true, Second::Waits),
        (held, true, Second::Waits),
        // What rings already rings on; the second one shows in the bar.
        (ringing, true, Second::Rings),
        // No phantom busy after a call.
        (over, false, Second::Rings),
        (hung_up, false, Second::Rings),
    ];
    for (row, (first, ring_in_use, expected)) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(json!({"phoneBarRingInUse": ring_in_use}));
        first(&mut desk);
        let (call, effects) = desk.ring();
        let met = if effects == [Effect::Reject { call, status: 486 }] {
            Second::Busy
        } else {
            assert_eq!(effects[0], Effect::Ringing { call });
            match tone(&effects) {
                Some(Some(Tone::CallWaiting)) => Second::Waits,
                Some(Some(Tone::Ring)) | None => Second::Rings,
                other => panic!("row {row}: {other:?}"),
            }
        };
        assert_eq!(met, expected, "row {row}");
    }
}

#[test]
fn a_waiting_call_can_be_answered_only_while_nobody_else_hears_the_agent() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let first = desk.talk();
    let (second, _) = desk.ring();
    assert!(!answers(&desk.command(Command::Answer { call: second })));
    assert_eq!(desk.codes(), ["already_in_call"]);
    desk.command(Command::Hold { call: first });
    assert!(
        !answers(&desk.command(Command::Answer { call: second })),
        "hold is not agreed yet"
    );
    desk.give(Input::HoldConfirmed {
        call: first,
        held: true,
    });
    assert!(answers(&desk.command(Command::Answer { call: second })));
    desk.give(Input::Answered { call: second });
    desk.command(Command::Resume { call: first });
    assert_eq!(desk.call(first).state, CallState::Held);
    // The far end, or a late answer, takes the first off hold by itself: it is put back.
    let effects = desk.give(Input::HoldConfirmed {
        call: first,
        held: false,
    });
    assert_eq!(
        effects,
        [Effect::Hold {
            call: first,
            on: true
        }]
    );
    assert_eq!(desk.call(first).state, CallState::Held);
}

#[test]
fn a_waiting_call_rings_aloud_once_the_first_is_over() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let first = desk.talk();
    desk.ring();
    let effects = desk.end(first, CallEnd::Remote);
    assert_eq!(tone(&effects), Some(Some(Tone::Ring)));
}

#[test]
fn the_ringing_window_does_not_change_under_the_pointer() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let (first, _) = desk.ring();
    let (second, effects) = desk.ring();
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::ShowRinging { .. }))
    );
    let effects = desk.end(first, CallEnd::CallerGaveUp);
    let shown = [
        Effect::HideRinging { call: first },
        Effect::ShowRinging {
            call: second,
            notify: false,
        },
    ];
    assert!(effects.windows(2).any(|pair| pair == shown), "{effects:?}");
}

#[test]
fn do_not_disturb_refuses_silently_while_paused_and_only_then() {
    let settings = json!({"phoneBarDnd": true});
    let mut desk = Desk::paused(settings.clone());
    let (call, effects) = desk.ring();
    assert_eq!(effects, [Effect::Reject { call, status: 486 }]);
    assert!(desk.view().calls.is_empty() && desk.view().toasts.is_empty());
    desk.command(Command::Unpause);
    assert!(!rings(&desk.ring().1), "not before the server confirms it");
    desk.give(Input::Presence(ready()));
    assert!(rings(&desk.ring().1));

    assert!(rings(&Desk::ready(settings).ring().1));
    assert!(rings(&Desk::paused(json!({})).ring().1));
}

#[test]
fn a_pause_that_is_confirmed_while_it_rings_stops_the_ringing_under_do_not_disturb() {
    let mut desk = Desk::ready(json!({"phoneBarDnd": true}));
    let (call, _) = desk.ring();
    let effects = desk.give(Input::Presence(common::paused("Lunch")));
    assert_eq!(effects[0], Effect::Reject { call, status: 486 });
    assert!(effects.contains(&Effect::HideRinging { call }));
    assert_eq!(tone(&effects), Some(None));
}

#[test]
fn a_refused_direction_says_so() {
    let mut user = Desk::ready(json!({"type": "user"}));
    let (call, effects) = user.ring();
    assert!(effects.contains(&Effect::Reject { call, status: 403 }));
    assert!(!rings(&effects));
    assert_eq!(user.codes(), ["may_not_be_called"]);
    assert!(matches!(user.dial("600").1[..], [Effect::Dial { .. }]));

    let mut peer = Desk::ready(json!({"type": "peer"}));
    assert!(!peer.view().permissions.dial);
    peer.dial("600");
    assert_eq!(peer.codes(), ["may_not_call"]);
    assert!(peer.view().calls.is_empty());
    assert!(rings(&peer.ring().1));
}

fn auto(extra: Value) -> Value {
    let mut settings = json!({"phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 3});
    for (field, value) in extra.as_object().expect("settings") {
        settings[field] = value.clone();
    }
    settings
}

#[test]
fn a_call_is_answered_after_the_delay_with_a_countdown() {
    let mut desk = Desk::ready(auto(json!({"phoneBarAutoAnswerNotification": true})));
    let (call, effects) = desk.ring();
    let timer = TimerId::AutoAnswer(call);
    let at = sidetone_agent::Time(desk.now.0 + 3_000);
    assert!(effects.contains(&Effect::StartTimer { timer, at }));
    assert!(effects.contains(&Effect::ShowRinging { call, notify: true }));
    desk.wait(1_000);
    let countdown = desk.call(call).auto_answer.expect("a countdown");
    assert_eq!((countdown.left_ms, countdown.total_ms), (2_000, 3_000));
    assert!(
        !answers(&desk.give(Input::Timer(timer))),
        "too early is not answered"
    );
    desk.wait(2_000);
    let effects = desk.give(Input::Timer(timer));
    assert!(effects.contains(&Effect::Answer { call }));
    assert!(effects.contains(&Effect::HideRinging { call }));
    assert_eq!(tone(&effects), Some(None));
    assert_eq!(desk.call(call).auto_answer, None);
}

#[test]
fn the_notification_comes_only_with_automatic_answer_and_its_own_setting() {
    for (settings, expected) in [
        (auto(json!({"phoneBarAutoAnswerNotification": true})), true),
        (auto(json!({})), false),
        (json!({"phoneBarAutoAnswerNotification": true}), false),
    ] {
        let (call, effects) = Desk::ready(settings.clone()).ring();
        let show = Effect::ShowRinging {
            call,
            notify: expected,
        };
        assert!(effects.contains(&show), "{settings}");
    }
}

#[test]
fn no_delay_answers_at_once_and_never_rings() {
    let mut desk = Desk::ready(auto(json!({"phoneBarAutoAnswerDelay": 0})));
    let (call, effects) = desk.ring();
    assert_eq!(effects[0], Effect::Answer { call });
    assert!(!rings(&effects));
}

#[test]
fn nothing_is_answered_when_the_call_is_settled_during_the_delay() {
    type Settle = fn(&mut Desk, sidetone_agent::CallId) -> Vec<Effect>;
    let rows: [(Settle, Option<Notice>); 4] = [
        (
            |desk, call| desk.end(call, CallEnd::CallerGaveUp),
            Some(Notice::CallMissed),
        ),
        (
            |desk, call| desk.end(call, CallEnd::AnsweredElsewhere),
            Some(Notice::CallAnsweredElsewhere),
        ),
        (|desk, call| desk.command(Command::Decline { call }), None),
        (|desk, call| desk.command(Command::Answer { call }), None),
    ];
    for (row, (settle, notice)) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(auto(json!({})));
        let (call, _) = desk.ring();
        let timer = TimerId::AutoAnswer(call);
        assert!(
            settle(&mut desk, call).contains(&Effect::StopTimer(timer)),
            "row {row}"
        );
        desk.wait(3_000);
        assert!(!answers(&desk.give(Input::Timer(timer))), "row {row}");
        assert_eq!(desk.call(call).end, notice, "row {row}");
    }
}

#[test]
fn a_second_call_is_never_answered_by_itself() {
    let settings = auto(json!({"phoneBarRingInUse": true, "phoneBarAutoAnswerDelay": 0}));
    let mut desk = Desk::ready(settings);
    let (first, _) = desk.ring();
    desk.give(Input::Answered { call: first });
    let (second, effects) = desk.ring();
    assert!(!answers(&effects));
    assert_eq!(tone(&effects), Some(Some(Tone::CallWaiting)));
    assert_eq!(desk.call(second).auto_answer, None);
    assert!(!answers(&desk.end(first, CallEnd::Remote)));
    desk.wait(60_000);
    assert!(!answers(
        &desk.give(Input::Timer(TimerId::AutoAnswer(second)))
    ));

    // Answering the second stops the countdown of the first.
    let mut desk = Desk::ready(auto(json!({"phoneBarRingInUse": true})));
    let (first, _) = desk.ring();
    let (second, _) = desk.ring();
    desk.command(Command::Answer { call: second });
    assert_eq!(desk.call(first).auto_answer, None);
    desk.wait(3_000);
    assert!(!answers(
        &desk.give(Input::Timer(TimerId::AutoAnswer(first)))
    ));
}

#[test]
fn automatic_answer_that_is_switched_off_stops_the_countdown() {
    let mut desk = Desk::ready(auto(json!({"phoneBarAutoAnswerNotification": true})));
    let (call, _) = desk.ring();
    let effects = desk.give(Input::Profile(profile(json!({}))));
    assert!(effects.contains(&Effect::StopTimer(TimerId::AutoAnswer(call))));
    assert!(effects.contains(&Effect::ShowRinging {
        call,
        notify: false
    }));
    assert_eq!(desk.call(call).state, CallState::Ringing);
}

#[test]
fn an_outgoing_call_has_ringback_until_the_far_end_sends_its_own_sound() {
    let mut desk = Desk::ready(json!({}));
    let (call, effects) = desk.dial(" 0800 (555) 01-00 ");
    let number = "08005550100".to_owned();
    assert_eq!(effects, [Effect::Dial { call, number }]);
    assert_eq!(desk.call(call).state, CallState::Dialling);
    let ringing = CallProgress::Ringing;
    let effects = desk.give(Input::Progress {
        call,
        progress: ringing,
    });
    assert_eq!(effects, [Effect::Tone(Some(Tone::Ringback))]);
    assert_eq!(desk.call(call).state, CallState::RemoteRinging);
    let progress = CallProgress::EarlyMedia;
    assert_eq!(
        desk.give(Input::Progress { call, progress }),
        [Effect::Tone(None)]
    );
    assert_eq!(
        desk.give(Input::Progress {
            call,
            progress: ringing
        }),
        []
    );
    desk.give(Input::Answered { call });
    assert_eq!(desk.call(call).state, CallState::Up);
}

#[test]
fn ringback_stops_with_the_answer() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.dial("600");
    let progress = CallProgress::Ringing;
    desk.give(Input::Progress { call, progress });
    assert_eq!(desk.give(Input::Answered { call }), [Effect::Tone(None)]);
}

#[test]
fn a_call_that_did_not_come_about_says_why_to_eye_and_ear() {
    let rows = [
        (486, "call_busy", Tone::Busy),
        (600, "call_busy", Tone::Busy),
        (408, "call_no_answer", Tone::Congestion),
        (480, "call_no_answer", Tone::Congestion),
        (603, "call_declined", Tone::Congestion),
        (404, "call_unknown_number", Tone::Congestion),
        (484, "call_unknown_number", Tone::Congestion),
        (403, "call_forbidden", Tone::Congestion),
        (488, "call_incompatible", Tone::Congestion),
        (606, "call_incompatible", Tone::Congestion),
        (503, "call_unavailable", Tone::Congestion),
        (500, "call_failed", Tone::Congestion),
        (399, "call_failed", Tone::Congestion),
    ];
    let refused = rows.map(|(status, expected, tone)| {
        let reason = "x".to_owned();
        (CallEnd::Refused { status, reason }, expected, Some(tone))
    });
    let others = [
        (
            CallEnd::Unreachable("timed out".to_owned()),
            "call_unreachable",
            Some(Tone::Congestion),
        ),
        (
            CallEnd::MediaFailed("no path".to_owned()),
            "call_no_sound",
            Some(Tone::Congestion),
        ),
        (CallEnd::Local, "call_ended", None),
    ];
    for (end, expected, heard) in refused.into_iter().chain(others) {
        let mut desk = Desk::ready(json!({}));
        let (call, _) = desk.dial("600");
        let effects = desk.end(call, end.clone());
        assert_eq!(tone(&effects), heard.map(Some), "{end:?}");
        assert_eq!(code(&desk.call(call).end.expect("a reason")), expected);
        let timer = TimerId::CardEnd(call);
        let at = sidetone_agent::Time(desk.now.0 + 5_000);
        assert!(effects.contains(&Effect::StartTimer { timer, at }));
        if heard.is_some() {
            let timer = TimerId::ToneEnd;
            let at = sidetone_agent::Time(desk.now.0 + 3_000);
            assert!(effects.contains(&Effect::StartTimer { timer, at }));
            assert_eq!(desk.give(Input::Timer(timer)), [Effect::Tone(None)]);
        }
    }
}

#[test]
fn a_customer_who_calls_cuts_off_the_busy_tone() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.dial("608");
    let reason = "Busy Here".to_owned();
    desk.end(
        call,
        CallEnd::Refused {
            status: 486,
            reason,
        },
    );
    let (_, effects) = desk.ring();
    assert!(effects.contains(&Effect::StopTimer(TimerId::ToneEnd)));
    assert_eq!(tone(&effects), Some(Some(Tone::Ring)));
}

#[test]
fn a_call_that_the_agent_cancels_ends_without_a_tone() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.dial("609");
    assert_eq!(
        desk.command(Command::HangUp { call })[0],
        Effect::HangUp { call }
    );
    assert_eq!(desk.call(call).state, CallState::Ending);
    let reason = "Request Terminated".to_owned();
    let effects = desk.end(
        call,
        CallEnd::Refused {
            status: 487,
            reason,
        },
    );
    assert_eq!(tone(&effects), None);
    assert_eq!(desk.call(call).end, Some(Notice::CallEnded));
}

#[test]
fn dialling_is_refused_in_words_when_it_cannot_work() {
    let mut desk = Desk::empty();
    desk.dial("600");
    assert_eq!(desk.codes(), ["not_ready_to_call"]);

    let mut desk = Desk::ready(json!({}));
    desk.dial("what is this");
    assert_eq!(desk.codes(), ["bad_number"]);
    desk.give(Input::Registration(Registration::Trying));
    desk.dial("600");
    assert_eq!(desk.codes(), ["bad_number", "not_ready_to_call"]);

    let mut desk = Desk::ready(json!({}));
    desk.talk();
    let (_, effects) = desk.dial("600");
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dial { .. }))
    );
    assert_eq!(desk.codes(), ["already_in_call"]);
}

#[test]
fn hold_and_resume_show_only_what_the_far_end_agreed_to() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    assert_eq!(
        desk.command(Command::Hold { call }),
        [Effect::Hold { call, on: true }]
    );
    assert_eq!(desk.call(call).state, CallState::Holding);
    desk.give(Input::HoldConfirmed { call, held: true });
    assert_eq!(desk.call(call).state, CallState::Held);
    assert_eq!(
        desk.command(Command::Resume { call }),
        [Effect::Hold { call, on: false }]
    );
    assert_eq!(desk.call(call).state, CallState::Resuming);
    desk.give(Input::HoldConfirmed { call, held: false });
    assert_eq!(desk.call(call).state, CallState::Up);
    // A refused hold says so.
    desk.command(Command::Hold { call });
    desk.give(Input::HoldConfirmed { call, held: false });
    assert_eq!(desk.call(call).state, CallState::Up);
    desk.give(Input::RemoteHold { call, held: true });
    assert!(desk.call(call).held_by_remote);
}

#[test]
fn mute_holds_for_one_call() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    assert_eq!(
        desk.command(Command::Mute { on: true }),
        [Effect::Mute { on: true }]
    );
    assert!(desk.view().muted);
    assert!(
        desk.end(call, CallEnd::Remote)
            .contains(&Effect::Mute { on: false })
    );
    assert!(!desk.view().muted);
}

#[test]
fn digits_are_sent_in_a_call_and_heard_only_when_the_profile_says_so() {
    for audible in [false, true] {
        let mut desk = Desk::ready(json!({"phoneBarEnableDtmfTone": audible}));
        let (call, _) = desk.ring();
        let typed = || Command::Dtmf {
            call,
            digits: "12a#-x".to_owned(),
        };
        assert_eq!(desk.command(typed()), [], "not while it rings");
        desk.command(Command::Answer { call });
        desk.give(Input::Answered { call });
        let digits = "12A#".to_owned();
        assert_eq!(
            desk.command(typed()),
            [Effect::Dtmf {
                call,
                digits,
                audible
            }]
        );
    }
}

#[test]
fn a_call_without_sound_is_ended_in_words() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    desk.give(Input::Media {
        call,
        state: MediaState::Interrupted,
    });
    assert!(desk.call(call).interrupted, "and the call goes on");
    desk.give(Input::Media {
        call,
        state: MediaState::Connected,
    });
    assert!(!desk.call(call).interrupted);
    let fault = "no common codec".to_owned();
    let state = MediaState::Failed(fault.clone());
    assert!(
        desk.give(Input::Media { call, state })
            .contains(&Effect::HangUp { call })
    );
    desk.end(call, CallEnd::Local);
    assert_eq!(desk.call(call).end, Some(Notice::CallNoSound { fault }));
}

#[test]
fn losing_server_registration_or_device_in_a_call_leaves_the_call_up() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    let down = sidetone_agent::LinkState::Down("gone".to_owned());
    assert_eq!(desk.give(Input::Link(down)), []);
    let unreachable = Registration::Unreachable("gone".to_owned());
    assert_eq!(desk.give(Input::Registration(unreachable)), []);
    assert_eq!(
        desk.give(Input::DeviceFault(Some("unplugged".to_owned()))),
        []
    );
    assert_eq!(desk.call(call).state, CallState::Up);
    assert!(!desk.view().light.green);
}

#[test]
fn an_answer_that_nobody_confirms_does_not_hang_for_ever() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.ring();
    desk.command(Command::Answer { call });
    desk.wait(32_000);
    let effects = desk.give(Input::Timer(TimerId::Overdue(call)));
    assert!(effects.contains(&Effect::HangUp { call }));
    desk.wait(5_000);
    desk.give(Input::Timer(TimerId::Overdue(call)));
    assert_eq!(desk.call(call).state, CallState::Ended);
    assert_eq!(
        code(&desk.call(call).end.expect("a reason")),
        "call_no_sound"
    );
}

#[test]
fn a_hang_up_that_nobody_confirms_is_over_after_a_while_or_at_the_second_click() {
    for second_click in [false, true] {
        let mut desk = Desk::ready(json!({}));
        let call = desk.talk();
        desk.command(Command::HangUp { call });
        desk.wait(5_000);
        desk.give(if second_click {
            Input::Command(Command::HangUp { call })
        } else {
            Input::Timer(TimerId::Overdue(call))
        });
        assert_eq!(desk.call(call).state, CallState::Ended);
    }
}

#[test]
fn a_call_while_nobody_is_signed_in_is_refused() {
    let mut desk = Desk::empty();
    let (call, effects) = desk.ring();
    assert_eq!(effects, [Effect::Reject { call, status: 480 }]);
}

#[test]
fn the_same_call_is_announced_once() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let (call, _) = desk.ring();
    let again = IncomingCall {
        call,
        ..IncomingCall::default()
    };
    assert_eq!(desk.give(Input::Incoming(again)), []);
    assert_eq!(desk.view().calls.len(), 1);
}

#[test]
fn toasts_go_after_their_time_or_when_dismissed_and_do_not_pile_up() {
    let mut desk = Desk::ready(json!({}));
    for _ in 0..3 {
        desk.dial("no number");
    }
    let toasts = desk.view().toasts;
    assert_eq!(toasts.len(), 1, "the same words stand there once");
    let id = toasts[0].id;
    let effects = desk.command(Command::DismissToast { toast: id });
    assert_eq!(effects, [Effect::StopTimer(TimerId::ToastEnd(id))]);
    for n in 0..10 {
        desk.dial(&format!("no number {n}"));
    }
    assert!(desk.view().toasts.len() <= 4);
    let id = desk.view().toasts[0].id;
    desk.give(Input::Timer(TimerId::ToastEnd(id)));
    assert!(desk.view().toasts.iter().all(|toast| toast.id != id));
}

#[test]
fn an_offer_that_no_sound_can_be_made_of_stops_ringing_and_is_refused() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.ring();
    let state = MediaState::Failed("no common codec".to_owned());
    let effects = desk.give(Input::Media { call, state });
    assert_eq!(effects[0], Effect::Reject { call, status: 488 });
    assert!(effects.contains(&Effect::HideRinging { call }));
    desk.end(call, CallEnd::Local);
    assert_eq!(
        code(&desk.call(call).end.expect("a reason")),
        "call_no_sound"
    );
}
