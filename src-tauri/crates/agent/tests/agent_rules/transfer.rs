//! Handing calls over: blind, and after asking; a call that cannot be handed over is still there.

use crate::desk::{Desk, code, deeds};
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallId, CallState, Command, Effect, Input, Notice, TimerId, TransferState,
};

fn blind(call: CallId, number: &str) -> Command {
    Command::Transfer {
        call,
        number: number.to_owned(),
    }
}

fn told(desk: &mut Desk, call: CallId, state: TransferState) -> Vec<Effect> {
    desk.give(Input::Transfer { call, state })
}

fn failed() -> TransferState {
    TransferState::Failed {
        status: 486,
        reason: "Busy Here".to_owned(),
    }
}

/// A customer on hold, and a colleague who was asked.
fn consultation() -> (Desk, CallId, CallId) {
    let mut desk = Desk::ready(json!({}));
    let customer = desk.talk();
    let call = customer;
    desk.command(Command::Hold { call });
    desk.give(Input::HoldConfirmed { call, held: true });
    let (colleague, effects) = desk.dial("600");
    assert!(
        matches!(&effects[..], [Effect::Dial { number, .. }] if number == "600"),
        "a call on hold is no hindrance: {effects:?}"
    );
    desk.give(Input::Answered { call: colleague });
    assert_eq!(desk.call(colleague).state, CallState::Up);
    (desk, customer, colleague)
}

#[test]
fn a_blind_transfer_hands_the_call_over() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    let number = "600".to_owned();
    let effects = desk.command(blind(call, " 6-00 "));
    assert_eq!(effects[0], Effect::Transfer { call, number });
    assert_eq!(desk.call(call).transfer, Some(TransferState::Asked));
    assert_eq!(desk.command(blind(call, "601")), [], "one at a time");
    told(&mut desk, call, TransferState::Ringing);
    assert_eq!(desk.call(call).transfer, Some(TransferState::Ringing));
    assert_eq!(desk.call(call).state, CallState::Up, "not before it worked");
    let effects = told(&mut desk, call, TransferState::Done);
    assert!(effects.contains(&Effect::HangUp { call }));
    assert!(effects.contains(&Effect::StopTimer(TimerId::TransferOverdue(call))));
    assert_eq!(desk.codes(), ["transfer_done"]);
    desk.end(call, CallEnd::Local);
    assert_eq!(desk.call(call).end, Some(Notice::CallTransferred));
}

#[test]
fn a_far_end_that_hangs_up_during_the_transfer_was_handed_over() {
    let mut desk = Desk::ready(json!({}));
    let call = desk.talk();
    desk.command(blind(call, "600"));
    let effects = desk.end(call, CallEnd::Remote);
    assert!(effects.contains(&Effect::StopTimer(TimerId::TransferOverdue(call))));
    assert_eq!(desk.call(call).end, Some(Notice::CallTransferred));
}

#[test]
fn a_transfer_that_fails_leaves_the_call_as_it_was() {
    type Fail = fn(&mut Desk, CallId);
    let refused: Fail = |desk, call| {
        told(desk, call, failed());
    };
    let silent: Fail = |desk, call| {
        desk.wait(60_000);
        desk.give(Input::Timer(TimerId::TransferOverdue(call)));
    };
    for fail in [refused, silent] {
        let mut desk = Desk::ready(json!({}));
        let call = desk.talk();
        desk.command(blind(call, "600"));
        fail(&mut desk, call);
        let shown = desk.call(call);
        assert_eq!(shown.state, CallState::Up);
        assert!(matches!(shown.transfer, Some(TransferState::Failed { .. })));
        assert_eq!(desk.codes(), ["transfer_failed"]);
        // Everything can be done with it, another transfer too.
        let number = "601".to_owned();
        assert_eq!(
            desk.command(blind(call, "601"))[0],
            Effect::Transfer { call, number }
        );
        assert_eq!(
            desk.command(Command::Hold { call }),
            [Effect::Hold { call, on: true }]
        );
        let effects = desk.command(Command::HangUp { call });
        assert!(effects.contains(&Effect::HangUp { call }));
        desk.end(call, CallEnd::Local);
        assert_eq!(desk.call(call).end, Some(Notice::CallEnded));
    }
}

#[test]
fn a_transfer_needs_a_call_that_is_answered_and_a_number() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.ring();
    assert_eq!(desk.command(blind(call, "600")), [], "not while it rings");
    desk.pick_up(call);
    assert_eq!(deeds(desk.command(blind(call, "what is this"))), []);
    assert_eq!(desk.codes(), ["bad_number"]);
    assert_eq!(
        told(&mut desk, call, TransferState::Done),
        [],
        "nobody asked for it"
    );
    assert_eq!(desk.call(call).state, CallState::Up);
    desk.command(Command::HangUp { call });
    assert_eq!(desk.command(blind(call, "600")), []);
}

#[test]
fn a_customer_is_connected_with_the_colleague_who_was_asked() {
    let (mut desk, call, other) = consultation();
    let effects = desk.command(Command::TransferTo { call, other });
    assert_eq!(effects[0], Effect::TransferTo { call, other });
    // The colleague's phone takes the customer and leaves us.
    desk.end(other, CallEnd::Remote);
    assert_eq!(desk.call(other).end, Some(Notice::CallTransferred));
    let effects = told(&mut desk, call, TransferState::Done);
    assert!(effects.contains(&Effect::HangUp { call }));

    let (mut desk, call, other) = consultation();
    desk.command(Command::TransferTo { call, other });
    let effects = told(&mut desk, call, TransferState::Done);
    for call in [call, other] {
        assert!(effects.contains(&Effect::HangUp { call }));
        desk.end(call, CallEnd::Local);
        assert_eq!(
            code(&desk.call(call).end.expect("a reason")),
            "call_transferred"
        );
    }
}

#[test]
fn a_customer_who_cannot_be_connected_is_still_there_and_so_is_the_colleague() {
    let (mut desk, call, other) = consultation();
    desk.command(Command::TransferTo { call, other });
    told(&mut desk, call, failed());
    assert_eq!(desk.call(call).state, CallState::Held);
    assert_eq!(desk.call(other).state, CallState::Up);
    assert_eq!(desk.codes(), ["transfer_failed"]);
    desk.command(Command::HangUp { call: other });
    desk.end(other, CallEnd::Local);
    assert_eq!(
        desk.command(Command::Resume { call }),
        [Effect::Hold { call, on: false }]
    );
}

#[test]
fn two_calls_are_connected_only_when_both_are_answered() {
    let mut desk = Desk::ready(json!({"phoneBarRingInUse": true}));
    let first = desk.talk();
    let (second, _) = desk.ring();
    for (call, other) in [
        (first, second),
        (second, first),
        (first, first),
        (first, CallId(99)),
    ] {
        assert_eq!(desk.command(Command::TransferTo { call, other }), []);
    }
}
