//! Two thousand calls in virtual time, over UDP with one message in twenty lost and over a stream: none is lost, and
//! nothing is left of any of them.

use std::collections::HashMap;
use std::time::Duration;

use super::{Side, Sim};
use crate::api::{CallTarget, DialogId, Event};
use crate::core::{Input, TransportKind};

const CALLS: usize = 2000;
const AT_ONCE: usize = 20;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Held by the caller, then hung up by the caller.
    Held,
    /// Rings with 100rel; the callee hangs up.
    Reliable,
    /// The caller gives up while it rings.
    GivenUp,
    /// Sent elsewhere by 302, to somebody who is busy.
    Forwarded,
}

const PLANS: [Plan; 4] = [Plan::Held, Plan::Reliable, Plan::GivenUp, Plan::Forwarded];

#[derive(Default)]
struct Tally {
    started: usize,
    placed: HashMap<DialogId, Plan>,
    arrived: HashMap<DialogId, Plan>,
    answered: usize,
    agreed: usize,
    ended: usize,
}

impl Tally {
    fn place(&mut self, sim: &mut Sim) {
        let plan = PLANS[self.started % PLANS.len()];
        self.started += 1;
        let mut headers = vec![("X-Plan".to_owned(), format!("{plan:?}"))];
        if plan == Plan::Reliable {
            headers.push(("Require".to_owned(), "100rel".to_owned()));
        }
        let target = CallTarget::Account("600".to_owned());
        let dialog = sim
            .phone
            .invite(sim.now, target, "offer".to_owned(), headers)
            .expect("a call");
        self.placed.insert(dialog, plan);
    }

    fn react(&mut self, sim: &mut Sim, side: Side, event: &Event) {
        let now = sim.now;
        match (side, event) {
            (Side::Server, Event::Incoming(call)) => {
                let wanted = call.headers.iter().find(|(name, _)| name == "X-Plan");
                let plan = PLANS
                    .into_iter()
                    .find(|p| wanted.is_some_and(|(_, v)| *v == format!("{p:?}")))
                    .expect("a plan");
                self.arrived.insert(call.dialog, plan);
                let server = &mut sim.server;
                let done = match plan {
                    Plan::Forwarded if call.request_user == "600" => {
                        server.redirect(now, call.dialog, "601")
                    }
                    Plan::Forwarded => server.reject(now, call.dialog, 486, None),
                    Plan::GivenUp => server.ringing(now, call.dialog, None),
                    Plan::Held | Plan::Reliable => server
                        .ringing(now, call.dialog, None)
                        .and_then(|()| server.accept(now, call.dialog, "answer".to_owned())),
                };
                done.expect("possible for a new call");
            }
            (Side::Server, Event::Confirmed { dialog })
                if self.arrived[dialog] == Plan::Reliable =>
            {
                sim.server.hang_up(now, *dialog, None).expect("it is up");
            }
            (Side::Server, Event::Reoffer { dialog, .. }) => {
                let answer = Some("held".to_owned());
                sim.server
                    .answer_reoffer(now, *dialog, answer)
                    .expect("an open offer");
            }
            (Side::Phone, Event::Provisional { dialog, .. })
                if self.placed.get(dialog) == Some(&Plan::GivenUp) =>
            {
                // A repetition may come after it was given up.
                let _ = sim.phone.hang_up(now, *dialog, None);
            }
            (Side::Phone, Event::Answered { dialog, .. }) => {
                self.answered += 1;
                if self.placed[dialog] == Plan::Held {
                    let hold = "hold".to_owned();
                    sim.phone.reoffer(now, *dialog, hold).expect("it is up");
                }
            }
            (Side::Phone, Event::ReofferAnswered { dialog, .. }) => {
                self.agreed += 1;
                sim.phone.hang_up(now, *dialog, None).expect("it is up");
            }
            (Side::Phone, Event::Ended { dialog, .. }) => {
                self.placed.remove(dialog).expect("ended once");
                self.ended += 1;
                if self.started < CALLS {
                    self.place(sim);
                }
            }
            (Side::Server, Event::Ended { dialog, .. }) => {
                self.arrived.remove(dialog).expect("ended once");
            }
            _ => {}
        }
    }
}

fn soak(kind: TransportKind, loss: f64) {
    let mut sim = Sim::registered(kind);
    sim.loss = loss;
    let mut tally = Tally::default();
    for _ in 0..AT_ONCE {
        tally.place(&mut sim);
    }
    let mut turns = 0;
    while tally.ended < CALLS {
        sim.run(Duration::from_secs(20), |sim, side, event| {
            tally.react(sim, side, event);
        });
        // Whose 180 was lost gives up some time, too.
        for (dialog, _) in tally.placed.iter().filter(|(_, p)| **p == Plan::GivenUp) {
            let _ = sim.phone.hang_up(sim.now, *dialog, None);
        }
        // What was told is counted; the log of two thousand calls is nothing to keep.
        sim.events.clear();
        sim.log.clear();
        turns += 1;
        assert!(turns < 6000, "{} of {CALLS} calls are over", tally.ended);
    }
    // The answered kinds are two of four, and one of them is held.
    assert_eq!((tally.answered, tally.agreed), (CALLS / 2, CALLS / 4));
    sim.loss = 0.0;
    sim.phone.handle(sim.now, Input::Account(None));
    sim.run(Duration::from_secs(150), |sim, side, event| {
        tally.react(sim, side, event);
    });
    assert!(tally.placed.is_empty() && tally.arrived.is_empty());
    for core in [&sim.phone, &sim.server] {
        assert!(core.calls.is_empty(), "{} calls are left", core.calls.len());
        assert!(core.tx.is_empty(), "transactions are left");
        assert!(core.outputs.is_empty());
        assert_eq!(core.poll_timeout(), None, "a timer is left");
    }
}

#[test]
fn two_thousand_calls_over_udp_with_one_message_in_twenty_lost() {
    soak(TransportKind::Udp, 0.05);
}

#[test]
fn two_thousand_calls_over_a_web_socket() {
    soak(TransportKind::Wss, 0.0);
}
