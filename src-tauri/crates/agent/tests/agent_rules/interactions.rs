//! Offers of the other channels: capacity, tab limit, pause, automatic acceptance.

use crate::desk::{Desk, paused, profile, ready};
use serde_json::{Value, json};
use sidetone_agent::{
    ChannelPresence, Command, Effect, Input, Interaction, PresenceReport, QueueMembership, Time,
    TimerId,
};
use sidetone_profile::Channel;

fn offered(id: &str, channel: Channel) -> Interaction {
    Interaction {
        id: id.to_owned(),
        channel,
        offered: true,
        from: "Grace Hopper".to_owned(),
        queue: Some("mail".to_owned()),
        strategy: None,
        address: Some(format!("/desk/{id}")),
    }
}

fn open(id: &str, channel: Channel) -> Interaction {
    Interaction {
        offered: false,
        ..offered(id, channel)
    }
}

fn list(rows: &[Interaction]) -> Input {
    Input::Interactions(rows.to_vec())
}

fn show(id: &str) -> Effect {
    Effect::ShowOffer {
        interaction: id.to_owned(),
    }
}

fn hide(id: &str) -> Effect {
    Effect::HideOffer {
        interaction: id.to_owned(),
    }
}

fn take(id: &str) -> Effect {
    Effect::AcceptInteraction {
        interaction: id.to_owned(),
    }
}

fn accept(id: &str) -> Command {
    Command::AcceptInteraction {
        interaction: id.to_owned(),
    }
}

#[test]
fn an_offer_is_announced_taken_and_opened() {
    let mut desk = Desk::ready(json!({}));
    assert_eq!(desk.give(list(&[offered("a", Channel::Chat)])), [show("a")]);
    assert_eq!(desk.give(list(&[offered("a", Channel::Chat)])), [], "once");
    let shown = desk.view().interactions;
    assert_eq!(
        (shown[0].from.as_str(), shown[0].offered),
        ("Grace Hopper", true)
    );
    assert_eq!(desk.command(accept("a")), [hide("a"), take("a")]);
    assert!(
        desk.view().interactions[0].offered,
        "not before the server says so"
    );
    let address = "/desk/a".to_owned();
    assert_eq!(
        desk.give(list(&[open("a", Channel::Chat)])),
        [Effect::OpenPage {
            address: address.clone()
        }]
    );
    assert!(!desk.view().interactions[0].offered);
    let interaction = "a".to_owned();
    assert_eq!(
        desk.command(Command::OpenInteraction { interaction }),
        [Effect::OpenPage { address }]
    );
    desk.give(list(&[]));
    assert_eq!(desk.view().interactions, []);
}

#[test]
fn an_offer_that_is_declined_or_gone_is_announced_no_more() {
    let mut desk = Desk::ready(json!({}));
    desk.give(list(&[
        offered("a", Channel::Sms),
        offered("b", Channel::Sms),
    ]));
    let interaction = "a".to_owned();
    assert_eq!(
        desk.command(Command::DeclineInteraction {
            interaction: interaction.clone()
        }),
        [hide("a"), Effect::DeclineInteraction { interaction }]
    );
    assert_eq!(desk.give(list(&[offered("a", Channel::Sms)])), [hide("b")]);
    assert_eq!(desk.view().interactions, []);
    assert_eq!(desk.command(accept("b")), []);
}

#[test]
fn an_offer_over_capacity_or_tab_limit_or_in_a_pause_is_not_announced() {
    let partly = |channel| PresenceReport {
        channels: vec![ChannelPresence {
            channel,
            paused: true,
            reason: None,
            paused_for_ms: 0,
        }],
        ..ready()
    };
    let one = |channel| vec![open("o", channel)];
    let none = Vec::new;
    let rows: Vec<(Value, u32, PresenceReport, Vec<Interaction>, bool)> = vec![
        (json!({}), 20, ready(), none(), true),
        // 0 is no limit.
        (
            json!({"chatCapacity": 0}),
            0,
            ready(),
            one(Channel::Chat),
            true,
        ),
        (json!({"chatCapacity": 1}), 20, ready(), none(), true),
        (
            json!({"chatCapacity": 1}),
            20,
            ready(),
            one(Channel::Chat),
            false,
        ),
        (
            json!({"chatCapacity": 2}),
            20,
            ready(),
            one(Channel::Chat),
            true,
        ),
        (
            json!({"chatCapacity": 1}),
            20,
            ready(),
            one(Channel::Email),
            true,
        ),
        (
            json!({"emailCapacity": 1}),
            20,
            ready(),
            one(Channel::Chat),
            true,
        ),
        (json!({}), 1, ready(), one(Channel::Email), false),
        (json!({}), 2, ready(), one(Channel::Email), true),
        (json!({}), 20, paused("Lunch"), none(), false),
        (json!({}), 20, partly(Channel::Chat), none(), false),
        (json!({}), 20, partly(Channel::Email), none(), true),
    ];
    for (row, (settings, tab_limit, presence, others, announced)) in rows.into_iter().enumerate() {
        let mut desk = Desk::with_presence(settings, presence);
        desk.server(|settings| settings.tab_limit = tab_limit);
        let mut rows = others;
        rows.push(offered("a", Channel::Chat));
        let effects = desk.give(list(&rows));
        assert_eq!(effects.contains(&show("a")), announced, "row {row}");
        let shown = desk.view().interactions;
        assert_eq!(
            shown.iter().any(|shown| shown.id == "a"),
            announced,
            "row {row}"
        );
        assert_eq!(
            desk.command(accept("a")).is_empty(),
            !announced,
            "row {row}"
        );
    }
}

#[test]
fn room_is_counted_as_it_comes_and_goes() {
    let mut desk = Desk::ready(json!({"faxCapacity": 1}));
    let (a, b) = (offered("a", Channel::Fax), offered("b", Channel::Fax));
    assert_eq!(desk.give(list(&[a, b.clone()])), [show("a"), show("b")]);
    // Taking one leaves no room for the other.
    assert_eq!(desk.command(accept("a")), [hide("a"), take("a"), hide("b")]);
    assert_eq!(
        desk.give(list(&[open("a", Channel::Fax), b.clone()]))
            .last(),
        Some(&Effect::OpenPage {
            address: "/desk/a".to_owned()
        })
    );
    assert_eq!(desk.give(list(&[b])), [show("b")]);
    // And a pause withdraws what was announced.
    assert_eq!(desk.give(Input::Presence(paused("Lunch"))), [hide("b")]);
    assert_eq!(desk.give(Input::Presence(ready())), [show("b")]);
}

#[test]
fn an_offer_is_taken_by_itself_after_the_delay_with_a_countdown() {
    let settings = json!({"whatsappAutoanswer": true, "whatsappAutoanswerDelay": 5});
    let mut desk = Desk::ready(settings.clone());
    let effects = desk.give(list(&[offered("a", Channel::Whatsapp)]));
    let timer = TimerId::AutoAccept(1);
    let at = Time(desk.now.0 + 5_000);
    assert_eq!(effects, [Effect::StartTimer { timer, at }, show("a")]);
    desk.wait(2_000);
    let countdown = desk.view().interactions[0]
        .auto_answer
        .expect("a countdown");
    assert_eq!((countdown.left_ms, countdown.total_ms), (3_000, 5_000));
    assert_eq!(
        desk.give(Input::Timer(timer)),
        [Effect::StartTimer { timer, at }]
    );
    desk.wait(3_000);
    let effects = desk.give(Input::Timer(timer));
    assert!(effects.contains(&take("a")) && effects.contains(&hide("a")));
    assert_eq!(
        desk.give(list(&[open("a", Channel::Whatsapp)])),
        [],
        "what came by itself does not open pages by itself"
    );

    // Earlier by hand, or gone: nothing happens at its time.
    for settle in [
        Input::Command(accept("a")),
        list(&[]),
        Input::Profile(profile(json!({}))),
    ] {
        let mut desk = Desk::ready(settings.clone());
        desk.give(list(&[offered("a", Channel::Whatsapp)]));
        assert!(
            desk.give(settle.clone())
                .contains(&Effect::StopTimer(timer))
        );
        desk.wait(5_000);
        assert_eq!(desk.give(Input::Timer(timer)), [], "{settle:?}");
    }
}

#[test]
fn without_a_delay_it_is_taken_at_once_and_never_announced() {
    let mut desk = Desk::ready(json!({"chatAutoanswer": true}));
    assert_eq!(desk.give(list(&[offered("a", Channel::Chat)])), [take("a")]);
    // Only as many as there is room for.
    let mut desk = Desk::ready(json!({"chatAutoanswer": true, "chatCapacity": 1}));
    let rows = [offered("a", Channel::Chat), offered("b", Channel::Chat)];
    assert_eq!(desk.give(list(&rows)), [take("a")]);
}

#[test]
fn with_beepall_nothing_is_taken_by_itself() {
    let settings = json!({"chatAutoanswer": true});
    let mut beepall = offered("a", Channel::Chat);
    beepall.strategy = Some("BeepAll".to_owned());
    let mut desk = Desk::ready(settings.clone());
    assert_eq!(desk.give(list(&[beepall])), [show("a")]);
    // The list of queues says it, too.
    let mut desk = Desk::ready(settings);
    desk.give(Input::Queues(vec![QueueMembership {
        id: 1,
        name: "Mail".to_owned(),
        waiting: None,
        strategy: Some("beepall".to_owned()),
    }]));
    assert_eq!(desk.give(list(&[offered("a", Channel::Chat)])), [show("a")]);
}

#[test]
fn an_acceptance_that_failed_is_said_and_can_be_tried_again_by_hand() {
    let mut desk = Desk::ready(json!({"chatAutoanswer": true}));
    desk.give(list(&[offered("a", Channel::Chat)]));
    let effects = desk.give(Input::Failed("Somebody else took it.".to_owned()));
    assert_eq!(desk.codes(), ["request_failed"]);
    assert!(effects.contains(&show("a")) && !effects.contains(&take("a")));
    assert_eq!(desk.command(accept("a")), [hide("a"), take("a")]);
}

#[test]
fn signing_out_withdraws_what_was_announced() {
    let mut desk = Desk::ready(json!({}));
    desk.give(list(&[offered("a", Channel::Chat)]));
    assert!(desk.command(Command::SignOut).contains(&hide("a")));
    assert_eq!(desk.view().interactions, []);
}
