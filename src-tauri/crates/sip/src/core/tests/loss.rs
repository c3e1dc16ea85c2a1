//! Each message of a whole session is lost in turn over UDP; nothing that a user notices may change.

use std::time::Duration;

use super::solo::Solo;
use super::{Side, Sim};
use crate::api::{CallTarget, Event, Package};
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
    /// The session is refreshed by UPDATE (RFC 4028, RFC 3311) before the caller hangs up.
    Refreshed,
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
                Flow::Refreshed => server.accept(now, call.dialog, "answer".to_owned()),
            };
            done.expect("possible for a new call");
        }
    });
    if matches!(of, Flow::Refreshed) {
        // Half of the session's interval.
        sim.run(Duration::from_secs(910), |_, _, _| {});
        assert!(sim.sent(Side::Phone, "UPDATE") > 0, "{:?}", sim.log);
    }
    if matches!(of, Flow::Cancelled | Flow::Reliable | Flow::Refreshed) {
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
        Flow::Refreshed,
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

/// A notifier that repeats its NOTIFY until it is answered, and numbers its news.
struct Notifier {
    solo: Solo,
    /// Messages seen so far, both ways, and the one that is lost.
    count: usize,
    lost: Option<usize>,
    /// Sequence numbers of the SUBSCRIBEs taken.
    taken: Vec<u32>,
    /// The NOTIFY that is not answered yet.
    open: Option<String>,
}

impl Notifier {
    fn passes(&mut self) -> bool {
        self.count += 1;
        self.lost != Some(self.count - 1)
    }

    fn step(&mut self) {
        for message in std::mem::take(&mut self.solo.sent) {
            let kind = message.start.to_string();
            let subscribes = message.method() == "SUBSCRIBE";
            let answers =
                kind.starts_with("200") && message.cseq().is_some_and(|c| c.1 == "NOTIFY");
            if (!subscribes && !answers) || !self.passes() {
                continue;
            }
            if answers {
                self.open = None;
                continue;
            }
            if self.passes() {
                let fields = [
                    ("Contact", "<sip:notifier@192.0.2.9:5060>"),
                    ("Expires", "20"),
                ];
                self.solo.answer(&message, 200, "n", &fields, "");
            }
            if !self.taken.contains(&message.seq()) {
                self.taken.push(message.seq());
                let news = self.taken.len();
                let body = format!("Voice-Message: {news}/0\r\n");
                self.open = Some(format!(
                    "NOTIFY sip:1001@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn{news}\nFrom: {};tag=n\nTo: {}\nCall-ID: {}\nCSeq: {news} NOTIFY\nContact: <sip:notifier@192.0.2.9:5060>\nEvent: message-summary\nSubscription-State: active;expires=20\nContent-Length: {}\n\n{}",
                    message
                        .get("To")
                        .expect("To")
                        .split(";tag")
                        .next()
                        .expect("To"),
                    message.get("From").expect("From"),
                    message.call_id(),
                    body.len(),
                    body.replace("\r\n", "\n"),
                ));
            }
        }
        if let Some(notify) = self.open.clone()
            && self.passes()
        {
            self.solo.give(&notify);
        }
    }
}

/// Subscribes and refreshes twice; gives what was told and how many messages that took.
fn subscription(lost: Option<usize>) -> (Vec<String>, usize) {
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.act(|core, now| core.subscribe(now, "", Package::MessageSummary))
        .expect("an account");
    let mut notifier = Notifier {
        solo,
        count: 0,
        lost,
        taken: Vec::new(),
        open: None,
    };
    while notifier.taken.len() < 3 || notifier.open.is_some() {
        notifier.step();
        notifier.solo.wait(Duration::from_millis(500));
        assert!(notifier.count < 100, "without {lost:?}: for ever");
    }
    // The answer to the last refresh may be the one that was lost.
    for _ in 0..4 {
        notifier.step();
        notifier.solo.wait(Duration::from_millis(500));
    }
    (notifier.solo.told(), notifier.count)
}

#[test]
fn every_message_of_a_subscription_may_be_lost_once() {
    let (calm, messages) = subscription(None);
    assert_eq!(
        calm,
        [
            "MessagesWaiting 1/0",
            "MessagesWaiting 2/0",
            "MessagesWaiting 3/0"
        ]
    );
    assert!(messages >= 12, "SUBSCRIBE, NOTIFY and their answers");
    for lost in 0..messages {
        let (told, _) = subscription(Some(lost));
        assert_eq!(told, calm, "without message {lost}");
    }
}
