//! Call forwarding: always, when busy, when nobody answers.

use crate::desk::{Desk, answers, paused, rings};
use serde_json::{Value, json};
use sidetone_agent::{CallEnd, Command, Effect, Input, Notice, Time, TimerId};

/// What becomes of a call.
#[derive(Debug, PartialEq)]
enum Fate {
    Rings,
    Goes(&'static str),
    Refused(u16),
}

fn fate(effects: &[Effect]) -> Fate {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Forward { number, .. } if number == "700" => Some(Fate::Goes("700")),
            Effect::Forward { number, .. } if number == "701" => Some(Fate::Goes("701")),
            Effect::Reject { status, .. } => Some(Fate::Refused(*status)),
            _ => None,
        })
        .unwrap_or(Fate::Rings)
}

#[test]
fn a_call_goes_where_the_server_says() {
    type Before = fn(&mut Desk);
    let free: Before = |_| {};
    let up: Before = |desk| {
        desk.talk();
    };
    let away: Before = |desk| {
        desk.give(Input::Presence(paused("Lunch")));
    };
    let wrap_up: Before = |desk| {
        desk.server(|settings| settings.wrap_up_s = 30);
        let call = desk.talk();
        desk.end(call, CallEnd::Remote);
    };
    let always = json!({"phoneBarUnconditional": "700"});
    let busy = json!({"phoneBarBusy": "701"});
    let both = json!({"phoneBarUnconditional": "700", "phoneBarBusy": "701", "phoneBarDnd": true});
    let undisturbed = json!({"phoneBarBusy": "701", "phoneBarDnd": true});
    let waiting = json!({"phoneBarBusy": "701", "phoneBarRingInUse": true});
    let only_calls = json!({"phoneBarUnconditional": "700", "type": "user"});
    let rows: Vec<(Value, Before, Fate)> = vec![
        (always.clone(), free, Fate::Goes("700")),
        (always, up, Fate::Goes("700")),
        (busy.clone(), free, Fate::Rings),
        (busy.clone(), up, Fate::Goes("701")),
        (busy.clone(), wrap_up, Fate::Goes("701")),
        (busy, away, Fate::Rings),
        (both.clone(), away, Fate::Goes("700")),
        (both, up, Fate::Goes("700")),
        // Do not disturb is no line that is busy.
        (undisturbed.clone(), away, Fate::Refused(486)),
        (undisturbed, up, Fate::Goes("701")),
        (waiting, up, Fate::Rings),
        (only_calls, free, Fate::Refused(403)),
        (json!({}), up, Fate::Refused(486)),
    ];
    for (row, (settings, before, expected)) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(json!({}));
        before(&mut desk);
        desk.give(Input::Profile(crate::desk::profile(settings.clone())));
        let (_, effects) = desk.ring();
        assert_eq!(fate(&effects), expected, "row {row}: {settings}");
        if expected != Fate::Rings {
            assert!(!rings(&effects), "row {row}");
        }
    }
}

#[test]
fn a_forwarded_call_is_told_unless_the_agent_is_not_to_be_disturbed() {
    let number = "700".to_owned();
    let settings = json!({"phoneBarUnconditional": "700", "phoneBarDnd": true});
    let mut desk = Desk::ready(settings.clone());
    desk.ring();
    assert_eq!(
        desk.view().toasts[0].notice,
        Notice::CallForwarded { number }
    );
    let mut desk = Desk::paused(settings);
    desk.ring();
    assert_eq!(desk.view().toasts, []);
}

#[test]
fn a_call_that_nobody_answers_is_forwarded_after_the_servers_time() {
    let mut desk = Desk::ready(json!({"phoneBarNoReply": "701"}));
    desk.server(|settings| settings.no_answer_s = 12);
    let (call, effects) = desk.ring();
    let timer = TimerId::NoAnswer(call);
    let at = Time(desk.now.0 + 12_000);
    assert!(effects.contains(&Effect::StartTimer { timer, at }));
    desk.wait(12_000);
    let number = "701".to_owned();
    let effects = desk.give(Input::Timer(timer));
    assert_eq!(
        effects[0],
        Effect::Forward {
            call,
            number: number.clone()
        }
    );
    assert!(effects.contains(&Effect::HideRinging { call }));
    desk.end(call, CallEnd::Local);
    assert_eq!(desk.call(call).end, Some(Notice::CallForwarded { number }));
    assert!(desk.view().history[0].missed, "nobody here answered it");
}

#[test]
fn a_call_that_is_settled_in_time_is_not_forwarded() {
    type Settle = fn(&mut Desk, sidetone_agent::CallId) -> Vec<Effect>;
    let rows: [Settle; 4] = [
        |desk, call| desk.command(Command::Answer { call }),
        |desk, call| desk.command(Command::Decline { call }),
        |desk, call| desk.end(call, CallEnd::CallerGaveUp),
        |desk, call| desk.end(call, CallEnd::AnsweredElsewhere),
    ];
    for (row, settle) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(json!({"phoneBarNoReply": "701"}));
        let (call, _) = desk.ring();
        let timer = TimerId::NoAnswer(call);
        assert!(
            settle(&mut desk, call).contains(&Effect::StopTimer(timer)),
            "row {row}"
        );
        desk.wait(20_000);
        assert_eq!(desk.give(Input::Timer(timer)), [], "row {row}");
    }
    // Switched off while it rings; and never on without a number.
    let mut desk = Desk::ready(json!({"phoneBarNoReply": "701"}));
    let (call, _) = desk.ring();
    desk.give(Input::Profile(crate::desk::profile(json!({}))));
    desk.wait(20_000);
    assert_eq!(desk.give(Input::Timer(TimerId::NoAnswer(call))), []);
    let (_, effects) = Desk::ready(json!({})).ring();
    assert!(!effects.iter().any(|effect| matches!(
        effect,
        Effect::StartTimer {
            timer: TimerId::NoAnswer(_),
            ..
        }
    )));
}

#[test]
fn automatic_answer_comes_before_a_later_forwarding() {
    let settings = json!({
        "phoneBarNoReply": "701", "phoneBarAutoAnswer": true, "phoneBarAutoAnswerDelay": 3,
    });
    let mut desk = Desk::ready(settings);
    let (call, _) = desk.ring();
    desk.wait(3_000);
    let effects = desk.give(Input::Timer(TimerId::AutoAnswer(call)));
    assert!(answers(&effects));
    assert!(effects.contains(&Effect::StopTimer(TimerId::NoAnswer(call))));
}
