//! The time after a queue call, and what the call was about.

use crate::desk::{Desk, code, deeds, rings};
use serde_json::json;
use sidetone_agent::{CallEnd, Command, Effect, Input, Notice, Time, TimerId, WrapUpView};
use sidetone_profile::Disposition;

fn node(id: i64, children: Vec<Disposition>) -> Disposition {
    Disposition {
        id,
        name: format!("number {id}"),
        children,
    }
}

fn desk(wrap_up_s: u32, required: bool) -> Desk {
    let mut desk = Desk::ready(json!({}));
    desk.server(|settings| {
        settings.wrap_up_s = wrap_up_s;
        settings.disposition_required = required;
    });
    let tree = vec![
        node(1, vec![node(2, vec![node(3, vec![])])]),
        node(4, vec![]),
    ];
    desk.give(Input::Dispositions(tree));
    desk
}

fn after_a_call(wrap_up_s: u32, required: bool) -> Desk {
    let mut desk = desk(wrap_up_s, required);
    let (call, _) = desk.ring();
    desk.pick_up(call);
    desk.end(call, CallEnd::Remote);
    desk
}

fn wrap_up(desk: &Desk) -> WrapUpView {
    desk.view().wrap_up.expect("the time after a call")
}

fn dispose(path: &[i64]) -> Command {
    Command::Dispose {
        path: path.to_vec(),
        note: "as agreed".to_owned(),
    }
}

#[test]
fn wrap_up_follows_an_answered_queue_call_and_nothing_else() {
    type Before = fn(&mut Desk);
    let answered: Before = |desk| {
        let (call, _) = desk.ring();
        desk.pick_up(call);
        desk.end(call, CallEnd::Remote);
    };
    let hung_up: Before = |desk| {
        let call = desk.talk();
        desk.command(Command::HangUp { call });
        desk.end(call, CallEnd::Local);
    };
    let missed: Before = |desk| {
        let (call, _) = desk.ring();
        desk.end(call, CallEnd::CallerGaveUp);
    };
    let direct: Before = |desk| {
        let (call, _) = desk.ring_directly();
        desk.pick_up(call);
        desk.end(call, CallEnd::Remote);
    };
    let dialled: Before = |desk| {
        let (call, _) = desk.dial("600");
        desk.give(Input::Answered { call });
        desk.end(call, CallEnd::Remote);
    };
    for (row, (before, seconds, expected)) in [
        (answered, 30, true),
        (hung_up, 30, true),
        (missed, 30, false),
        (direct, 30, false),
        (dialled, 30, false),
        (answered, 0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut desk = desk(seconds, false);
        before(&mut desk);
        assert_eq!(desk.view().wrap_up.is_some(), expected, "row {row}");
    }
}

#[test]
fn queue_calls_are_refused_until_its_time_is_over_and_direct_ones_ring() {
    let mut desk = after_a_call(30, false);
    assert_eq!(wrap_up(&desk).name, "Grace");
    assert_eq!(wrap_up(&desk).queue.as_deref(), Some("support"));
    let left = wrap_up(&desk).left.expect("a countdown");
    assert_eq!((left.left_ms, left.total_ms), (30_000, 30_000));
    let (call, effects) = desk.ring();
    assert_eq!(deeds(effects), [Effect::Reject { call, status: 486 }]);
    assert_eq!(desk.codes(), ["wrapping_up"]);
    let (direct, effects) = desk.ring_directly();
    assert!(rings(&effects));
    desk.command(Command::Decline { call: direct });
    desk.end(direct, CallEnd::Local);

    desk.wait(29_000);
    let timer = TimerId::WrapUpEnd;
    let at = Time(desk.now.0 + 1_000);
    assert_eq!(
        desk.give(Input::Timer(timer)),
        [Effect::StartTimer { timer, at }]
    );
    desk.wait(1_000);
    desk.give(Input::Timer(timer));
    assert_eq!(desk.view().wrap_up, None);
    assert!(rings(&desk.ring().1));
}

#[test]
fn the_agent_may_be_done_before_the_time() {
    let mut desk = after_a_call(30, false);
    assert!(
        desk.command(Command::FinishWrapUp)
            .contains(&Effect::StopTimer(TimerId::WrapUpEnd))
    );
    assert_eq!(desk.view().wrap_up, None);
    assert!(rings(&desk.ring().1));
    assert_eq!(Desk::ready(json!({})).command(Command::FinishWrapUp), []);
}

#[test]
fn a_required_disposition_is_waited_for() {
    for seconds in [0, 30] {
        let mut desk = after_a_call(seconds, true);
        assert!(wrap_up(&desk).disposition_required);
        desk.wait(30_000);
        desk.give(Input::Timer(TimerId::WrapUpEnd));
        assert_eq!(wrap_up(&desk).left, None);
        let (call, effects) = desk.ring();
        assert_eq!(deeds(effects), [Effect::Reject { call, status: 486 }]);
        desk.command(Command::FinishWrapUp);
        assert!(desk.codes().contains(&"disposition_required".to_owned()));
        let effects = desk.command(dispose(&[1, 2, 3]));
        assert!(matches!(&effects[..], [Effect::Dispose { path, note, .. }]
            if *path == [1, 2, 3] && note == "as agreed"));
        assert!(wrap_up(&desk).pending);
        assert_eq!(desk.command(dispose(&[4])), [], "one answer at a time");
        desk.give(Input::Disposed(Ok(())));
        assert_eq!(desk.view().wrap_up, None);
        assert!(rings(&desk.ring().1));
    }
    // Nothing to choose from: nobody is held up.
    let mut desk = Desk::ready(json!({}));
    desk.server(|settings| settings.disposition_required = true);
    let call = desk.talk();
    desk.end(call, CallEnd::Remote);
    assert_eq!(desk.view().wrap_up, None);
}

#[test]
fn a_disposition_must_be_one_of_the_servers() {
    for (path, known) in [
        (vec![1], true),
        (vec![1, 2], true),
        (vec![1, 2, 3], true),
        (vec![4], true),
        (vec![], false),
        (vec![2], false),
        (vec![1, 4], false),
        (vec![4, 1], false),
        (vec![1, 2, 3, 3], false),
    ] {
        let mut desk = after_a_call(30, false);
        let effects = deeds(desk.command(dispose(&path)));
        assert_eq!(!effects.is_empty(), known, "{path:?}");
        assert_eq!(
            desk.codes().contains(&"disposition_failed".to_owned()),
            !known
        );
    }
    let mut desk = desk(30, false);
    assert_eq!(deeds(desk.command(dispose(&[1]))), []);
    assert_eq!(desk.codes(), ["not_in_wrap_up"]);
}

#[test]
fn the_server_is_told_its_own_name_of_the_call() {
    for (variables, expected) in [
        (vec![], "pbx"),
        (vec![("Interaction-Id", "1732300000.17")], "1732300000.17"),
        (vec![("interaction-id", "x")], "x"),
        (vec![("Interaction-Id", "")], "pbx"),
    ] {
        let mut desk = desk(30, false);
        let (call, _) = desk.ring_as(|call| {
            call.reference = "pbx".to_owned();
            call.variables = variables
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect();
        });
        desk.pick_up(call);
        desk.end(call, CallEnd::Remote);
        let effects = desk.command(dispose(&[4]));
        assert!(
            matches!(&effects[..], [Effect::Dispose { reference, .. }] if reference == expected),
            "{effects:?}"
        );
    }
}

#[test]
fn a_disposition_that_the_server_did_not_keep_can_be_chosen_again() {
    let mut desk = after_a_call(0, true);
    desk.command(dispose(&[4]));
    desk.give(Input::Disposed(Err("Unknown disposition.".to_owned())));
    let notice = &desk.view().toasts[0].notice;
    assert_eq!(code(notice), "disposition_failed");
    let fault = "Unknown disposition".to_owned();
    assert_eq!(*notice, Notice::DispositionFailed { fault });
    assert!(!wrap_up(&desk).pending);
    assert_eq!(desk.command(dispose(&[4])).len(), 1);
    desk.give(Input::Disposed(Ok(())));
    assert_eq!(desk.view().wrap_up, None);
}

#[test]
fn signing_out_ends_the_wrap_up() {
    let mut desk = after_a_call(30, true);
    let effects = desk.command(Command::SignOut);
    assert!(effects.contains(&Effect::StopTimer(TimerId::WrapUpEnd)));
    assert_eq!(desk.view().wrap_up, None);
}
