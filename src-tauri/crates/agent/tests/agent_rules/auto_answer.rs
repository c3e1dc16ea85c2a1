//! Automatic answer of calls.

use std::time::Duration;

use crate::desk::{Desk, answers, profile, rings, tone};
use serde_json::{Value, json};
use sidetone_agent::{
    AnswerWish, CallEnd, CallState, Command, Effect, Input, Notice, TimerId, Tone,
};

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
fn a_queue_that_rings_everybody_is_never_answered_by_itself() {
    for (strategy, by_itself) in [
        (Some("beepall"), false),
        (Some("BeepAll"), false),
        (Some("ringall"), true),
        (None, true),
    ] {
        for delay in [0, 3] {
            let mut desk = Desk::ready(auto(json!({"phoneBarAutoAnswerDelay": delay})));
            desk.give(Input::Queues(vec![sidetone_agent::QueueMembership {
                id: 1,
                name: "Support".to_owned(),
                waiting: None,
                strategy: strategy.map(str::to_owned),
            }]));
            let (call, effects) = desk.ring();
            desk.wait(3_000);
            let later = desk.give(Input::Timer(TimerId::AutoAnswer(call)));
            let answered = answers(&effects) || answers(&later);
            assert_eq!(answered, by_itself, "{strategy:?} after {delay}");
            assert_eq!(rings(&effects), !by_itself || delay > 0);
        }
    }
}

#[test]
fn how_the_server_wants_a_call_answered_holds_only_where_calls_may_be_answered_by_themselves() {
    let by_itself = |after: Option<u64>, required| AnswerWish::ByItself {
        after: after.map(Duration::from_secs),
        required,
    };
    let (on, off, busy) = (
        auto(json!({})),
        json!({}),
        auto(json!({"phoneBarRingInUse": true})),
    );
    /// Seconds until it is answered (`None`: it only rings), or the status that it is refused with.
    type Becomes = Result<Option<u64>, u16>;
    let rows: [(&Value, AnswerWish, Becomes); 10] = [
        (&on, AnswerWish::Any, Ok(Some(3))),
        (&on, AnswerWish::ByHand, Ok(None)),
        (&on, by_itself(None, false), Ok(Some(3))),
        (&on, by_itself(Some(0), false), Ok(Some(0))),
        (&on, by_itself(Some(7), true), Ok(Some(7))),
        (&off, AnswerWish::ByHand, Ok(None)),
        (&off, by_itself(Some(0), false), Ok(None)),
        (&off, by_itself(Some(0), true), Err(403)),
        // While another call goes on.
        (&busy, by_itself(Some(0), false), Ok(None)),
        (&busy, by_itself(None, true), Err(403)),
    ];
    for (row, (settings, answer, expected)) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(settings.clone());
        if settings == &busy {
            let (first, _) = desk.ring();
            desk.pick_up(first);
        }
        let (call, effects) = desk.ring_as(|call| call.answer = answer);
        let status = |status| Effect::Reject { call, status };
        assert_eq!(
            effects.contains(&status(403)),
            expected == Err(403),
            "row {row}"
        );
        assert_eq!(
            effects.contains(&Effect::Answer { call }),
            expected == Ok(Some(0)),
            "row {row}"
        );
        assert_eq!(
            effects.contains(&Effect::Ringing { call }),
            matches!(expected, Ok(None | Some(1..))),
            "row {row}"
        );
        let timer = TimerId::AutoAnswer(call);
        let at = desk.now + Duration::from_secs(expected.ok().flatten().unwrap_or_default());
        assert_eq!(
            effects.contains(&Effect::StartTimer { timer, at }),
            matches!(expected, Ok(Some(1..))),
            "row {row}"
        );
    }
}
