//! Nothing that leaves the agent's session shows what is masked.

use crate::desk::{Desk, profile};
use serde_json::{Value, json};
use sidetone_agent::{
    CallEnd, CallId, Callback, Command, Effect, Input, Interaction, MediaState, PreviewCall,
    RecordingState, TransferState,
};
use sidetone_profile::{Channel, PopMoment, PopTarget, ScreenPop};

const NUMBER: &str = "5550123";
const NAME: &str = "Hopper";
const MAIL: &str = "grace@example.com";

/// Everything that a call with this customer brings about, as text.
fn everything(desk: &mut Desk) -> String {
    let mut seen = String::new();
    let mut look = |desk: &Desk, effects: Vec<Effect>| {
        for effect in effects {
            // What is dialled must be clear; it goes to the exchange, which knows it.
            if !matches!(effect, Effect::Dial { .. }) {
                seen.push_str(&format!("{effect:?}\n"));
            }
        }
        seen.push_str(&format!("{:?}\n", desk.view()));
    };
    let said = || format!("{NAME} at {NUMBER} is not there");
    let open = |address: &str| PopTarget::Url(address.to_owned());
    let effects = desk.server(|settings| {
        settings.wrap_up_s = 10;
        settings.screen_pops = [PopMoment::Ringing, PopMoment::Answered, PopMoment::Ended]
            .map(|on| ScreenPop {
                queue: None,
                on,
                direction: None,
                open: open("https://crm.example/{number}/{name}/{Phone}/{Mail}/{Text}/{Record-Id}"),
            })
            .into();
    });
    look(desk, effects);
    let contact = |list: bool| {
        if list {
            Input::Callbacks(vec![Callback {
                id: "c".to_owned(),
                name: format!("Grace {NAME}"),
                number: NUMBER.to_owned(),
                queue: None,
                due_ms: None,
                note: format!("ask {NAME}, 555-0123, {MAIL}"),
            }])
        } else {
            Input::Previews(vec![PreviewCall {
                id: "p".to_owned(),
                name: NUMBER.to_owned(),
                number: NUMBER.to_owned(),
                campaign: None,
            }])
        }
    };
    for list in [true, false] {
        let effects = desk.give(contact(list));
        look(desk, effects);
    }
    let from = [MAIL, NUMBER, "Grace Hopper"].map(|from| Interaction {
        id: from.len().to_string(),
        channel: Channel::Email,
        offered: true,
        from: from.to_owned(),
        queue: None,
        strategy: None,
        address: None,
    });
    let effects = desk.give(Input::Interactions(from.into()));
    look(desk, effects);

    let (call, effects) = desk.ring_as(|call| {
        call.caller_name = format!("Grace {NAME} {NUMBER}");
        call.variables = [
            ("Phone", NUMBER),
            ("Mail", MAIL),
            ("Text", "dial (555) 0123 for Hopper"),
            ("Record-Id", "x-5550123"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    });
    look(desk, effects);
    let inputs: Vec<fn(CallId, String) -> Input> = vec![
        |call, _| Input::Command(Command::Answer { call }),
        |call, _| Input::Answered { call },
        |call, fault| Input::Recording {
            call,
            state: RecordingState::Failed { fault },
        },
        |call, _| {
            Input::Command(Command::Transfer {
                call,
                number: "600".to_owned(),
            })
        },
        |call, reason| Input::Transfer {
            call,
            state: TransferState::Failed {
                status: 404,
                reason,
            },
        },
        |call, fault| Input::Media {
            call,
            state: MediaState::Failed(fault),
        },
        |call, fault| Input::Ended {
            call,
            end: CallEnd::MediaFailed(fault),
        },
        |_, _| {
            Input::Command(Command::StartCallback {
                callback: "c".to_owned(),
            })
        },
    ];
    for input in inputs {
        let effects = desk.give(input(call, said()));
        look(desk, effects);
    }
    let outgoing = desk.view().calls.last().expect("a call").id;
    let effects = desk.end(
        outgoing,
        CallEnd::Refused {
            status: 499,
            reason: said(),
        },
    );
    look(desk, effects);
    let effects = desk.command(Command::CallAgain { entry: 1 });
    look(desk, effects);
    seen
}

#[test]
fn neither_name_nor_number_nor_address_leaves_in_clear() {
    let rows: [(Value, [bool; 3]); 5] = [
        (json!({}), [true, true, true]),
        (json!({"privacyEnabled": true}), [false, false, false]),
        (json!({"privacyEnabled": "partial"}), [false, false, false]),
        (
            json!({"privacyEnabled": true, "privacyName": "off"}),
            [true, false, false],
        ),
        (
            json!({"privacyEnabled": true, "privacyNumber": "off"}),
            [false, true, false],
        ),
    ];
    for (settings, [name, number, mail]) in rows {
        let mut desk = Desk::ready(settings.clone());
        let seen = everything(&mut desk);
        for (clear, expected) in [
            (NAME, name),
            (NUMBER, number),
            ("555-0123", number),
            ("(555) 0123", number),
            (MAIL, mail),
        ] {
            let line = seen.lines().find(|line| line.contains(clear));
            assert_eq!(line.is_some(), expected, "{settings} {clear}: {line:?}");
        }
    }
}

#[test]
fn masking_that_begins_during_a_call_hides_what_is_on_the_screen() {
    let mut desk = Desk::ready(json!({}));
    let (call, _) = desk.ring_as(|call| {
        call.variables = vec![("Phone".to_owned(), NUMBER.to_owned())];
    });
    desk.pick_up(call);
    desk.give(Input::Callbacks(vec![Callback {
        id: "c".to_owned(),
        name: "Grace Hopper".to_owned(),
        number: NUMBER.to_owned(),
        queue: None,
        due_ms: None,
        note: format!("ask at {NUMBER}"),
    }]));
    assert!(format!("{:?}", desk.view()).contains(NUMBER));
    let effects = desk.give(Input::Profile(profile(json!({"privacyEnabled": true}))));
    let seen = format!("{effects:?} {:?}", desk.view());
    assert!(!seen.contains(NUMBER) && !seen.contains("Grace"), "{seen}");
    assert!(desk.view().masked);
    let effects = desk.end(call, CallEnd::Remote);
    assert!(!format!("{effects:?} {:?}", desk.view()).contains(NUMBER));
}

#[test]
fn the_session_itself_does_not_print_what_it_hides() {
    let mut desk = Desk::ready(json!({"privacyEnabled": true}));
    everything(&mut desk);
    let printed = format!("{:?}", desk.agent);
    assert!(!printed.contains(NUMBER), "a crash report may hold this");
}
