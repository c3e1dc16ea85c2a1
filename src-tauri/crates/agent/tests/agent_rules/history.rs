//! Calls of the past: what is remembered, what counts as missed, and calling again.

use crate::desk::{Desk, deeds, paused, profile};
use serde_json::json;
use sidetone_agent::{CallDirection, CallEnd, CallId, Command, Effect, HistoryEntry, Input};

fn again(desk: &mut Desk, entry: u64) -> Option<String> {
    let effects = desk.command(Command::CallAgain { entry });
    effects.into_iter().find_map(|effect| match effect {
        Effect::Dial { number, .. } => Some(number),
        _ => None,
    })
}

fn remembered(effects: &[Effect]) -> Vec<HistoryEntry> {
    let entries = effects.iter().filter_map(|effect| match effect {
        Effect::Remember(entry) => Some(entry.clone()),
        _ => None,
    });
    entries.collect()
}

fn kept(id: u64, number: &str) -> HistoryEntry {
    HistoryEntry {
        id,
        direction: CallDirection::Incoming,
        name: "Grace Hopper".to_owned(),
        number: number.to_owned(),
        queue: None,
        at_ms: 1,
        talk_ms: None,
        missed: true,
        seen: false,
        callable: true,
    }
}

#[test]
fn a_call_is_remembered_with_its_time_by_the_servers_clock() {
    let mut desk = Desk::ready(json!({}));
    desk.clock("2026-01-01T08:00:00Z");
    desk.wait(10_000);
    let (call, _) = desk.ring();
    desk.wait(5_000);
    desk.pick_up(call);
    desk.wait(61_000);
    let effects = desk.end(call, CallEnd::Remote);
    let expected = HistoryEntry {
        id: 1,
        direction: CallDirection::Incoming,
        name: "Grace".to_owned(),
        number: "5550123".to_owned(),
        queue: Some("support".to_owned()),
        at_ms: 1_767_254_410_000,
        talk_ms: Some(61_000),
        missed: false,
        seen: false,
        callable: true,
    };
    assert_eq!(remembered(&effects), std::slice::from_ref(&expected));
    let (call, _) = desk.dial("600");
    let effects = desk.command(Command::HangUp { call });
    assert_eq!(remembered(&effects), []);
    desk.end(call, CallEnd::Local);
    let history = desk.view().history;
    assert_eq!(history.len(), 2);
    assert_eq!((history[0].id, history[0].number.as_str()), (2, "600"));
    assert_eq!(history[0].direction, CallDirection::Outgoing);
    assert_eq!(history[1], expected);
}

#[test]
fn only_a_call_that_nobody_took_is_missed() {
    type Settle = fn(&mut Desk, CallId);
    let rows: [(Settle, bool); 6] = [
        (
            |desk, call| {
                desk.end(call, CallEnd::CallerGaveUp);
            },
            true,
        ),
        (
            |desk, call| {
                desk.end(call, CallEnd::Remote);
            },
            true,
        ),
        (
            |desk, call| {
                desk.end(call, CallEnd::AnsweredElsewhere);
            },
            false,
        ),
        (
            |desk, call| {
                desk.command(Command::Decline { call });
                desk.end(call, CallEnd::Local);
            },
            false,
        ),
        (
            |desk, call| {
                desk.pick_up(call);
                desk.end(call, CallEnd::Remote);
            },
            false,
        ),
        (
            |desk, call| {
                let state = sidetone_agent::MediaState::Failed("no codec".to_owned());
                desk.give(Input::Media { call, state });
                desk.end(call, CallEnd::Local);
            },
            true,
        ),
    ];
    for (row, (settle, missed)) in rows.into_iter().enumerate() {
        let mut desk = Desk::ready(json!({"phoneBarUnansweredCallBadge": true}));
        let (call, _) = desk.ring();
        settle(&mut desk, call);
        let view = desk.view();
        assert_eq!(view.history[0].missed, missed, "row {row}");
        assert_eq!(view.missed, u32::from(missed), "row {row}");
    }
}

#[test]
fn a_caller_who_met_a_busy_line_is_missed_but_a_queue_goes_on_by_itself() {
    let mut desk = Desk::ready(json!({"phoneBarUnansweredCallBadge": true}));
    desk.talk();
    desk.ring();
    assert_eq!(desk.view().missed, 0);
    let (_, effects) = desk.ring_directly();
    assert!(remembered(&effects)[0].missed);
    assert_eq!(desk.view().missed, 1);
    // Not to be disturbed is not to be told.
    let mut desk = Desk::ready(json!({"phoneBarUnansweredCallBadge": true, "phoneBarDnd": true}));
    desk.give(Input::Presence(paused("Lunch")));
    desk.ring_directly();
    assert_eq!(desk.view().missed, 0);
    assert_eq!(desk.view().history, []);
}

#[test]
fn missed_calls_are_counted_only_when_the_server_wants_it_and_until_they_are_seen() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.ring();
    desk.end(call, CallEnd::CallerGaveUp);
    assert_eq!(desk.view().missed, 0);
    desk.give(Input::Profile(profile(
        json!({"phoneBarUnansweredCallBadge": true}),
    )));
    assert_eq!(desk.view().missed, 1);
    assert_eq!(desk.command(Command::MissedSeen), [Effect::MissedSeen]);
    assert_eq!(desk.view().missed, 0);
    assert!(desk.view().history[0].seen);
    assert_eq!(desk.command(Command::MissedSeen), [], "once");
    assert_eq!(desk.command(Command::ClearHistory), [Effect::ClearHistory]);
    assert_eq!(desk.view().history, []);
}

#[test]
fn what_was_kept_comes_back_and_ids_go_on() {
    let mut desk = Desk::empty();
    desk.give(Input::History(vec![kept(9, "600"), kept(8, "•••123")]));
    assert_eq!(desk.view().history, [], "nobody is signed in");
    let mut desk = Desk::ready(json!({}));
    desk.give(Input::History(vec![kept(9, "600"), kept(8, "•••123")]));
    let history = desk.view().history;
    assert!(history[0].callable && !history[1].callable);
    assert_eq!(again(&mut desk, 9).as_deref(), Some("600"));
    assert_eq!(desk.view().calls[0].name, "Grace Hopper");
    let call = desk.view().calls[0].id;
    desk.end(call, CallEnd::Remote);
    assert_eq!(desk.view().history[0].id, 10);
    assert_eq!(again(&mut desk, 8), None);
    assert_eq!(desk.codes(), ["cannot_call_again"]);
}

#[test]
fn a_masked_number_is_called_again_in_the_same_run_only() {
    let settings = json!({"privacyEnabled": true});
    let mut desk = Desk::ready(settings.clone());
    let (call, _) = desk.ring();
    let effects = desk.end(call, CallEnd::CallerGaveUp);
    let entry = remembered(&effects)[0].clone();
    assert_eq!((entry.name.as_str(), entry.number.as_str()), ("•••", "•••"));
    assert!(entry.callable);
    assert_eq!(again(&mut desk, entry.id).as_deref(), Some("5550123"));
    assert_eq!(desk.view().calls.last().expect("a call").number, "•••");

    // After signing out nobody knows it any more.
    desk.command(Command::SignOut);
    desk.command(crate::desk::sign_in());
    desk.give(Input::SignIn(crate::desk::accepted(
        profile(settings),
        crate::desk::ready(),
    )));
    desk.give(Input::Registration(
        sidetone_agent::Registration::Registered,
    ));
    let history = desk.view().history;
    assert!(history.iter().all(|entry| !entry.callable));
    assert_eq!(
        deeds(desk.command(Command::CallAgain { entry: entry.id })),
        []
    );
    assert!(desk.codes().contains(&"cannot_call_again".to_owned()));
}

#[test]
fn what_the_agent_typed_stays_as_typed() {
    let mut desk = Desk::ready(json!({"privacyEnabled": true}));
    let (call, _) = desk.dial("600700");
    assert_eq!(desk.call(call).number, "600700");
    desk.end(call, CallEnd::Remote);
    assert_eq!(desk.view().history[0].number, "600700");
    // Also when the profile changes otherwise.
    desk.give(Input::Profile(profile(
        json!({"privacyEnabled": true, "fullname": "Ada King"}),
    )));
    assert_eq!(desk.view().history[0].number, "600700");
    assert_eq!(again(&mut desk, 1).as_deref(), Some("600700"));
}

#[test]
fn masking_that_comes_later_reaches_what_was_kept() {
    let mut desk = Desk::ready(json!({}));
    desk.give(Input::History(vec![kept(2, "5550124"), kept(1, "5550125")]));
    let effects = desk.give(Input::Profile(profile(json!({"privacyEnabled": true}))));
    assert!(effects.contains(&Effect::ClearHistory));
    let entries = remembered(&effects);
    let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [1, 2], "oldest first, as they came");
    assert!(
        entries
            .iter()
            .all(|entry| entry.number == "•••" && entry.name == "•••")
    );
    assert_eq!(again(&mut desk, 2).as_deref(), Some("5550124"));
}
