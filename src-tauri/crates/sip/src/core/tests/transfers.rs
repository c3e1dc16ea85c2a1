//! Forwarding, transfers asked for and transfers asked of us, against hand-written messages and between two cores.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::solo::Solo;
use super::{Side, Sim, WITHIN};
use crate::api::{CallTarget, DialogId, Event, NameAddr, SipError};
use crate::core::{Input, Message, TransportKind};

const SECOND: Duration = Duration::from_secs(1);
const FAR: (&str, &str) = ("Contact", "<sip:far@192.0.2.9:5060>");

fn invite(branch: &str, call_id: &str, extra: &str) -> String {
    format!(
        "INVITE sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{branch}\nFrom: <sip:2025550100@x>;tag=caller\nTo: <sip:1001@x>\nContact: <sip:pbx@192.0.2.1:5060>\nCall-ID: {call_id}\nCSeq: 1 INVITE\nMax-Forwards: 70\n{extra}Content-Type: application/sdp\nContent-Length: 5\n\noffer"
    )
}

fn incoming(solo: &mut Solo) -> DialogId {
    match solo.events.pop() {
        Some(Event::Incoming(call)) => call.dialog,
        other => panic!("no call but {other:?}"),
    }
}

/// An answered call that we placed, with its ACK taken.
fn answered(solo: &mut Solo, tag: &str) -> DialogId {
    let (dialog, sent) = solo.call();
    solo.answer(&sent, 200, tag, &[FAR], "answer");
    solo.sent_one("ACK");
    solo.events.clear();
    dialog
}

/// A NOTIFY of the far end; its sequence number follows the far end's own order.
fn notify(refer: &Message, state: &str, body: &str) -> String {
    static SEQ: AtomicU32 = AtomicU32::new(100);
    let to = refer.get("From").expect("From");
    let from = refer.get("To").expect("To");
    let (call_id, id) = (refer.call_id(), refer.seq());
    let seq = SEQ.fetch_add(1, Ordering::Relaxed);
    format!(
        "NOTIFY sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKn{seq}\nFrom: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {seq} NOTIFY\nContact: <sip:far@192.0.2.9:5060>\nEvent: refer;id={id}\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0\nContent-Length: {}\n\n{body}\n",
        body.len() + 2,
    )
}

#[test]
fn a_ringing_call_is_sent_elsewhere_with_302() {
    // What happened before, the target, and what the 302 says.
    let cases = [
        (false, "2002", "<sip:2002@sandbox.invalid>", "unconditional"),
        (
            true,
            "sip:help@desk.invalid",
            "<sip:help@desk.invalid>",
            "no-answer",
        ),
    ];
    for (rings, target, contact, why) in cases {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&invite("a", "in", ""));
        let dialog = incoming(&mut solo);
        if rings {
            solo.act(|core, now| core.ringing(now, dialog, None))
                .expect("180");
        }
        solo.sent.clear();
        solo.act(|core, now| core.redirect(now, dialog, target))
            .expect("302");
        let reply = solo.sent_one("302 Moved Temporarily");
        assert_eq!(reply.get("Contact"), Some(contact));
        let diversion = format!("<sip:1001@sandbox.invalid>;reason={why}");
        assert_eq!(reply.get("Diversion"), Some(diversion.as_str()));
        assert_eq!(solo.told(), ["Ended Local"]);
    }
}

#[test]
fn forwarding_during_a_call_says_busy_and_a_bad_target_changes_nothing() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    answered(&mut solo, "far");
    solo.give(&invite("a", "in", ""));
    let dialog = incoming(&mut solo);
    solo.sent.clear();
    let bad = solo.act(|core, now| core.redirect(now, dialog, "sip:a b@c"));
    assert!(matches!(bad, Err(SipError::BadAddress(_))));
    solo.sent_nothing();
    solo.act(|core, now| core.redirect(now, dialog, "2002"))
        .expect("302");
    let reply = solo.sent_one("302");
    assert!(
        reply
            .get("Diversion")
            .is_some_and(|d| d.ends_with("reason=user-busy"))
    );
}

#[test]
fn a_blind_transfer_is_followed_to_its_end_and_then_hung_up() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let dialog = answered(&mut solo, "far");
    solo.act(|core, now| core.refer(now, dialog, "2002", None))
        .expect("REFER");
    let refer = solo.sent_one("REFER sip:far@192.0.2.9:5060");
    assert_eq!(refer.get("Refer-To"), Some("<sip:2002@sandbox.invalid>"));
    assert_eq!(refer.get("Referred-By"), Some("<sip:1001@sandbox.invalid>"));
    assert!(refer.get("Contact").is_some());
    let again = solo.act(|core, now| core.refer(now, dialog, "2003", None));
    assert!(matches!(again, Err(SipError::WrongState(_))), "{again:?}");
    solo.answer(&refer, 202, "far", &[], "");
    for (state, body, told) in [
        (
            "active;expires=60",
            "SIP/2.0 100 Trying",
            "ReferProgress 100",
        ),
        (
            "active;expires=60",
            "SIP/2.0 180 Ringing",
            "ReferProgress 180",
        ),
    ] {
        solo.give(&notify(&refer, state, body));
        solo.sent_one("200");
        assert_eq!(solo.told(), [told]);
    }
    // Longer than timer F: only the subscription counts.
    solo.wait(SECOND * 50);
    assert!(solo.told().is_empty());
    solo.give(&notify(
        &refer,
        "terminated;reason=noresource",
        "SIP/2.0 200 OK",
    ));
    assert!(solo.sent.remove(0).start.to_string().starts_with("200"));
    let bye = solo.sent_one("BYE");
    assert_eq!(bye.seq(), refer.seq() + 1);
    assert_eq!(solo.told(), ["ReferProgress 200 done", "Ended Local"]);
}

/// What comes after the REFER, and what is told of it; the call goes on.
#[test]
fn a_failed_transfer_leaves_the_call_as_it_was() {
    type Step = fn(&mut Solo, &Message);
    let cases: [(Step, &str); 6] = [
        (
            |solo, refer| solo.answer(refer, 603, "far", &[], ""),
            "ReferProgress 603 done",
        ),
        (|solo, _| solo.wait(SECOND * 33), "ReferProgress 408 done"),
        (
            |solo, refer| {
                solo.answer(refer, 202, "far", &[], "");
                solo.wait(SECOND * 40);
            },
            "ReferProgress 408 done",
        ),
        (
            |solo, refer| {
                solo.answer(refer, 202, "far", &[], "");
                solo.give(&notify(
                    refer,
                    "terminated;reason=noresource",
                    "SIP/2.0 486 Busy Here",
                ));
            },
            "ReferProgress 486 done",
        ),
        (
            // Before the 202, as Asterisk may do.
            |solo, refer| {
                solo.give(&notify(
                    refer,
                    "active;expires=60",
                    "SIP/2.0 503 Service Unavailable",
                ))
            },
            "ReferProgress 503 done",
        ),
        (
            |solo, refer| {
                solo.answer(refer, 202, "far", &[], "");
                solo.give(&notify(refer, "active;expires=40", "SIP/2.0 180 Ringing"));
                solo.told();
                solo.wait(SECOND * 41);
            },
            "ReferProgress 408 done",
        ),
    ];
    for (number, (step, told)) in cases.into_iter().enumerate() {
        let mut solo = Solo::registered(TransportKind::Tcp);
        let dialog = answered(&mut solo, "far");
        solo.act(|core, now| core.refer(now, dialog, "2002", None))
            .expect("REFER");
        let refer = solo.sent_one("REFER");
        step(&mut solo, &refer);
        assert_eq!(solo.told(), [told], "case {number}");
        assert!(
            !solo.sent.iter().any(|m| m.method() == "BYE"),
            "case {number}"
        );
        // It can be tried again, and a late NOTIFY is no harm.
        solo.sent.clear();
        solo.give(&notify(&refer, "terminated", "SIP/2.0 200 OK"));
        solo.sent_one("200");
        assert!(solo.told().is_empty(), "case {number}");
        solo.act(|core, now| core.refer(now, dialog, "2002", None))
            .expect("REFER");
    }
}

#[test]
fn a_far_end_that_reports_nothing_is_believed_at_once() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let dialog = answered(&mut solo, "far");
    solo.act(|core, now| core.refer(now, dialog, "2002", None))
        .expect("REFER");
    let refer = solo.sent_one("REFER");
    solo.answer(&refer, 202, "far", &[("Refer-Sub", "false")], "");
    solo.sent_one("BYE");
    assert_eq!(solo.told(), ["ReferProgress 202 done", "Ended Local"]);
}

#[test]
fn the_customers_bye_ends_a_transfer_with_the_call() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let dialog = answered(&mut solo, "far");
    solo.act(|core, now| core.refer(now, dialog, "2002", None))
        .expect("REFER");
    let refer = solo.sent_one("REFER");
    solo.answer(&refer, 202, "far", &[], "");
    let bye = notify(&refer, "active", "").replace("NOTIFY", "BYE");
    solo.give(&bye);
    assert_eq!(solo.told(), ["Ended RemoteBye"]);
    solo.wait(SECOND * 300);
    assert!(solo.told().is_empty());
}

#[test]
fn an_attended_transfer_names_the_other_dialog_as_its_far_end_sees_it() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let customer = answered(&mut solo, "customer");
    let colleague = answered(&mut solo, "colleague");
    let names: Vec<(String, String)> = solo
        .core
        .calls
        .values()
        .map(|call| (call.call_id.clone(), call.local_tag.clone()))
        .collect();
    solo.act(|core, now| core.refer(now, customer, "", Some(colleague)))
        .expect("REFER");
    let refer = solo.sent_one("REFER");
    let (call_id, tag) = &names[1];
    let wanted = format!(
        "<sip:600@sandbox.invalid?Replaces={call_id}%3Bto-tag%3Dcolleague%3Bfrom-tag%3D{tag}>"
    );
    assert_eq!(refer.get("Refer-To"), Some(wanted.as_str()));
    assert_eq!(refer.call_id(), names[0].0);
    solo.answer(&refer, 202, "customer", &[], "");
    solo.give(&notify(&refer, "terminated", "SIP/2.0 200 OK"));
    let byes = solo.sent.iter().filter(|m| m.method() == "BYE").count();
    assert_eq!(byes, 2, "both legs are over: {:?}", solo.sent);
    assert_eq!(
        solo.told(),
        ["ReferProgress 200 done", "Ended Local", "Ended Local"]
    );
}

#[test]
fn transfers_of_others_are_refused_until_they_are_allowed() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    let dialog = answered(&mut solo, "far");
    let (_, probe) = solo.call();
    let refer = in_call_refer(&solo, dialog, 7, "<sip:2002@sandbox.invalid>");
    solo.give(&refer);
    solo.sent_one("603");
    assert!(solo.told().is_empty());
    assert!(!probe.has_token("Supported", "replaces"));
    solo.give(&invite(
        "r",
        "in",
        "Require: replaces\nReplaces: x;to-tag=a;from-tag=b\n",
    ));
    solo.sent_one("420");
}

/// A REFER of the far end within an answered call of ours.
fn in_call_refer(solo: &Solo, dialog: DialogId, seq: u32, to: &str) -> String {
    let call = &solo.core.calls[&dialog];
    format!(
        "REFER sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKrefer{seq}\nFrom: {};tag={}\nTo: {};tag={}\nCall-ID: {}\nCSeq: {seq} REFER\nContact: <sip:far@192.0.2.9:5060>\nRefer-To: {to}\nReferred-By: <sip:boss@x>\nContent-Length: 0\n\n",
        call.remote, call.leg.tag, call.local, call.local_tag, call.call_id
    )
}

#[test]
fn a_transfer_asked_of_us_is_placed_and_reported() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.act(|core, _| core.allow_transfers(true));
    let dialog = answered(&mut solo, "far");
    let to = "<sip:2002@sandbox.invalid?Replaces=c%40h%3Bto-tag%3Da%3Bfrom-tag%3Db&X-Evil=1>";
    let refer = in_call_refer(&solo, dialog, 7, to);
    solo.give(&refer);
    let Some(Event::Referred(wish)) = solo.events.pop() else {
        panic!("not asked");
    };
    assert_eq!(wish.target, "sip:2002@sandbox.invalid");
    assert_eq!(wish.referred_by.user, "boss");
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        wish.headers,
        [
            pair("Replaces", "c@h;to-tag=a;from-tag=b"),
            pair("Referred-By", "<sip:boss@x>")
        ]
    );
    let target = CallTarget::Account(wish.target);
    let placed = solo
        .act(|core, now| core.invite(now, target, "offer".to_owned(), wish.headers))
        .expect("a call");
    let call = solo.sent_one("INVITE sip:2002@sandbox.invalid");
    assert_eq!(call.get("Replaces"), Some("c@h;to-tag=a;from-tag=b"));
    solo.act(|core, now| core.answer_refer(now, dialog, Some(placed)))
        .expect("202");
    assert!(solo.sent.remove(0).start.to_string().starts_with("202"));
    let first = solo.sent_one("NOTIFY sip:far@192.0.2.9:5060");
    assert_eq!(first.get("Event"), Some("refer;id=7"));
    assert_eq!(first.body, b"SIP/2.0 100 Trying\r\n");
    solo.answer(&call, 180, "third", &[], "");
    assert_eq!(solo.sent_one("NOTIFY").body, b"SIP/2.0 180 Ringing\r\n");
    solo.answer(
        &call,
        200,
        "third",
        &[("Contact", "<sip:third@192.0.2.8>")],
        "answer",
    );
    assert_eq!(solo.sent.len(), 2, "ACK and NOTIFY");
    let last = solo
        .sent
        .iter()
        .find(|m| m.method() == "NOTIFY")
        .expect("a NOTIFY");
    assert_eq!(last.body, b"SIP/2.0 200 OK\r\n");
    assert!(
        last.get("Subscription-State")
            .is_some_and(|s| s.starts_with("terminated"))
    );
    assert_eq!(
        solo.told(),
        ["Provisional 180 None", "Answered Some(\"answer\")"]
    );
}

/// Status of the answer, and how the INVITE names the call that it wants.
#[test]
fn replaces_takes_the_place_of_the_call_it_names() {
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.act(|core, _| core.allow_transfers(true));
    let old = answered(&mut solo, "far");
    let call = &solo.core.calls[&old];
    let (id, ours) = (call.call_id.clone(), call.local_tag.clone());
    let cases = [
        (481, format!("{id};to-tag=wrong;from-tag=far")),
        (486, format!("{id};to-tag={ours};from-tag=far;early-only")),
        (400, format!("{id};to-tag={ours}")),
    ];
    for (number, (status, value)) in cases.into_iter().enumerate() {
        let header = format!("Replaces: {value}\n");
        solo.give(&invite(
            &format!("b{number}"),
            &format!("in-{number}"),
            &header,
        ));
        solo.sent_one(&status.to_string());
        assert!(solo.told().is_empty());
    }
    let header = format!("Require: replaces\nReplaces: {id};to-tag={ours};from-tag=far\n");
    solo.give(&invite("good", "in", &header));
    let Some(Event::Incoming(new)) = solo.events.pop() else {
        panic!("no call");
    };
    assert_eq!(new.replaces, Some(old));
    solo.sent.clear();
    solo.act(|core, now| core.accept(now, new.dialog, "answer".to_owned()))
        .expect("200");
    assert!(solo.sent.remove(0).start.to_string().starts_with("200"));
    let bye = solo.sent_one("BYE");
    assert_eq!(bye.call_id(), id);
    assert_eq!(solo.told(), ["Ended Local"]);
}

/// A whole blind transfer between two cores, over UDP, with each of its messages lost once.
#[test]
fn every_message_of_a_transfer_may_be_lost_once() {
    let calm = transfer(vec![]);
    assert!(
        calm.told(Side::Phone)
            .contains(&"ReferProgress 200 done".to_owned())
    );
    for number in 0..calm.count {
        let what = &calm.log[usize::try_from(number).expect("small")];
        let sim = transfer(vec![number]);
        for side in [Side::Phone, Side::Server] {
            let told = |sim: &Sim| {
                let mut told = sim.told(side);
                // 100 and 180 are hints: those that come after the end are not told.
                told.retain(|e| {
                    e.starts_with("Ended") || e.ends_with("done") || e.starts_with("Referred")
                });
                told.sort();
                told
            };
            assert_eq!(told(&sim), told(&calm), "{side:?} without {what:?}");
        }
        assert!(
            sim.phone.calls.is_empty() && sim.server.calls.is_empty(),
            "without {what:?}"
        );
        assert!(
            sim.phone.tx.is_empty() && sim.server.tx.is_empty(),
            "without {what:?}"
        );
    }
}

/// The phone calls the server and transfers it to a third party, which the server plays too.
fn transfer(lost: Vec<u64>) -> Sim {
    let mut sim = Sim::registered(TransportKind::Udp);
    let before = sim.count;
    sim.lost = lost.into_iter().map(|n| n + before).collect();
    sim.count = before;
    sim.server.allow_transfers(true);
    let target = CallTarget::Account("600".to_owned());
    let out = sim
        .phone
        .invite(sim.now, target, "offer".to_owned(), vec![])
        .expect("a call");
    sim.run(Duration::from_secs(100), |sim, side, event| {
        let now = sim.now;
        match (side, event) {
            (Side::Server, Event::Incoming(call)) => {
                sim.server
                    .accept(now, call.dialog, "answer".to_owned())
                    .expect("200");
            }
            (Side::Phone, Event::Answered { .. }) => {
                sim.phone.refer(now, out, "2002", None).expect("REFER");
            }
            (Side::Server, Event::Referred(wish)) => {
                let contact = CallTarget::Contact {
                    uri: "sip:1001@192.0.2.2:40000".to_owned(),
                    flow: super::TO_PHONE,
                    from: NameAddr::default(),
                };
                let placed = sim
                    .server
                    .invite(now, contact, "offer".to_owned(), vec![])
                    .expect("a call");
                sim.server
                    .answer_refer(now, wish.dialog, Some(placed))
                    .expect("202");
            }
            (Side::Phone, Event::Incoming(call)) => {
                sim.phone
                    .accept(now, call.dialog, "answer".to_owned())
                    .expect("200");
            }
            _ => {}
        }
    });
    let third: Vec<DialogId> = sim.phone.calls.keys().copied().collect();
    for dialog in third {
        sim.phone.hang_up(sim.now, dialog, None).expect("BYE");
    }
    sim.phone.handle(sim.now, Input::Account(None));
    sim.run(Duration::from_secs(80), |_, _, _| {});
    sim.count -= before;
    sim
}

/// The same of a transfer to a colleague that the agent has called before.
#[test]
fn every_message_of_an_attended_transfer_may_be_lost_once() {
    let told = |sim: &Sim, side| {
        let mut told = sim.told(side);
        told.retain(|e| e.starts_with("Ended") || e.ends_with("done") || e.starts_with("Referred"));
        // Colleague and phone may each be the first to end the call between them.
        for end in &mut told {
            if end.starts_with("Ended") {
                "Ended".clone_into(end);
            }
        }
        told.sort();
        told
    };
    let calm = attended(vec![]);
    assert_eq!(
        told(&calm, Side::Phone),
        ["Ended", "Ended", "ReferProgress 200 done"]
    );
    for number in 0..calm.count {
        let what = &calm.log[usize::try_from(number).expect("small")];
        let sim = attended(vec![number]);
        for side in [Side::Phone, Side::Server, Side::Colleague] {
            assert_eq!(
                told(&sim, side),
                told(&calm, side),
                "{side:?} without {what:?}"
            );
        }
        assert!(
            [&sim.phone, &sim.server, &sim.colleague]
                .iter()
                .all(|core| core.calls.is_empty() && core.tx.is_empty()),
            "without {what:?}"
        );
    }
}

/// The phone calls a customer, whom the server plays, and a colleague, and joins them.
fn attended(lost: Vec<u64>) -> Sim {
    let mut sim = Sim::registered(TransportKind::Udp);
    let before = sim.count;
    sim.lost = lost.into_iter().map(|n| n + before).collect();
    sim.with_colleague();
    sim.server.allow_transfers(true);
    sim.colleague.allow_transfers(true);
    let call = |sim: &mut Sim, number: &str| {
        let target = CallTarget::Account(number.to_owned());
        let now = sim.now;
        sim.phone
            .invite(now, target, "offer".to_owned(), vec![])
            .expect("a call")
    };
    let customer = call(&mut sim, "600");
    let mut colleague = None;
    sim.run(Duration::from_secs(100), |sim, side, event| {
        let now = sim.now;
        match (side, event) {
            (side, Event::Incoming(invite)) => {
                sim.core(side)
                    .accept(now, invite.dialog, "answer".to_owned())
                    .expect("200");
            }
            (Side::Phone, Event::Answered { dialog, .. }) if *dialog == customer => {
                colleague = Some(call(sim, "700"));
            }
            (Side::Phone, Event::Answered { .. }) => {
                sim.phone
                    .refer(now, customer, "", colleague)
                    .expect("REFER");
            }
            (Side::Server, Event::Referred(wish)) => {
                let contact = CallTarget::Contact {
                    uri: wish.target.clone(),
                    flow: WITHIN,
                    from: NameAddr::default(),
                };
                let headers = wish.headers.clone();
                assert!(headers.iter().any(|(name, _)| name == "Replaces"));
                let placed = sim
                    .server
                    .invite(now, contact, "offer".to_owned(), headers)
                    .expect("a call");
                sim.server
                    .answer_refer(now, wish.dialog, Some(placed))
                    .expect("202");
            }
            _ => {}
        }
    });
    assert!(sim.phone.calls.is_empty(), "the phone is out of it");
    let joined: Vec<DialogId> = sim.server.calls.keys().copied().collect();
    assert_eq!(joined.len(), 1, "the customer has one call left");
    assert_eq!(sim.colleague.calls.len(), 1, "and the colleague is in it");
    sim.server
        .hang_up(sim.now, joined[0], None)
        .expect("it is up");
    sim.phone.handle(sim.now, Input::Account(None));
    sim.run(Duration::from_secs(80), |_, _, _| {});
    sim.count -= before;
    sim
}

#[test]
fn a_phone_that_forwards_a_call_of_the_server_says_where_to() {
    let mut sim = Sim::registered(TransportKind::Tcp);
    let contact = CallTarget::Contact {
        uri: "sip:1001@192.0.2.2:40000".to_owned(),
        flow: super::TO_PHONE,
        from: NameAddr::default(),
    };
    sim.server
        .invite(sim.now, contact, "offer".to_owned(), vec![])
        .expect("a call");
    sim.run(SECOND * 5, |sim, side, event| {
        if let (Side::Phone, Event::Incoming(call)) = (side, event) {
            let now = sim.now;
            sim.phone.redirect(now, call.dialog, "2002").expect("302");
        }
    });
    let told = sim.told(Side::Server);
    let [.., moved, ended] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(moved, "Redirected [\"sip:2002@sandbox.invalid\"]");
    assert!(ended.starts_with("Ended Refused { status: 302"), "{ended}");
}
