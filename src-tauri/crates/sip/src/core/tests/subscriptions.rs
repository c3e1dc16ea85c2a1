//! Subscriptions against hand-written messages.

use std::time::Duration;

use super::solo::Solo;
use crate::api::{Package, SubscriptionId};
use crate::core::{Message, TransportKind};

const SECOND: Duration = Duration::from_secs(1);
const CONTACT: (&str, &str) = ("Contact", "<sip:notifier@192.0.2.9:5060>");

fn subscribed(package: Package, target: &str) -> (Solo, SubscriptionId, Message) {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let id = solo
        .act(|core, now| core.subscribe(now, target, package))
        .expect("an account");
    let request = solo.sent_one("SUBSCRIBE");
    solo.answer(&request, 200, "n", &[CONTACT, ("Expires", "600")], "");
    (solo, id, request)
}

fn notify(of: &Message, seq: u32, state: &str, body: &str) -> String {
    format!(
        "NOTIFY sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKs{seq}\nFrom: {};tag=n\nTo: {}\nCall-ID: {}\nCSeq: {seq} NOTIFY\nContact: <sip:notifier@192.0.2.9:5060>\nEvent: {}\nSubscription-State: {state}\nContent-Length: {}\n\n{body}",
        of.get("To").expect("To"),
        of.get("From").expect("From"),
        of.call_id(),
        of.get("Event").expect("Event"),
        body.replace('\n', "\r\n").len()
    )
}

#[test]
fn waiting_messages_are_told_and_the_subscription_is_kept() {
    let (mut solo, id, first) = subscribed(Package::MessageSummary, "");
    assert_eq!(first.uri(), "sip:1001@sandbox.invalid");
    assert_eq!(
        first.get("Accept"),
        Some("application/simple-message-summary")
    );
    let body = "Messages-Waiting: yes\nMessage-Account: sip:1001@x\nVoice-Message: 2/8 (0/2)\n";
    solo.give(&notify(&first, 1, "active;expires=600", body));
    solo.sent_one("200");
    assert_eq!(solo.told(), ["MessagesWaiting 2/8"]);
    // Refreshed in its dialog, before it runs out.
    solo.wait(SECOND * 479);
    solo.sent_nothing();
    solo.wait(SECOND * 2);
    let refresh = solo.sent_one("SUBSCRIBE sip:notifier@192.0.2.9:5060");
    assert_eq!(
        (refresh.to_tag(), refresh.call_id()),
        (Some("n"), first.call_id())
    );
    // Forgotten by the notifier: from the beginning.
    solo.answer(&refresh, 481, "n", &[], "");
    let again = solo.sent_one("SUBSCRIBE sip:1001@sandbox.invalid");
    assert_ne!(again.call_id(), first.call_id());
    assert_eq!(again.to_tag(), None);
    solo.answer(&again, 200, "n2", &[CONTACT, ("Expires", "600")], "");
    solo.act(|core, now| core.unsubscribe(now, id));
    assert_eq!(solo.sent_one("SUBSCRIBE").number("Expires"), Some(0));
    solo.wait(SECOND * 1000);
    assert!(!solo.sent.iter().any(|m| m.method() == "SUBSCRIBE"));
}

#[test]
fn a_colleagues_line_is_followed_and_old_news_dropped() {
    let (mut solo, _, first) = subscribed(Package::DialogInfo, "2002");
    assert_eq!(first.uri(), "sip:2002@sandbox.invalid");
    let document = |version: u32, state: &str| {
        format!(
            "<?xml version=\"1.0\"?><dialog-info version=\"{version}\" state=\"full\" entity=\"sip:2002@x\"><dialog id=\"a\" direction=\"recipient\"><state>{state}</state></dialog></dialog-info>"
        )
    };
    for (seq, version, state) in [
        (1, 1, "early"),
        (2, 3, "confirmed"),
        (3, 2, "early"),
        (4, 4, "terminated"),
    ] {
        solo.give(&notify(
            &first,
            seq,
            "active;expires=600",
            &document(version, state),
        ));
        solo.sent_one("200");
    }
    assert_eq!(
        solo.told(),
        ["LineState Ringing", "LineState Talking", "LineState Free"]
    );
}

/// The answer to SUBSCRIBE or the state of a NOTIFY, and how many seconds later it is asked for again.
#[test]
fn refusals_are_final_or_tried_again_as_they_say() {
    type Step = fn(&mut Solo, &Message);
    let cases: [(Step, Option<u64>); 6] = [
        (|solo, first| solo.answer(first, 404, "n", &[], ""), None),
        (
            |solo, first| solo.answer(first, 503, "n", &[("Retry-After", "90")], ""),
            Some(90),
        ),
        (
            |solo, first| solo.answer(first, 423, "n", &[("Min-Expires", "3600")], ""),
            Some(0),
        ),
        (
            |solo, first| solo.give(&notify(first, 1, "terminated;reason=rejected", "")),
            None,
        ),
        (
            |solo, first| {
                solo.give(&notify(
                    first,
                    1,
                    "terminated;reason=probation;retry-after=30",
                    "",
                ))
            },
            Some(30),
        ),
        (
            |solo, first| solo.give(&notify(first, 1, "terminated;reason=deactivated", "")),
            Some(0),
        ),
    ];
    for (number, (step, after)) in cases.into_iter().enumerate() {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.act(|core, now| core.subscribe(now, "", Package::MessageSummary))
            .expect("an account");
        let first = solo.sent_one("SUBSCRIBE");
        step(&mut solo, &first);
        let asked = |solo: &mut Solo| {
            let asked = solo.sent.iter().any(|m| m.method() == "SUBSCRIBE");
            solo.sent.clear();
            asked
        };
        let Some(after) = after else {
            solo.wait(SECOND * 1500);
            assert!(!asked(&mut solo), "case {number}");
            continue;
        };
        if after > 0 {
            solo.wait(SECOND * u32::try_from(after - 1).expect("small"));
            assert!(!asked(&mut solo), "case {number}");
            solo.wait(SECOND * 2);
        }
        assert!(asked(&mut solo), "case {number}");
    }
}

#[test]
fn what_nobody_asked_for_is_told_only_by_the_registrar() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give("NOTIFY sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKu\nFrom: <sip:pbx@x>;tag=n\nTo: <sip:1001@x>\nCall-ID: mwi\nCSeq: 1 NOTIFY\nEvent: message-summary\nContent-Length: 23\n\nVoice-Message: 3/0\n   \n");
    solo.sent_one("200");
    assert_eq!(solo.told(), ["MessagesWaiting 3/0"]);
}
