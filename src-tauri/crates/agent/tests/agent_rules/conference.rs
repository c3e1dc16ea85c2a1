//! Two calls joined into one: who hears whom, and what is left when somebody goes.

use crate::desk::Desk;
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallId, CallState, Command, Effect, Input, Notice, OneWay, TransferState,
};

/// A customer on hold, and a colleague who answered.
fn two_calls() -> (Desk, CallId, CallId) {
    let mut desk = Desk::ready(json!({}));
    let customer = desk.talk();
    hold(&mut desk, customer);
    let (colleague, _) = desk.dial("600");
    desk.give(Input::Answered { call: colleague });
    (desk, customer, colleague)
}

fn hold(desk: &mut Desk, call: CallId) {
    desk.command(Command::Hold { call });
    desk.give(Input::HoldConfirmed { call, held: true });
}

/// The same, joined.
fn conference() -> (Desk, CallId, CallId) {
    let (mut desk, customer, colleague) = two_calls();
    join(&mut desk, colleague, customer);
    desk.give(Input::HoldConfirmed {
        call: customer,
        held: false,
    });
    (desk, customer, colleague)
}

fn join(desk: &mut Desk, call: CallId, other: CallId) -> Vec<Effect> {
    desk.command(Command::Conference { call, other })
}

fn joined(desk: &Desk) -> Vec<CallId> {
    let calls = desk.view().calls;
    let inside = calls.iter().filter(|call| call.in_conference);
    inside.map(|call| call.id).collect()
}

#[test]
fn a_held_call_is_resumed_and_joined_and_the_agent_hears_who_came() {
    let (mut desk, customer, colleague) = two_calls();
    let effects = join(&mut desk, colleague, customer);
    let calls = vec![customer, colleague];
    assert_eq!(
        effects,
        [
            Effect::Hold {
                call: customer,
                on: false
            },
            Effect::Conference { calls }
        ],
        "the mixer knows before the far end agrees"
    );
    assert_eq!(desk.call(customer).state, CallState::Resuming);
    desk.give(Input::HoldConfirmed {
        call: customer,
        held: false,
    });
    for call in [customer, colleague] {
        assert_eq!(desk.call(call).state, CallState::Up);
        assert!(desk.call(call).in_conference);
    }
    assert_eq!(desk.codes(), ["conference_joined"]);
    let name = desk.view().toasts[0].notice.clone();
    assert!(matches!(name, Notice::ConferenceJoined { name } if name == "Grace"));
}

#[test]
fn whoever_leaves_leaves_an_ordinary_call() {
    type Leave = fn(&mut Desk, CallId);
    let table: [(&str, Leave); 4] = [
        ("hung up by the agent", |desk, call| {
            desk.command(Command::HangUp { call });
        }),
        ("hung up by the far end", |desk, call| {
            desk.end(call, CallEnd::Remote);
        }),
        ("held", hold),
        ("handed over", |desk, call| {
            let number = "700".to_owned();
            desk.command(Command::Transfer { call, number });
            let state = TransferState::Done;
            desk.give(Input::Transfer { call, state });
        }),
    ];
    for (what, leave) in table {
        let (mut desk, customer, colleague) = conference();
        leave(&mut desk, customer);
        assert_eq!(joined(&desk), [], "{what}");
        assert_eq!(desk.call(colleague).state, CallState::Up, "{what}");
        // What is left can do what every call can.
        let call = colleague;
        assert_eq!(
            desk.command(Command::Hold { call }),
            [Effect::Hold { call, on: true }],
            "{what}"
        );
    }
}

#[test]
fn the_mixer_is_told_when_the_conference_is_over() {
    let (mut desk, customer, _) = conference();
    let effects = desk.command(Command::HangUp { call: customer });
    let calls = Vec::new();
    assert!(
        effects.contains(&Effect::Conference { calls }),
        "{effects:?}"
    );
}

#[test]
fn a_hold_that_is_refused_leaves_the_call_in_the_conference() {
    let (mut desk, customer, colleague) = conference();
    let call = customer;
    desk.command(Command::Hold { call });
    assert_eq!(joined(&desk), [customer, colleague], "until it is agreed");
    desk.give(Input::HoldConfirmed { call, held: false });
    assert_eq!(joined(&desk), [customer, colleague]);
    assert_eq!(desk.call(call).state, CallState::Up);
}

#[test]
fn a_far_end_that_refuses_to_be_resumed_stays_outside() {
    let (mut desk, customer, colleague) = two_calls();
    join(&mut desk, colleague, customer);
    desk.give(Input::HoldConfirmed {
        call: customer,
        held: true,
    });
    assert_eq!(joined(&desk), []);
    assert_eq!(desk.call(customer).state, CallState::Held);
    assert_eq!(desk.call(colleague).state, CallState::Up);
}

#[test]
fn the_agent_leaves_and_the_two_go_on() {
    let (mut desk, customer, colleague) = conference();
    let effects = desk.command(Command::TransferTo {
        call: customer,
        other: colleague,
    });
    let (call, other) = (customer, colleague);
    assert!(effects.contains(&Effect::TransferTo { call, other }));
    let state = TransferState::Done;
    let effects = desk.give(Input::Transfer { call, state });
    for call in [customer, colleague] {
        assert!(effects.contains(&Effect::HangUp { call }), "{effects:?}");
    }
}

#[test]
fn what_cannot_be_joined_is_left_as_it_is() {
    let (mut desk, customer, colleague) = two_calls();
    let (ringing, _) = desk.ring_directly();
    for (one, other) in [
        (colleague, colleague),
        (colleague, CallId(99)),
        (colleague, ringing),
    ] {
        assert_eq!(join(&mut desk, one, other), [], "{one:?} {other:?}");
    }
    // A hold that is still being agreed.
    desk.command(Command::Hold { call: colleague });
    assert_eq!(join(&mut desk, colleague, customer), []);
}

#[test]
fn a_call_that_is_up_is_not_heard_by_two_that_are_joined_beside_it() {
    let (mut desk, customer, colleague) = two_calls();
    hold(&mut desk, colleague);
    let (third, _) = desk.dial("601");
    desk.give(Input::Answered { call: third });
    join(&mut desk, customer, colleague);
    assert_eq!(joined(&desk), []);
    assert!(desk.codes().contains(&"already_in_call".to_owned()));
    // It may come into it, though.
    join(&mut desk, third, customer);
    let call = customer;
    desk.give(Input::HoldConfirmed { call, held: false });
    join(&mut desk, customer, colleague);
    let call = colleague;
    desk.give(Input::HoldConfirmed { call, held: false });
    assert_eq!(joined(&desk), [customer, colleague, third]);
}

#[test]
fn who_is_not_heard_is_told_in_words_unless_they_know() {
    let silent = Some(OneWay::MicrophoneSilent);
    let notice = |desk: &Desk, call| desk.call(call).sound_fault;
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    for (fault, words) in [
        (silent, Some(Notice::MicrophoneSilent)),
        (Some(OneWay::NotArriving), Some(Notice::SoundNotArriving)),
        (Some(OneWay::NothingReceived), Some(Notice::NothingHeard)),
        (None, None),
    ] {
        desk.give(Input::OneWay { call, fault });
        assert_eq!(notice(&desk, call), words);
    }
    desk.give(Input::OneWay {
        call,
        fault: silent,
    });
    desk.command(Command::Mute { on: true });
    assert_eq!(notice(&desk, call), None, "the agent muted it");
    desk.command(Command::Mute { on: false });
    hold(&mut desk, call);
    assert_eq!(notice(&desk, call), None, "nobody should hear");
}
