//! Dialogs, reliable provisional answers, forks and session timers against hand-written messages.

use std::time::Duration;

use super::flow;
use super::solo::Solo;
use crate::api::{AnswerMode, Event, FlowId};
use crate::core::{Input, Message, TransportKind};

const SECOND: Duration = Duration::from_secs(1);
const FAR: &str = "<sip:far@192.0.2.9:5060>";

/// An INVITE to the phone as Asterisk sends it.
fn invite(extra: &str, body: &str) -> String {
    format!(
        "INVITE sip:1001@192.0.2.2:40000;ob SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1:5060;rport;branch=z9hG4bKin{}\nFrom: \"Anonymous\" <sip:anonymous@192.0.2.1>;tag=caller\nTo: <sip:1001@192.0.2.2>\nContact: <sip:asterisk@192.0.2.1:5060>\nCall-ID: in-1\nCSeq: 100 INVITE\nMax-Forwards: 70\n{extra}Content-Type: application/sdp\nContent-Length: {}\n\n{body}",
        extra.len() + body.len(),
        body.len()
    )
}

#[test]
fn the_identity_is_the_asserted_one() {
    let cases = [
        (
            "P-Asserted-Identity: \"Ann\" <sip:2025550101@x>\nRemote-Party-ID: <sip:2025550102@x>\n",
            "Ann",
            "2025550101",
        ),
        (
            "Remote-Party-ID: \"Bob\" <sip:2025550102@x>;party=calling\n",
            "Bob",
            "2025550102",
        ),
        ("", "Anonymous", "anonymous"),
    ];
    for (extra, name, user) in cases {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&invite(extra, "offer"));
        let Some(Event::Incoming(call)) = solo.events.pop() else {
            panic!("no call");
        };
        assert_eq!(
            (call.from.display_name.as_str(), call.from.user.as_str()),
            (name, user)
        );
        assert_eq!(call.to.user, "1001");
    }
}

/// RFC 5373: from the account's registrar only, and refused where it is vital and nobody may ask for it.
#[test]
fn who_is_not_the_registrar_cannot_have_a_call_answered() {
    let required =
        |name: &str| format!("{name}: Auto;require\nRequire: answermode, privanswermode\n");
    for name in ["Answer-Mode", "Priv-Answer-Mode"] {
        let wanted = AnswerMode::Auto {
            after_s: None,
            required: true,
        };
        for (text, trusted, expected) in [
            (required(name), true, Some(wanted)),
            (required(name), false, None),
            (format!("{name}: Auto\n"), false, Some(AnswerMode::Unsaid)),
            (format!("{name}: Manual\n"), true, Some(AnswerMode::Manual)),
        ] {
            let mut solo = Solo::registered(TransportKind::Tcp);
            if !trusted {
                solo.line = FlowId(1);
                let stranger = flow(TransportKind::Tcp, false);
                solo.act(|core, now| core.handle(now, Input::FlowUp(FlowId(1), stranger)));
            }
            solo.give(&invite(&text, "offer"));
            let told = solo.events.pop().map(|event| match event {
                Event::Incoming(call) => call.answer_mode,
                other => panic!("{other:?}"),
            });
            assert_eq!(told, expected, "{text} of a registrar: {trusted}");
            let answer = if expected.is_some() { 100 } else { 403 };
            let answers: Vec<u16> = solo.sent.iter().map(Message::status).collect();
            assert_eq!(answers, [answer], "{text} of a registrar: {trusted}");
        }
    }
}

#[test]
fn requests_follow_the_route_set_to_the_contact() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (dialog, sent) = solo.call();
    let routes = [
        ("Record-Route", "<sip:p2.invalid;lr>, <sip:p1.invalid;lr>"),
        ("Contact", FAR),
    ];
    solo.answer(&sent, 200, "far", &routes, "answer");
    let ack = solo.sent_one("ACK sip:far@192.0.2.9:5060");
    let routes: Vec<&str> = ack.all("Route").collect();
    assert_eq!(routes, ["<sip:p1.invalid;lr>", "<sip:p2.invalid;lr>"]);
    assert_eq!(ack.seq(), sent.seq());
    // The answer is repeated because the ACK was lost.
    solo.answer(&sent, 200, "far", &[("Contact", FAR)], "answer");
    solo.sent_one("ACK");
    solo.act(|core, now| core.hang_up(now, dialog, Some("SIP;cause=16".to_owned())))
        .expect("hang up");
    let bye = solo.sent_one("BYE sip:far@192.0.2.9:5060");
    assert_eq!(bye.all("Route").count(), 2);
    assert_eq!(bye.get("Reason"), Some("SIP;cause=16"));
    assert_eq!(solo.told(), ["Answered Some(\"answer\")", "Ended Local"]);
}

#[test]
fn the_first_fork_wins_and_the_second_is_ended() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    solo.answer(&sent, 180, "one", &[("Contact", FAR)], "");
    solo.answer(&sent, 183, "two", &[("Contact", FAR)], "early");
    solo.answer(&sent, 200, "one", &[("Contact", FAR)], "answer");
    assert_eq!(solo.sent_one("ACK").to_tag(), Some("one"));
    solo.answer(&sent, 200, "two", &[("Contact", FAR)], "answer");
    assert_eq!(solo.sent.len(), 2);
    let bye = solo.sent.pop().expect("a BYE");
    assert_eq!((bye.method(), bye.to_tag()), ("BYE", Some("two")));
    assert_eq!(solo.sent_one("ACK").to_tag(), Some("two"));
    assert_eq!(
        solo.told(),
        [
            "Provisional 180 None",
            "Provisional 183 Some(\"early\")",
            "Answered Some(\"answer\")"
        ]
    );
}

#[test]
fn reliable_provisional_answers_are_acknowledged_once() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let (_, sent) = solo.call();
    let reliable = [("Contact", FAR), ("Require", "100rel"), ("RSeq", "30")];
    solo.answer(&sent, 183, "far", &reliable, "early");
    let prack = solo.sent_one("PRACK sip:far@192.0.2.9:5060");
    assert_eq!(prack.get("RAck"), Some("30 1 INVITE"));
    assert_eq!(prack.to_tag(), Some("far"));
    solo.answer(&sent, 183, "far", &reliable, "early");
    assert!(solo.sent.is_empty(), "a repetition");
    solo.answer(&prack, 200, "far", &[], "");
    solo.answer(&sent, 200, "far", &[("Contact", FAR)], "");
    solo.sent_one("ACK");
    assert_eq!(
        solo.told(),
        ["Provisional 183 Some(\"early\")", "Answered None"]
    );
}

#[test]
fn a_caller_that_requires_100rel_gets_it() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&invite("Require: 100rel\n", "offer"));
    solo.sent_one("100");
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    solo.act(|core, now| core.ringing(now, call.dialog, None))
        .expect("ringing");
    let ringing = solo.sent_one("180");
    assert_eq!(
        (ringing.get("RSeq"), ringing.get("Require")),
        (Some("1"), Some("100rel"))
    );
    solo.wait(SECOND * 2);
    assert_eq!(solo.sent.drain(..).count(), 2, "repeated after T1 and 3·T1");
    solo.act(|core, now| core.accept(now, call.dialog, "answer".to_owned()))
        .expect("accept");
    assert!(solo.sent.is_empty(), "the answer waits for PRACK");
    let tag = ringing.to_tag().expect("a tag").to_owned();
    solo.give(&format!("PRACK sip:1001@192.0.2.2:40000 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKp\nFrom: <sip:a@b>;tag=caller\nTo: <sip:1001@x>;tag={tag}\nCall-ID: in-1\nCSeq: 101 PRACK\nRAck: 1 100 INVITE\n\n"));
    let starts: Vec<String> = solo
        .sent
        .iter()
        .map(|m| format!("{} {}", m.status(), m.cseq().map_or("", |c| c.1)))
        .collect();
    assert_eq!(starts, ["200 PRACK", "200 INVITE"]);
}

#[test]
fn the_refresher_refreshes_and_a_silent_one_is_noticed() {
    // They refresh and stop doing so.
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&invite(
        "Supported: timer\nSession-Expires: 90;refresher=uac\n",
        "offer",
    ));
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    solo.sent.clear();
    solo.act(|core, now| core.accept(now, call.dialog, "answer".to_owned()))
        .expect("accept");
    let ok = solo.sent_one("200");
    assert_eq!(ok.get("Session-Expires"), Some("90;refresher=uac"));
    let tag = ok.to_tag().expect("a tag").to_owned();
    solo.give(&format!("ACK sip:1001@192.0.2.2:40000 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\nFrom: <sip:a@b>;tag=caller\nTo: <sip:1001@x>;tag={tag}\nCall-ID: in-1\nCSeq: 100 ACK\n\n"));
    assert_eq!(solo.told(), ["Confirmed"]);
    solo.wait(SECOND * 59);
    solo.sent_nothing();
    solo.wait(SECOND * 2);
    assert!(solo.told().iter().any(|e| e.contains("stopped refreshing")));
    solo.sent_one("BYE");

    // We refresh, with UPDATE where it is understood, else with the last SDP.
    for (allow, method) in [("INVITE, ACK, UPDATE", "UPDATE"), ("INVITE, ACK", "INVITE")] {
        let mut solo = Solo::registered(TransportKind::Tcp);
        let (_, sent) = solo.call();
        let headers = [
            ("Contact", FAR),
            ("Allow", allow),
            ("Session-Expires", "90;refresher=uac"),
        ];
        solo.answer(&sent, 200, "far", &headers, "answer");
        solo.sent_one("ACK");
        solo.told();
        solo.wait(SECOND * 46);
        let refresh = solo.sent_one(method);
        assert_eq!(refresh.get("Session-Expires"), Some("90;refresher=uac"));
        assert_eq!(
            refresh.sdp().as_deref(),
            (method == "INVITE").then_some("offer")
        );
        solo.answer(
            &refresh,
            200,
            "far",
            &headers,
            if method == "INVITE" { "answer" } else { "" },
        );
        assert!(solo.told().is_empty(), "nobody needs to know");
    }
}

#[test]
fn too_short_a_session_is_refused_with_the_least() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&invite("Supported: timer\nSession-Expires: 30\n", "offer"));
    assert_eq!(solo.sent_one("422").get("Min-SE"), Some("90"));
    assert!(solo.told().is_empty());
}

/// What arrives, and the answer.
#[test]
fn odd_requests_get_their_answers() {
    let to = |tag: &str| {
        format!(
            "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKo\nFrom: <sip:a@b>;tag=x\nTo: <sip:1001@c>{tag}\nCall-ID: odd\n"
        )
    };
    let plain = to("");
    let tagged = to(";tag=none");
    let cases = [
        (
            format!("OPTIONS sip:1001@c SIP/2.0\n{plain}CSeq: 1 OPTIONS\n\n"),
            200,
        ),
        (
            format!("FROBNICATE sip:1001@c SIP/2.0\n{plain}CSeq: 1 FROBNICATE\n\n"),
            501,
        ),
        (
            format!("SUBSCRIBE sip:1001@c SIP/2.0\n{plain}CSeq: 1 SUBSCRIBE\nEvent: x\n\n"),
            405,
        ),
        (
            format!("REGISTER sip:c SIP/2.0\n{plain}CSeq: 1 REGISTER\n\n"),
            405,
        ),
        (
            format!("BYE sip:1001@c SIP/2.0\n{tagged}CSeq: 1 BYE\n\n"),
            481,
        ),
        (
            format!("INVITE sip:1001@c SIP/2.0\n{tagged}CSeq: 1 INVITE\n\n"),
            481,
        ),
        (
            format!("CANCEL sip:1001@c SIP/2.0\n{plain}CSeq: 1 CANCEL\n\n"),
            481,
        ),
        (
            format!(
                "INVITE sip:1001@c SIP/2.0\n{plain}CSeq: 1 INVITE\nRequire: teleport, timer\n\n"
            ),
            420,
        ),
        (
            format!("REFER sip:1001@c SIP/2.0\n{plain}CSeq: 1 REFER\nRefer-To: <sip:x@y>\n\n"),
            603,
        ),
        (
            format!("NOTIFY sip:1001@c SIP/2.0\n{plain}CSeq: 1 NOTIFY\nEvent: message-summary\n\n"),
            200,
        ),
        (
            format!("NOTIFY sip:1001@c SIP/2.0\n{plain}CSeq: 1 NOTIFY\nEvent: weather\n\n"),
            489,
        ),
        (
            format!("OPTIONS sip:1001@c SIP/2.0\n{plain}CSeq: 1 INVITE\n\n"),
            400,
        ),
        (
            format!("OPTIONS sip:1001@c SIP/2.0\n{plain}CSeq: one OPTIONS\n\n"),
            400,
        ),
        (
            format!("OPTIONS sip: SIP/2.0\n{plain}CSeq: 1 OPTIONS\n\n"),
            400,
        ),
        (
            format!("OPTIONS sip:1001@c SIP/2.0\n{plain}CSeq: 1 OPTIONS\nContent-Length: 9\n\n"),
            400,
        ),
    ];
    for (text, status) in cases {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&text);
        let start = status.to_string();
        let reply = solo.sent_one(&start);
        assert_eq!(reply.call_id(), "odd", "{text}");
        if status == 405 {
            assert!(reply.get("Allow").is_some());
        }
        if status == 420 {
            assert_eq!(reply.get("Unsupported"), Some("teleport"));
        }
        assert!(solo.told().is_empty(), "{text}");
    }
}

#[test]
fn a_merged_request_is_refused_with_482() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&invite("", "offer"));
    solo.sent.clear();
    solo.give(&invite("", "offer").replace("z9hG4bKin", "z9hG4bKother"));
    solo.sent_one("482");
    assert_eq!(solo.told().len(), 1);
}
