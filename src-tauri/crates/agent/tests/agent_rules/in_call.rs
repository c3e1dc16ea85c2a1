//! What can happen in a call, and how it ends.

use crate::desk::{Desk, code};
use serde_json::json;
use sidetone_agent::{
    CallEnd, CallState, Command, Effect, Input, MediaState, Notice, Registration, TimerId,
};

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
