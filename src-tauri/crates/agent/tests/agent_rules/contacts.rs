//! Callbacks, preview calls and pickup: calls to numbers that the server tells.

use crate::desk::{Desk, deeds, paused, ready};
use serde_json::{Value, json};
use sidetone_agent::{Callback, Command, Effect, Input, PreviewCall};

fn callback() -> Input {
    Input::Callbacks(vec![Callback {
        id: "c1".to_owned(),
        name: "Grace Hopper".to_owned(),
        number: "+1 555-0123".to_owned(),
        queue: Some("support".to_owned()),
        due_ms: Some(1_000),
        note: "call +1 555 0123 back, ask for Hopper".to_owned(),
    }])
}

fn preview(number: &str) -> Input {
    Input::Previews(vec![PreviewCall {
        id: "p1".to_owned(),
        name: "Grace Hopper".to_owned(),
        number: number.to_owned(),
        campaign: Some("spring".to_owned()),
    }])
}

fn dialled(effects: &[Effect]) -> Option<&str> {
    effects.iter().find_map(|effect| match effect {
        Effect::Dial { number, .. } => Some(number.as_str()),
        _ => None,
    })
}

fn start_callback() -> Command {
    Command::StartCallback {
        callback: "c1".to_owned(),
    }
}

fn start_preview() -> Command {
    Command::StartPreview {
        preview: "p1".to_owned(),
    }
}

#[test]
fn a_callback_is_called_told_and_finished() {
    let mut desk = Desk::ready(json!({}));
    desk.give(callback());
    let shown = desk.view().callbacks;
    assert_eq!(shown[0].name, "Grace Hopper");
    assert_eq!(shown[0].queue.as_deref(), Some("support"));
    assert_eq!(shown[0].due_ms, Some(1_000));
    let effects = desk.command(start_callback());
    assert_eq!(dialled(&effects), Some("+15550123"));
    let callback = "c1".to_owned();
    assert!(effects.contains(&Effect::StartCallback {
        callback: callback.clone()
    }));
    assert_eq!(desk.view().calls[0].name, "Grace Hopper");
    for done in [true, false] {
        let callback = callback.clone();
        assert_eq!(
            desk.command(Command::FinishCallback {
                callback: callback.clone(),
                done
            }),
            [Effect::FinishCallback { callback, done }]
        );
    }
    desk.give(Input::Callbacks(Vec::new()));
    assert_eq!(desk.view().callbacks, []);
    assert_eq!(desk.command(start_callback()), [], "it is gone");
}

#[test]
fn a_masked_callback_is_called_all_the_same() {
    let mut desk = Desk::ready(json!({"privacyEnabled": true}));
    desk.give(callback());
    let shown = desk.view().callbacks;
    assert_eq!(
        (shown[0].name.as_str(), shown[0].number.as_str()),
        ("•••", "•••")
    );
    assert_eq!(shown[0].note, "call ••• back, ask for •••");
    let effects = desk.command(start_callback());
    assert_eq!(dialled(&effects), Some("+15550123"));
    let call = &desk.view().calls[0];
    assert_eq!((call.name.as_str(), call.number.as_str()), ("•••", "•••"));
}

#[test]
fn what_cannot_be_called_is_not_told_as_called() {
    type Before = fn(&mut Desk);
    let rows: [(Before, &str, &str); 4] = [
        (|_| {}, "none", "bad_number"),
        (
            |desk| {
                desk.talk();
            },
            "600",
            "already_in_call",
        ),
        (
            |desk| {
                desk.give(Input::Registration(sidetone_agent::Registration::Trying));
            },
            "600",
            "not_ready_to_call",
        ),
        (
            |desk| {
                desk.give(Input::Profile(crate::desk::profile(
                    json!({"type": "peer"}),
                )));
                let toast = desk.view().toasts[0].id;
                desk.command(Command::DismissToast { toast });
            },
            "600",
            "may_not_call",
        ),
    ];
    for (before, number, expected) in rows {
        let mut desk = Desk::ready(json!({}));
        before(&mut desk);
        let number = if number == "none" {
            "no number"
        } else {
            number
        };
        desk.give(preview(number));
        assert_eq!(deeds(desk.command(start_preview())), [], "{expected}");
        assert_eq!(desk.codes(), [expected]);
    }
}

#[test]
fn a_preview_call_needs_no_pause_unless_breaks_are_ignored() {
    let rows: [(Value, bool, bool); 4] = [
        (json!({}), false, true),
        (json!({}), true, false),
        (json!({"phoneBarIgnoreBreakPreview": true}), true, true),
        (json!({"phoneBarIgnoreBreakPreview": true}), false, true),
    ];
    for (settings, in_pause, allowed) in rows {
        let report = if in_pause { paused("Lunch") } else { ready() };
        let mut desk = Desk::with_presence(settings.clone(), report);
        desk.give(preview("600700"));
        assert_eq!(
            desk.view().previews[0].allowed,
            allowed,
            "{settings} {in_pause}"
        );
        let effects = desk.command(start_preview());
        assert_eq!(
            dialled(&effects).is_some(),
            allowed,
            "{settings} {in_pause}"
        );
        let preview = "p1".to_owned();
        assert_eq!(effects.contains(&Effect::StartPreview { preview }), allowed);
        if !allowed {
            assert_eq!(desk.codes(), ["no_preview_in_pause"]);
        }
    }
}

#[test]
fn pickup_dials_the_servers_code_when_there_is_a_group() {
    let mut desk = Desk::ready(json!({}));
    assert!(!desk.view().permissions.pickup);
    assert_eq!(deeds(desk.command(Command::Pickup)), []);
    assert_eq!(desk.codes(), ["no_pickup"]);
    let mut desk = Desk::ready(json!({"pickupgroup": "1"}));
    assert!(desk.view().permissions.pickup);
    assert_eq!(dialled(&desk.command(Command::Pickup)), Some("*8"));
    let mut desk = Desk::ready(json!({"pickupgroup": "1"}));
    desk.server(|settings| settings.pickup_code = "*81#".to_owned());
    assert_eq!(dialled(&desk.command(Command::Pickup)), Some("*81#"));
}
