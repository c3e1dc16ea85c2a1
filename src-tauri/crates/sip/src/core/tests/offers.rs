//! Offers before the answer, offers that collide, redirections and session intervals, against hand-written messages.

use std::time::Duration;

use super::solo::Solo;
use crate::api::{DialogId, Event};
use crate::core::{Message, TransportKind};

const SECOND: Duration = Duration::from_secs(1);
const CONTACT: (&str, &str) = ("Contact", "<sip:far@192.0.2.9:5060>");

/// A request of the far end within a call of ours.
fn within(sent: &Message, tag: &str, seq: u32, method: &str, sdp: &str) -> String {
    let body = if sdp.is_empty() {
        "Content-Length: 0\n\n".to_owned()
    } else {
        format!(
            "Content-Type: application/sdp\nContent-Length: {}\n\n{sdp}",
            sdp.len()
        )
    };
    format!(
        "{method} sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKw{tag}{seq}\nFrom: {};tag={tag}\nTo: {}\nCall-ID: {}\nCSeq: {seq} {method}\nContact: <sip:far@192.0.2.9:5060>\n{body}",
        sent.get("To").expect("To"),
        sent.get("From").expect("From"),
        sent.call_id()
    )
}

fn incoming(solo: &mut Solo, extra: &str) -> DialogId {
    solo.give(&format!(
        "INVITE sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKin\nFrom: <sip:2025550100@x>;tag=caller\nTo: <sip:1001@x>\nContact: <sip:pbx@192.0.2.1>\nCall-ID: in\nCSeq: 1 INVITE\n{extra}Content-Type: application/sdp\nContent-Length: 5\n\noffer"
    ));
    solo.sent_one("100");
    match solo.events.pop() {
        Some(Event::Incoming(call)) => call.dialog,
        other => panic!("no call but {other:?}"),
    }
}

#[test]
fn an_offer_in_an_early_dialog_is_taken_once_the_first_is_answered() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (dialog, sent) = solo.call();
    // Nothing is agreed yet.
    solo.answer(&sent, 180, "far", &[CONTACT], "");
    solo.give(&within(&sent, "far", 1, "UPDATE", "new"));
    solo.sent_one("491");
    let reliable = [CONTACT, ("Require", "100rel"), ("RSeq", "7")];
    solo.answer(&sent, 183, "far", &reliable, "early");
    let prack = solo.sent_one("PRACK");
    solo.answer(&prack, 200, "far", &[], "");
    solo.give(&within(&sent, "far", 2, "UPDATE", "new"));
    solo.act(|core, now| core.answer_reoffer(now, dialog, Some("mine".to_owned())))
        .expect("an open offer");
    let ok = solo.sent_one("200");
    assert_eq!(ok.sdp().as_deref(), Some("mine"));
    // A re-INVITE has no place before the answer.
    solo.give(&within(&sent, "far", 3, "INVITE", "new"));
    solo.sent_one("491");
    solo.answer(&sent, 200, "far", &[CONTACT], "");
    solo.sent_one("ACK");
    assert_eq!(
        solo.told(),
        [
            "Provisional 180 None",
            "Provisional 183 Some(\"early\")",
            "Reoffer Some(\"new\")",
            "Answered None"
        ]
    );
}

#[test]
fn a_caller_may_offer_anew_after_our_reliable_early_answer() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let dialog = incoming(&mut solo, "Require: 100rel\n");
    solo.act(|core, now| core.ringing(now, dialog, Some("early".to_owned())))
        .expect("183");
    let progress = solo.sent_one("183");
    let update = |seq| {
        format!(
            "UPDATE sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKu{seq}\nFrom: <sip:2025550100@x>;tag=caller\nTo: {}\nCall-ID: in\nCSeq: {seq} UPDATE\nContent-Type: application/sdp\nContent-Length: 3\n\nnew",
            progress.get("To").expect("To")
        )
    };
    solo.give(&update(2));
    assert_eq!(solo.sent_one("500").get("Retry-After"), Some("3"));
    solo.give(&format!(
        "PRACK sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKp\nFrom: <sip:2025550100@x>;tag=caller\nTo: {}\nCall-ID: in\nCSeq: 3 PRACK\nRAck: 1 1 INVITE\nContent-Length: 0\n\n",
        progress.get("To").expect("To")
    ));
    solo.sent_one("200");
    solo.give(&update(4));
    assert_eq!(solo.told(), ["Reoffer Some(\"new\")"]);
    solo.act(|core, now| core.answer_reoffer(now, dialog, Some("mine".to_owned())))
        .expect("an open offer");
    solo.sent_one("200");
    solo.act(|core, now| core.accept(now, dialog, "mine".to_owned()))
        .expect("200");
    solo.sent_one("200");
}

#[test]
fn the_fork_that_answers_counts_with_its_own_early_answer() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    for (tag, sdp) in [("one", "first"), ("two", "second")] {
        let reliable = [CONTACT, ("Require", "100rel"), ("RSeq", "1")];
        solo.answer(&sent, 183, tag, &reliable, sdp);
        let prack = solo.sent_one("PRACK");
        assert_eq!(prack.to_tag(), Some(tag));
        solo.answer(&prack, 200, tag, &[], "");
    }
    // Each early dialog counts its own requests.
    solo.give(&within(&sent, "two", 50, "OPTIONS", ""));
    solo.sent_one("200");
    solo.give(&within(&sent, "one", 3, "OPTIONS", ""));
    solo.sent_one("200");
    solo.answer(&sent, 200, "one", &[CONTACT], "");
    assert_eq!(solo.sent_one("ACK").to_tag(), Some("one"));
    assert_eq!(
        solo.told().last().map(String::as_str),
        Some("Answered Some(\"first\")")
    );
}

#[test]
fn an_offer_that_collided_is_withdrawn_when_theirs_comes_first() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (dialog, sent) = solo.call();
    solo.answer(&sent, 200, "far", &[CONTACT], "answer");
    solo.sent_one("ACK");
    solo.told();
    solo.act(|core, now| core.reoffer(now, dialog, "hold".to_owned()))
        .expect("an offer");
    let ours = solo.sent_one("INVITE");
    solo.answer(&ours, 491, "far", &[], "");
    solo.sent_one("ACK");
    solo.give(&within(&sent, "far", 1, "INVITE", "theirs"));
    assert_eq!(
        solo.told(),
        ["ReofferOvertaken", "Reoffer Some(\"theirs\")"]
    );
    solo.sent_one("100");
    solo.act(|core, now| core.answer_reoffer(now, dialog, Some("mine".to_owned())))
        .expect("an open offer");
    let ok = solo.sent_one("200");
    let again = solo.act(|core, now| core.reoffer(now, dialog, "hold".to_owned()));
    assert!(again.is_err(), "their ACK comes first");
    let mut ack = within(&sent, "far", 1, "ACK", "");
    ack = ack.replace("z9hG4bKw", "z9hG4bKack");
    assert!(ok.to_tag().is_some());
    solo.give(&ack);
    // Nothing old is sent by itself.
    solo.wait(SECOND * 5);
    solo.sent_nothing();
    solo.act(|core, now| core.reoffer(now, dialog, "hold again".to_owned()))
        .expect("an offer");
    assert_eq!(solo.sent_one("INVITE").sdp().as_deref(), Some("hold again"));
}

#[test]
fn redirections_are_followed_the_best_first_and_not_for_ever() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    let contacts =
        "<sip:second@x>;q=0.5, <mailto:a@b>, <sip:first@x?Evil=1>;q=0.9, <sip:600@sandbox.invalid>";
    solo.answer(&sent, 302, "far", &[("Contact", contacts)], "");
    assert_eq!(solo.sent.remove(0).method(), "ACK");
    let first = solo.sent_one("INVITE sip:first@x");
    assert_eq!(first.call_id(), sent.call_id());
    assert_eq!((first.seq(), first.to_tag()), (sent.seq() + 1, None));
    assert_eq!(first.sdp().as_deref(), Some("offer"));
    // The next one is tried when this one is busy.
    solo.answer(&first, 486, "first", &[], "");
    assert_eq!(solo.sent.remove(0).method(), "ACK");
    let second = solo.sent_one("INVITE sip:second@x");
    solo.answer(&second, 486, "second", &[], "");
    solo.sent_one("ACK");
    assert_eq!(
        solo.told(),
        ["Ended Refused { status: 486, reason: \"Busy Here\" }"]
    );

    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, mut sent) = solo.call();
    for number in 0..5 {
        let contact = format!("<sip:{number}@x>");
        solo.answer(&sent, 302, "far", &[("Contact", &contact)], "");
        solo.sent.remove(0);
        sent = solo.sent_one(&format!("INVITE sip:{number}@x"));
    }
    solo.answer(&sent, 302, "far", &[("Contact", "<sip:6@x>")], "");
    solo.sent_one("ACK");
    let told = solo.told();
    assert!(
        told[0].starts_with("Ended Refused { status: 302"),
        "{told:?}"
    );
    assert!(solo.core.calls.is_empty());
}

#[test]
fn a_call_that_was_cancelled_follows_nobody() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (dialog, sent) = solo.call();
    solo.answer(&sent, 180, "far", &[CONTACT], "");
    solo.act(|core, now| core.hang_up(now, dialog, None))
        .expect("CANCEL");
    solo.sent_one("CANCEL");
    solo.answer(&sent, 302, "far", &[("Contact", "<sip:1@x>")], "");
    solo.sent_one("ACK");
}

#[test]
fn too_short_a_session_of_ours_is_asked_for_again() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    assert_eq!(sent.get("Session-Expires"), Some("1800"));
    solo.answer(&sent, 422, "far", &[("Min-SE", "3600")], "");
    solo.sent.remove(0);
    let again = solo.sent_one("INVITE");
    assert_eq!(again.get("Session-Expires"), Some("3600"));
    assert_eq!(again.get("Min-SE"), Some("3600"));
    // The same answer again is no help.
    solo.answer(&again, 422, "far", &[("Min-SE", "3600")], "");
    solo.sent_one("ACK");
    assert!(solo.told()[0].starts_with("Ended Refused { status: 422"));
}

#[test]
fn a_call_that_cannot_be_refreshed_is_tried_again_and_given_up_in_time() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    let headers = [
        CONTACT,
        ("Allow", "UPDATE"),
        ("Session-Expires", "90;refresher=uac"),
    ];
    solo.answer(&sent, 200, "far", &headers, "answer");
    solo.sent_one("ACK");
    solo.told();
    let mut tries = 0;
    for _ in 0..95 {
        solo.wait(SECOND);
        for message in std::mem::take(&mut solo.sent) {
            if message.method() == "UPDATE" {
                tries += 1;
                solo.answer(&message, 503, "far", &[], "");
            } else if message.method() != "REGISTER" {
                assert_eq!(message.method(), "BYE");
                assert!(tries >= 3, "{tries}");
                assert!(solo.told()[0].contains("could not be refreshed"));
                return;
            }
        }
    }
    panic!("still up after {tries} refusals");
}

#[test]
fn our_own_call_sent_back_to_us_is_a_loop() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    let mut back = sent.clone();
    back.push_front("Via", "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKloop");
    solo.give_bytes(back.to_bytes());
    solo.sent_one("482");
    assert!(solo.told().is_empty());
}
