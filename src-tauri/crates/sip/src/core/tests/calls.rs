//! Races and endings of calls between two cores.

use std::time::Duration;

use super::{Side, Sim};
use crate::api::{CallTarget, DialogId, Event, NameAddr};
use crate::core::{Fault, Input, TransportKind};

const SECOND: Duration = Duration::from_secs(1);

fn call(sim: &mut Sim) -> DialogId {
    let target = CallTarget::Account("600".to_owned());
    sim.phone
        .invite(sim.now, target, "offer".to_owned(), vec![])
        .expect("a call")
}

/// An established call: the phone's and the server's name of it.
fn established(sim: &mut Sim) -> (DialogId, DialogId) {
    let out = call(sim);
    let mut far = None;
    sim.run(SECOND, |sim, _, event| {
        if let Event::Incoming(invite) = event {
            far = Some(invite.dialog);
            sim.server
                .accept(sim.now, invite.dialog, "answer".to_owned())
                .expect("accept");
        }
    });
    sim.events.clear();
    sim.log.clear();
    (out, far.expect("it rang"))
}

#[test]
fn a_200_that_crosses_cancel_is_acknowledged_and_ended() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let out = call(&mut sim);
    sim.run(SECOND, |sim, side, event| {
        let now = sim.now;
        if let (Side::Server, Event::Incoming(invite)) = (side, event) {
            sim.server
                .ringing(now, invite.dialog, None)
                .expect("ringing");
        }
        if let (Side::Phone, Event::Provisional { .. }) = (side, event) {
            // Both at the same time: CANCEL and 200 pass each other.
            sim.phone.hang_up(now, out, None).expect("cancel");
            let far = *sim.server.calls.keys().next().expect("a call");
            sim.server
                .accept(now, far, "answer".to_owned())
                .expect("accept");
        }
    });
    sim.run(SECOND * 40, |_, _, _| {});
    assert_eq!(sim.sent(Side::Phone, "CANCEL"), 1);
    assert_eq!(sim.sent(Side::Phone, "ACK"), 2, "of the 401 and of the 200");
    assert_eq!(sim.sent(Side::Phone, "BYE"), 1);
    assert_eq!(
        sim.told(Side::Phone).last().map(String::as_str),
        Some("Ended Local")
    );
    assert!(
        !sim.told(Side::Phone)
            .iter()
            .any(|e| e.starts_with("Answered"))
    );
    assert_eq!(
        sim.told(Side::Server).last().map(String::as_str),
        Some("Ended RemoteBye")
    );
    assert!(sim.phone.calls.is_empty() && sim.server.calls.is_empty());
}

#[test]
fn cancel_waits_for_the_first_provisional_answer() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let out = call(&mut sim);
    sim.phone.hang_up(sim.now, out, None).expect("cancel");
    sim.run(SECOND * 2, |_, _, _| {});
    // The challenge ended it before any CANCEL was allowed.
    assert_eq!(sim.sent(Side::Phone, "CANCEL"), 0);
    assert_eq!(sim.told(Side::Phone), ["Ended Local"]);
    assert!(sim.phone.calls.is_empty());
}

#[test]
fn colliding_offers_are_both_made_in_the_end() {
    let mut sim = Sim::registered(TransportKind::Udp);
    let (out, far) = established(&mut sim);
    sim.phone
        .reoffer(sim.now, out, "phone's".to_owned())
        .expect("offer");
    sim.server
        .reoffer(sim.now, far, "server's".to_owned())
        .expect("offer");
    assert!(
        sim.phone.reoffer(sim.now, out, "again".to_owned()).is_err(),
        "one at a time"
    );
    let mut overtaken = None;
    let mut again = |sim: &mut Sim, side, event: &Event| {
        let now = sim.now;
        if let Event::Reoffer { dialog, .. } = event {
            sim.core(side)
                .answer_reoffer(now, *dialog, Some("yes".to_owned()))
                .expect("answer");
        }
        if let Event::ReofferOvertaken { dialog } = event {
            overtaken = Some((side, *dialog));
        }
    };
    sim.run(SECOND * 10, &mut again);
    let (side, dialog) = overtaken.expect("one waits longer than the other");
    let now = sim.now;
    sim.core(side)
        .reoffer(now, dialog, "made anew".to_owned())
        .expect("offer");
    sim.run(SECOND * 10, |sim, side, event| {
        let now = sim.now;
        if let Event::Reoffer { dialog, .. } = event {
            sim.core(side)
                .answer_reoffer(now, *dialog, Some("yes".to_owned()))
                .expect("answer");
        }
    });
    assert_eq!(
        (sim.sent(Side::Phone, "491"), sim.sent(Side::Server, "491")),
        (1, 1)
    );
    assert!(
        sim.told(Side::Phone)
            .contains(&"ReofferAnswered yes".to_owned())
    );
    assert!(
        sim.told(Side::Server)
            .contains(&"ReofferAnswered yes".to_owned())
    );
    assert!(
        sim.told(Side::Phone)
            .contains(&"Reoffer Some(\"server's\")".to_owned())
    );
}

#[test]
fn a_refused_offer_leaves_the_call_as_it_was() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let (out, _) = established(&mut sim);
    sim.phone
        .reoffer(sim.now, out, "odd".to_owned())
        .expect("offer");
    sim.run(SECOND, |sim, side, event| {
        let now = sim.now;
        if let Event::Reoffer { dialog, .. } = event {
            sim.core(side)
                .answer_reoffer(now, *dialog, None)
                .expect("refuse");
        }
    });
    assert_eq!(sim.told(Side::Phone), ["ReofferRefused 488"]);
    assert!(sim.phone.reoffer(sim.now, out, "better".to_owned()).is_ok());
}

#[test]
fn an_answer_without_ack_ends_the_call_after_timer_h() {
    let mut sim = Sim::registered(TransportKind::Udp);
    let flow = super::TO_PHONE;
    let target = CallTarget::Contact {
        uri: "sip:1001@192.0.2.2:40000".to_owned(),
        flow,
        from: NameAddr {
            user: "2025550100".to_owned(),
            ..NameAddr::default()
        },
    };
    sim.server
        .invite(sim.now, target, "offer".to_owned(), vec![])
        .expect("a call");
    sim.run(SECOND * 70, |sim, side, event| {
        if let (Side::Phone, Event::Incoming(invite)) = (side, event) {
            sim.phone
                .accept(sim.now, invite.dialog, "answer".to_owned())
                .expect("accept");
            // Nothing gets through any more.
            sim.lost = (sim.count..10_000).collect();
        }
    });
    let last = sim.told(Side::Phone);
    let ended: Vec<&String> = last.iter().filter(|e| e.starts_with("Ended")).collect();
    assert_eq!(ended.len(), 1, "{last:?}");
    assert!(ended[0].contains("did not confirm"), "{last:?}");
    // T1, 2·T1, 4·T1, 8·T1 (4 s) and then every 4 s until 64·T1.
    assert_eq!(sim.sent(Side::Phone, "200 OK"), 11, "{:?}", sim.log);
    assert!(sim.phone.calls.is_empty());
}

#[test]
fn a_silent_far_end_is_given_up_after_timer_b() {
    let mut sim = Sim::registered(TransportKind::Udp);
    sim.lost = (sim.count..10_000).collect();
    call(&mut sim);
    let before = sim.now;
    let mut after = Duration::ZERO;
    sim.run(SECOND * 40, |sim, side, event| {
        if let (Side::Phone, Event::Ended { .. }) = (side, event) {
            after = sim.now - before;
        }
    });
    assert_eq!(after, SECOND * 32);
    // Timer A: 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    assert_eq!(sim.sent(Side::Phone, "INVITE"), 7);
    assert!(sim.told(Side::Phone)[0].contains("does not answer"));
}

#[test]
fn a_call_survives_a_lost_connection_and_ends_over_the_next() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let (out, _) = established(&mut sim);
    let lost = sim.line.take().expect("a line");
    sim.phone
        .handle(sim.now, Input::FlowDown(lost, Fault::network("gone")));
    sim.server.handle(
        sim.now,
        Input::FlowDown(super::TO_PHONE, Fault::network("gone")),
    );
    assert!(sim.phone.reoffer(sim.now, out, "hold".to_owned()).is_err());
    sim.run(SECOND * 3, |_, _, _| {});
    assert!(!sim.told(Side::Phone).iter().any(|e| e.starts_with("Ended")));
    assert!(
        sim.told(Side::Phone)
            .contains(&"Registered { expires_s: 120 }".to_owned())
    );
    assert_eq!(
        sim.sent(Side::Phone, "UPDATE"),
        1,
        "the far end learns the new address"
    );
    let far = *sim.server.calls.keys().next().expect("the call");
    sim.server.hang_up(sim.now, far, None).expect("hang up");
    sim.run(SECOND, |_, _, _| {});
    assert_eq!(
        sim.told(Side::Phone).last().map(String::as_str),
        Some("Ended RemoteBye")
    );
}

#[test]
fn a_call_whose_phone_never_returns_is_given_up_by_the_server() {
    let mut sim = Sim::registered(TransportKind::Wss);
    established(&mut sim);
    sim.up = false;
    sim.server.handle(
        sim.now,
        Input::FlowDown(super::TO_PHONE, Fault::network("gone")),
    );
    sim.run(SECOND * 40, |_, _, _| {});
    let told = sim.told(Side::Server);
    assert!(
        told.last().is_some_and(|e| e.contains("did not come back")),
        "{told:?}"
    );
}

#[test]
fn a_cancelled_offer_is_withdrawn() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let (out, far) = established(&mut sim);
    sim.phone
        .reoffer(sim.now, out, "hold".to_owned())
        .expect("offer");
    sim.run(SECOND, |_, _, _| {});
    let key = match &sim.server.calls[&far].offer {
        crate::core::call::Offer::Received { request, .. } => request.clone(),
        _ => panic!("no offer is open"),
    };
    let mut cancel = crate::core::Message::request("CANCEL", key.uri());
    for name in ["Via", "From", "To", "Call-ID"] {
        cancel.push(name, key.get(name).unwrap_or_default());
    }
    cancel.push("CSeq", format!("{} CANCEL", key.seq()));
    let bytes = cancel.to_bytes();
    sim.server
        .handle(sim.now, Input::Received(super::TO_PHONE, bytes));
    sim.run(SECOND, |_, _, _| {});
    assert_eq!(sim.sent(Side::Server, "487"), 1);
    assert!(sim.server.answer_reoffer(sim.now, far, None).is_err());
    assert!(
        sim.told(Side::Phone)
            .contains(&"ReofferRefused 487".to_owned())
    );
}
