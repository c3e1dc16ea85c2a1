//! Each message of a whole session is lost in turn over UDP; nothing that a user notices may change.

use std::time::Duration;

use super::{Side, Sim};
use crate::api::{CallTarget, Event};
use crate::core::TransportKind;

/// Registers, calls, rings, is answered, re-offers in both directions and hangs up.
fn session(lost: Vec<u64>) -> Sim {
    let mut sim = Sim::new(TransportKind::Udp);
    sim.lost = lost;
    sim.set_account("right");
    let mut called = false;
    sim.run(Duration::from_secs(110), move |sim, side, event| {
        let now = sim.now;
        let core = sim.core(side);
        let done = match (side, event) {
            (
                Side::Phone,
                Event::Registration(crate::api::RegistrationState::Registered { .. }),
            ) if !std::mem::replace(&mut called, true) => {
                let target = CallTarget::Account("600".to_owned());
                core.invite(now, target, "offer".to_owned(), vec![])
                    .map(|_| ())
            }
            (Side::Server, Event::Incoming(invite)) => core
                .ringing(now, invite.dialog, None)
                .and_then(|()| core.accept(now, invite.dialog, "answer".to_owned())),
            (Side::Phone, Event::Answered { dialog, .. }) => {
                core.reoffer(now, *dialog, "hold".to_owned())
            }
            (_, Event::Reoffer { dialog, .. }) => {
                core.answer_reoffer(now, *dialog, Some("held".to_owned()))
            }
            (Side::Phone, Event::ReofferAnswered { dialog, .. }) => {
                core.info(now, *dialog, "text/plain", vec![])
            }
            (Side::Server, Event::Info { dialog, .. }) => core.hang_up(now, *dialog, None),
            _ => Ok(()),
        };
        done.expect("possible in this state");
    });
    sim
}

#[test]
fn every_message_may_be_lost_once() {
    let calm = session(vec![]);
    let phone = calm.told(Side::Phone);
    let server = calm.told(Side::Server);
    assert!(phone.contains(&"Ended RemoteBye".to_owned()), "{phone:?}");
    assert!(server.contains(&"Ended Local".to_owned()), "{server:?}");
    // REGISTER twice and its refresh, INVITE twice, re-INVITE, INFO and BYE with their answers.
    let messages = calm.count;
    assert!(messages > 18, "only {messages} messages: {:?}", calm.log);
    for number in 0..messages {
        let sim = session(vec![number]);
        let what = &calm.log[usize::try_from(number).expect("small")];
        // The 180 is not repeated; nobody misses it when the 200 follows.
        let calls = |told: Vec<String>| {
            let mut told: Vec<String> = told
                .into_iter()
                .filter(|e| !e.starts_with("Provisional") && !e.starts_with("Registered"))
                .collect();
            told.sort();
            told.dedup();
            told
        };
        assert_eq!(
            calls(sim.told(Side::Phone)),
            calls(phone.clone()),
            "without {what:?}"
        );
        assert_eq!(
            calls(sim.told(Side::Server)),
            calls(server.clone()),
            "without {what:?}"
        );
        for side in [Side::Phone, Side::Server] {
            let ended = sim
                .told(side)
                .iter()
                .filter(|e| e.starts_with("Ended"))
                .count();
            assert_eq!(ended, 1, "without {what:?}");
        }
        assert!(
            sim.phone.calls.is_empty() && sim.server.calls.is_empty(),
            "without {what:?}"
        );
    }
}

#[test]
fn nothing_is_left_when_all_is_over() {
    let mut sim = session(vec![]);
    sim.phone.handle(sim.now, crate::core::Input::Account(None));
    sim.run(Duration::from_secs(40), |_, _, _| {});
    assert!(sim.phone.tx.is_empty() && sim.server.tx.is_empty());
    assert!(sim.told(Side::Server).contains(&"Registered 0".to_owned()));
    assert_eq!(sim.phone.poll_timeout(), None);
}

/// The smaller flows: what the callee does with the call, and whether the caller gives up while it rings.
#[derive(Clone, Copy, Debug)]
enum Flow {
    Cancelled,
    Reliable,
    Redirected,
    Refused,
}

fn flow(of: Flow, lost: Vec<u64>) -> Sim {
    let mut sim = Sim::registered(TransportKind::Udp);
    let before = sim.count;
    sim.lost = lost.into_iter().map(|number| number + before).collect();
    let mut headers = Vec::new();
    if matches!(of, Flow::Reliable) {
        headers.push(("Require".to_owned(), "100rel".to_owned()));
    }
    let target = CallTarget::Account("600".to_owned());
    let out = sim
        .phone
        .invite(sim.now, target, "offer".to_owned(), headers)
        .expect("a call");
    sim.run(Duration::from_secs(4), |sim, side, event| {
        let now = sim.now;
        if let (Side::Server, Event::Incoming(call)) = (side, event) {
            let server = &mut sim.server;
            let done = match of {
                Flow::Cancelled => server.ringing(now, call.dialog, None),
                Flow::Reliable => server
                    .ringing(now, call.dialog, Some("early".to_owned()))
                    .and_then(|()| server.accept(now, call.dialog, "answer".to_owned())),
                Flow::Redirected if call.request_user == "600" => {
                    server.redirect(now, call.dialog, "601")
                }
                Flow::Redirected | Flow::Refused => server.reject(now, call.dialog, 486, None),
            };
            done.expect("possible for a new call");
        }
    });
    if matches!(of, Flow::Cancelled | Flow::Reliable) {
        sim.phone.hang_up(sim.now, out, None).expect("a call");
    }
    sim.run(Duration::from_secs(150), |_, _, _| {});
    sim.count -= before;
    sim
}

#[test]
fn every_message_of_the_smaller_flows_may_be_lost_once() {
    for of in [
        Flow::Cancelled,
        Flow::Reliable,
        Flow::Redirected,
        Flow::Refused,
    ] {
        let calm = flow(of, vec![]);
        let ends = |sim: &Sim, side| {
            let mut told = sim.told(side);
            told.retain(|e| e.starts_with("Ended") || e.starts_with("Answered"));
            told
        };
        assert!(!ends(&calm, Side::Phone).is_empty(), "{of:?}");
        for number in 0..calm.count {
            let what = &calm.log[usize::try_from(number).expect("small")];
            let sim = flow(of, vec![number]);
            for side in [Side::Phone, Side::Server] {
                assert_eq!(
                    ends(&sim, side),
                    ends(&calm, side),
                    "{of:?} {side:?} without {what:?}"
                );
            }
            assert!(
                sim.phone.calls.is_empty() && sim.server.calls.is_empty(),
                "{of:?} without {what:?}"
            );
        }
    }
}
