//! What opens when a call comes, is answered or ends.

use crate::desk::{Desk, paused};
use serde_json::json;
use sidetone_agent::{CallEnd, Command, Effect, Input};
use sidetone_profile::{PopDirection, PopMoment, PopTarget, ScreenPop};

fn url(address: &str) -> PopTarget {
    PopTarget::Url(address.to_owned())
}

fn rule(on: PopMoment, open: PopTarget) -> ScreenPop {
    ScreenPop {
        queue: None,
        on,
        direction: None,
        open,
    }
}

fn desk(settings: serde_json::Value, rules: Vec<ScreenPop>) -> Desk {
    let mut desk = Desk::ready(settings);
    desk.server(|settings| settings.screen_pops = rules);
    desk
}

fn popped(effects: &[Effect]) -> Vec<PopTarget> {
    let pops = effects.iter().filter_map(|effect| match effect {
        Effect::ScreenPop(target) => Some(target.clone()),
        _ => None,
    });
    pops.collect()
}

#[test]
fn each_rule_opens_at_its_moment_queue_and_direction_once() {
    let moments = [PopMoment::Ringing, PopMoment::Answered, PopMoment::Ended];
    let mut rules: Vec<_> = moments
        .into_iter()
        .map(|on| rule(on, url(&format!("https://crm.example/{on:?}"))))
        .collect();
    rules.push(ScreenPop {
        queue: Some("Support".to_owned()),
        ..rule(PopMoment::Ringing, url("https://crm.example/support"))
    });
    rules.push(ScreenPop {
        queue: Some("sales".to_owned()),
        ..rule(PopMoment::Ringing, url("https://crm.example/sales"))
    });
    rules.push(ScreenPop {
        direction: Some(PopDirection::Outgoing),
        ..rule(PopMoment::Ringing, url("https://crm.example/out"))
    });
    let mut desk = desk(json!({}), rules);
    let (call, effects) = desk.ring();
    assert_eq!(
        popped(&effects),
        [
            url("https://crm.example/Ringing"),
            url("https://crm.example/support")
        ]
    );
    assert_eq!(popped(&desk.command(Command::Answer { call })), []);
    let effects = desk.give(Input::Answered { call });
    assert_eq!(popped(&effects), [url("https://crm.example/Answered")]);
    assert_eq!(popped(&desk.give(Input::Answered { call })), []);
    let effects = desk.end(call, CallEnd::Remote);
    assert_eq!(popped(&effects), [url("https://crm.example/Ended")]);

    let (call, effects) = desk.dial("600");
    assert_eq!(
        popped(&effects),
        [
            url("https://crm.example/Ringing"),
            url("https://crm.example/out")
        ]
    );
    desk.give(Input::Answered { call });
}

#[test]
fn nothing_opens_for_a_call_that_does_not_ring() {
    let rules = vec![rule(PopMoment::Ringing, url("https://crm.example/"))];
    let mut desk = desk(json!({"phoneBarDnd": true}), rules);
    desk.give(Input::Presence(paused("Lunch")));
    assert_eq!(popped(&desk.ring().1), []);
}

#[test]
fn values_of_the_call_are_put_in_so_that_they_stay_values() {
    let odd = "a&b=c d/é?#%{x}\"'";
    for (settings, template, opened) in [
        (
            json!({}),
            url("https://crm.example/?n={number}&w={name}&q={queue}&d={direction}&c={call}"),
            url("https://crm.example/?n=5550123&w=Grace&q=support&d=incoming&c=pbx-1"),
        ),
        (
            json!({}),
            url("https://crm.example/{odd}"),
            url("https://crm.example/a%26b%3Dc%20d%2F%C3%A9%3F%23%25%7Bx%7D%22%27"),
        ),
        (
            json!({}),
            url("https://crm.example/{TICKET}/{nothing}/{left open"),
            url("https://crm.example/T-1//{left open"),
        ),
        (
            json!({"privacyEnabled": "partial"}),
            url("https://crm.example/?n={number}&w={name}&p={Phone}"),
            url(
                "https://crm.example/?n=%E2%80%A2%E2%80%A2%E2%80%A2123&w=G%E2%80%A2%E2%80%A2%E2%80%A2\
                 &p=%E2%80%A2%E2%80%A2%E2%80%A2123",
            ),
        ),
        (
            json!({}),
            PopTarget::Program {
                path: "/usr/bin/{odd}".to_owned(),
                args: vec![
                    "--ticket={odd}".to_owned(),
                    "{odd}".to_owned(),
                    "{option}".to_owned(),
                ],
            },
            PopTarget::Program {
                path: "/usr/bin/{odd}".to_owned(),
                args: vec![format!("--ticket={odd}"), odd.to_owned(), "rf".to_owned()],
            },
        ),
    ] {
        let mut desk = desk(settings, vec![rule(PopMoment::Ringing, template)]);
        let (_, effects) = desk.ring_as(|call| {
            call.reference = "pbx-1".to_owned();
            call.variables = [
                ("Ticket", "T-1"),
                ("Odd", odd),
                ("Option", "--rf"),
                ("Phone", "5550123"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        });
        assert_eq!(popped(&effects), [opened]);
    }
}
