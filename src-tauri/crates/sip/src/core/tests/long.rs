//! Requests that are too long for a datagram.

use std::time::Duration;

use super::{BESIDE, Side, Sim, Tcp};
use crate::api::{CallTarget, DialogId, Event};
use crate::core::{Fault, Input, TransportKind};

const SECOND: Duration = Duration::from_secs(1);

/// Calls with an offer that fits into no datagram.
fn call(sim: &mut Sim) -> DialogId {
    let target = CallTarget::Account("600".to_owned());
    sim.phone
        .invite(sim.now, target, "o".repeat(1300), vec![])
        .expect("a call")
}

fn answer(sim: &mut Sim, side: Side, event: &Event) {
    if let (Side::Server, Event::Incoming(call)) = (side, event) {
        let now = sim.now;
        sim.server
            .accept(now, call.dialog, "answer".to_owned())
            .expect("a call");
    }
}

/// The methods that went over the connection, and those that went as datagrams.
fn ways(sim: &Sim) -> (Vec<String>, Vec<String>) {
    let methods = |log: &[(Side, String)]| -> Vec<String> {
        log.iter()
            .filter_map(|(_, line)| line.split(' ').next())
            .filter(|word| *word != "SIP/2.0" && word.parse::<u16>().is_err())
            .map(str::to_owned)
            .collect()
    };
    let streamed = methods(&sim.streamed);
    let mut datagrams = methods(&sim.log);
    for method in &streamed {
        let place = datagrams.iter().position(|m| m == method);
        datagrams.remove(place.expect("the log has all"));
    }
    (streamed, datagrams)
}

#[test]
fn a_long_request_goes_over_tcp_and_the_rest_stays_where_it_was() {
    let mut sim = Sim::registered(TransportKind::Udp);
    let dialog = call(&mut sim);
    sim.run(SECOND, answer);
    assert!(
        sim.told(Side::Phone)
            .contains(&"Answered Some(\"answer\")".to_owned()),
        "{:?}",
        sim.log
    );
    sim.phone.hang_up(sim.now, dialog, None).expect("a call");
    sim.run(SECOND * 50, answer);
    let (streamed, datagrams) = ways(&sim);
    // The INVITE is challenged first; both go the same way, and the ACK of the refusal with them.
    assert_eq!(streamed, ["INVITE", "ACK", "INVITE"]);
    assert_eq!(datagrams, ["ACK", "BYE"]);
    assert_eq!(sim.asked, 1);
    assert!(sim.phone.calls.is_empty() && sim.server.calls.is_empty());
    // With the account goes the connection.
    sim.phone.handle(sim.now, Input::Account(None));
    sim.run(SECOND * 50, answer);
    assert!(sim.phone.beside.is_empty() && sim.phone.flows.is_empty());
    assert_eq!(sim.phone.poll_timeout(), None);
}

#[test]
fn a_long_acknowledgement_goes_the_way_of_its_call() {
    let mut sim = Sim::registered(TransportKind::Udp);
    let target = CallTarget::Account("6".repeat(1300));
    let dialog = sim
        .phone
        .invite(sim.now, target, "offer".to_owned(), vec![])
        .expect("a call");
    sim.run(SECOND, answer);
    sim.phone.hang_up(sim.now, dialog, None).expect("a call");
    sim.run(SECOND * 50, answer);
    let (streamed, datagrams) = ways(&sim);
    assert_eq!(streamed[..4], ["INVITE", "ACK", "INVITE", "ACK"]);
    assert!(!datagrams.contains(&"ACK".to_owned()), "{datagrams:?}");
    assert!(sim.phone.calls.is_empty() && sim.server.calls.is_empty());
}

#[test]
fn a_long_call_is_given_up_over_the_connection_it_went_over() {
    let mut sim = Sim::registered(TransportKind::Udp);
    let dialog = call(&mut sim);
    sim.run(SECOND, |sim, side, event| {
        if let (Side::Server, Event::Incoming(call)) = (side, event) {
            let now = sim.now;
            sim.server.ringing(now, call.dialog, None).expect("a call");
        }
    });
    sim.phone.hang_up(sim.now, dialog, None).expect("a call");
    sim.run(SECOND * 50, answer);
    assert!(
        sim.told(Side::Server)
            .contains(&"Ended Cancelled(None)".to_owned()),
        "{:?}",
        sim.log
    );
    let (streamed, datagrams) = ways(&sim);
    assert_eq!(streamed, ["INVITE", "ACK", "INVITE", "CANCEL", "ACK"]);
    assert!(datagrams.is_empty(), "{datagrams:?}");
}

#[test]
fn a_server_without_tcp_gets_datagrams_and_is_not_asked_again_at_once() {
    for tcp in [Tcp::Refused, Tcp::Silent] {
        let mut sim = Sim::registered(TransportKind::Udp);
        sim.tcp = tcp;
        for (asked, pause) in [(1, 10), (1, 300), (2, 0)] {
            sim.events.clear();
            // Lost as any datagram, and repeated.
            sim.lost = vec![sim.count];
            let dialog = call(&mut sim);
            sim.run(SECOND * 4, answer);
            assert!(
                sim.told(Side::Phone)
                    .contains(&"Answered Some(\"answer\")".to_owned()),
                "{tcp:?} {:?}",
                sim.log
            );
            assert_eq!(sim.asked, asked, "{tcp:?}");
            sim.phone.hang_up(sim.now, dialog, None).expect("a call");
            sim.run(SECOND * pause, answer);
        }
        assert!(sim.streamed.is_empty());
    }
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_made_up_for_by_datagrams() {
    let mut sim = Sim::registered(TransportKind::Udp);
    call(&mut sim);
    // Until the server has the second INVITE, after its challenge, and no answer has come.
    sim.run(super::DELAY * 2, answer);
    let beside = sim.beside.take().expect("connected");
    let broken = Fault::network("broken");
    sim.phone
        .handle(sim.now, Input::FlowDown(beside, broken.clone()));
    sim.server.handle(sim.now, Input::FlowDown(BESIDE, broken));
    sim.run(SECOND * 4, answer);
    assert!(
        sim.told(Side::Phone)
            .contains(&"Answered Some(\"answer\")".to_owned()),
        "{:?}",
        sim.log
    );
    let (_, datagrams) = ways(&sim);
    assert!(datagrams.contains(&"INVITE".to_owned()), "{datagrams:?}");
}
