//! Calls that the agent places.

use crate::desk::{Desk, code, tone};
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallProgress, CallState, Command, Effect, Input, Notice, Registration, TimerId, Tone,
};

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
