//! What an incoming call meets: ringing, call waiting, do not disturb, refused directions.

use crate::desk::{Desk, answers, code, paused, ready, rings, tone};
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallState, Command, Effect, IncomingCall, Input, MediaState, Notice, TimerId, Tone,
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
    let effects = desk.give(Input::Presence(paused("Lunch")));
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
