//! The registration of the account in virtual time.

use std::time::{Duration, Instant};

use super::rfc4475::granted;
use super::solo::Solo;
use super::{Side, Sim};
use crate::api::{CallTarget, Event, FlowId, NameAddr, RegistrationState, ServerAddress};
use crate::core::{Core, Fault, FaultKind, Input, Message, Output, TransportKind};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn registers_and_refreshes_at_half_of_what_was_granted() {
    let mut sim = Sim::new(TransportKind::Wss);
    sim.set_account("right");
    sim.run(SECOND * 301, |_, _, _| {});
    // Two to begin with (challenge), one each at 60, 120, 180, 240 and 300 s; the nonce grows old after 300 s.
    let registers = sim.sent(Side::Phone, "REGISTER");
    assert!((7..=8).contains(&registers), "{registers}");
    assert_eq!(
        sim.told(Side::Phone)[..2],
        ["Trying", "Registered { expires_s: 120 }"]
    );
    assert!(sim.told(Side::Server).iter().all(|e| e == "Registered 120"));
}

#[test]
fn a_stale_nonce_costs_one_more_request_and_nothing_else() {
    let mut sim = Sim::registered(TransportKind::Wss);
    sim.server.server_digest = super::super::digest::ServerDigest::default();
    sim.run(SECOND * 62, |_, _, _| {});
    assert_eq!(sim.sent(Side::Phone, "REGISTER"), 2);
    assert_eq!(sim.told(Side::Phone), ["Registered { expires_s: 120 }"]);
}

#[test]
fn a_wrong_secret_is_final_and_not_tried_for_ever() {
    let mut sim = Sim::new(TransportKind::Wss);
    sim.set_account("wrong");
    sim.run(SECOND * 600, |_, _, _| {});
    assert_eq!(sim.sent(Side::Phone, "REGISTER"), 2);
    let told = sim.told(Side::Phone);
    assert_eq!(told.len(), 2);
    assert!(told[1].starts_with("Refused { status: 403"), "{told:?}");
    // A new secret is tried at once.
    sim.set_account("right");
    sim.run(SECOND, |_, _, _| {});
    assert!(
        sim.told(Side::Phone)
            .contains(&"Registered { expires_s: 120 }".to_owned())
    );
}

/// Status of the answer, extra header, and what becomes of the registration.
#[test]
fn answers_of_the_registrar() {
    type Check = fn(&RegistrationState) -> bool;
    let cases: [(u16, &str, Check); 7] = [
        (403, "X: y", |s| {
            matches!(s, RegistrationState::Refused { status: 403, .. })
        }),
        (404, "X: y", |s| {
            matches!(s, RegistrationState::Refused { status: 404, .. })
        }),
        (401, "X: y", |s| {
            matches!(s, RegistrationState::Refused { status: 401, .. })
        }),
        (503, "Retry-After: 20", |s| {
            matches!(
                s,
                RegistrationState::Unreachable {
                    retry_in_ms: 20_000,
                    ..
                }
            )
        }),
        (500, "X: y", |s| {
            matches!(
                s,
                RegistrationState::Unreachable {
                    retry_in_ms: 1000..=1250,
                    ..
                }
            )
        }),
        (200, "Expires: 77", |s| {
            *s == RegistrationState::Registered { expires_s: 77 }
        }),
        (
            200,
            "Contact: <sip:1001@192.0.2.2:40000;ob>;expires=50",
            |s| *s == RegistrationState::Registered { expires_s: 50 },
        ),
    ];
    for (status, header, check) in cases {
        let mut solo = Solo::new(TransportKind::Tcp);
        let register = solo.sent_one("REGISTER");
        let (name, value) = header.split_once(": ").expect("a header");
        solo.answer(&register, status, "far", &[(name, value)], "");
        let state = solo.events.iter().rev().find_map(|e| match e {
            Event::Registration(state) => Some(state.clone()),
            _ => None,
        });
        assert!(
            state.as_ref().is_some_and(check),
            "{status} {header}: {state:?}"
        );
    }
}

#[test]
fn too_brief_an_interval_is_asked_for_again() {
    let mut solo = Solo::new(TransportKind::Tcp);
    let register = solo.sent_one("REGISTER");
    assert_eq!(register.number("Expires"), Some(120));
    solo.answer(&register, 423, "far", &[("Min-Expires", "600")], "");
    let again = solo.sent_one("REGISTER");
    assert_eq!(again.number("Expires"), Some(600));
    assert!(again.seq() > register.seq() && again.call_id() == register.call_id());
}

#[test]
fn a_registrar_without_outbound_is_asked_plainly() {
    let mut solo = Solo::new(TransportKind::Tcp);
    let register = solo.sent_one("REGISTER");
    assert!(
        register
            .get("Contact")
            .is_some_and(|c| c.contains("reg-id=1"))
    );
    solo.answer(&register, 439, "far", &[], "");
    let again = solo.sent_one("REGISTER");
    assert!(again.get("Contact").is_some_and(|c| !c.contains("reg-id")));
}

#[test]
fn a_silent_registrar_is_left_and_tried_again_with_growing_waits() {
    let mut sim = Sim::new(TransportKind::Wss);
    sim.lost = (0..1000).collect();
    sim.set_account("right");
    let mut waits = Vec::new();
    sim.run(SECOND * 200, |_, _, event| {
        if let Event::Registration(RegistrationState::Unreachable { fault, retry_in_ms }) = event {
            assert_eq!(fault, "the server at 192.0.2.1:5060 does not answer");
            waits.push(*retry_in_ms);
        }
    });
    assert!(
        waits.len() >= 5 && waits[0] <= 1250 && waits[4] >= 12_000,
        "{waits:?}"
    );
}

#[test]
fn a_lost_connection_is_made_anew_within_two_seconds() {
    let mut sim = Sim::registered(TransportKind::Wss);
    let line = sim.line.expect("a line");
    let fault = Fault::network("the server closed the connection");
    sim.phone.handle(sim.now, Input::FlowDown(line, fault));
    sim.run(SECOND * 2, |_, _, _| {});
    let told = sim.told(Side::Phone);
    assert!(
        told[0].starts_with("Unreachable { fault: \"the server closed"),
        "{told:?}"
    );
    assert_eq!(told[1..], ["Trying", "Registered { expires_s: 120 }"]);
}

#[test]
fn a_changed_network_is_probed_at_once_and_left_when_silent() {
    let mut sim = Sim::registered(TransportKind::Wss);
    // The old path swallows everything from now on; only a new connection helps.
    sim.lost = vec![sim.count];
    let before = sim.now;
    sim.phone.handle(sim.now, Input::NetworkChanged);
    let mut back = Duration::ZERO;
    sim.run(SECOND * 5, |sim, side, event| {
        let registered = RegistrationState::Registered { expires_s: 120 };
        if let (Side::Phone, Event::Registration(state)) = (side, event)
            && *state == registered
        {
            back = sim.now - before;
        }
    });
    assert!(back > Duration::ZERO && back < SECOND * 3, "{back:?}");
    // Asked again while it waits, it does not wait.
    let line = sim.line.expect("a line");
    sim.phone
        .handle(sim.now, Input::FlowDown(line, Fault::network("gone")));
    sim.phone.handle(sim.now, Input::NetworkChanged);
    sim.events.clear();
    sim.run(Duration::from_millis(100), |_, _, _| {});
    assert!(
        sim.told(Side::Phone)
            .contains(&"Registered { expires_s: 120 }".to_owned())
    );
}

#[test]
fn a_bad_certificate_is_named_and_retried_slowly() {
    let mut sim = Sim::new(TransportKind::Wss);
    sim.up = false;
    sim.set_account("right");
    sim.run(SECOND, |_, _, _| {});
    let fault = Fault {
        kind: FaultKind::Certificate,
        words: "expired".to_owned(),
    };
    let first = crate::api::FlowId(super::super::FIRST_OUTGOING);
    sim.phone.handle(sim.now, Input::FlowDown(first, fault));
    sim.run(SECOND * 59, |_, _, _| {});
    let told = sim.told(Side::Phone);
    assert_eq!(told, ["Trying", "Certificate { fault: \"expired\" }"]);
    sim.run(SECOND * 2, |_, _, _| {});
    assert_eq!(sim.told(Side::Phone).len(), 3, "tried again after a minute");
}

/// A phone with a second server; which one each connection is made to.
fn two_servers() -> (Core, Instant) {
    let mut core = Core::new(String::new(), None, 3);
    let now = Instant::now();
    let mut account = super::account("right");
    account.fallbacks = vec![ServerAddress::Tcp("192.0.2.7".to_owned(), 5060)];
    core.handle(now, Input::Account(Some(Box::new(account))));
    (core, now)
}

/// Lets the core run until it wants a connection; gives when, its name, and the server.
fn next_connection(core: &mut Core, now: &mut Instant) -> (FlowId, ServerAddress) {
    loop {
        while let Some(output) = core.poll_output() {
            if let Output::Connect(id, server, _) = output {
                return (id, server);
            }
        }
        *now = core.poll_timeout().expect("it goes on trying").max(*now);
        core.handle_timeout(*now);
    }
}

/// Answers the REGISTER that was sent over this connection.
fn register(core: &mut Core, now: Instant, id: FlowId) {
    core.handle(
        now,
        Input::FlowUp(id, super::flow(TransportKind::Tcp, true)),
    );
    while let Some(output) = core.poll_output() {
        if let Output::Send(_, bytes) = output {
            let register = Message::parse(&bytes).expect("readable");
            assert_eq!(register.method(), "REGISTER");
            let ok = register.reply(200).with_tag("r").with("Expires", "600");
            core.handle(now, Input::Received(id, ok.to_bytes()));
        }
    }
}

#[test]
fn the_next_server_is_tried_at_once_and_the_first_gone_back_to() {
    let (mut core, mut now) = two_servers();
    let (first, server) = next_connection(&mut core, &mut now);
    assert!(matches!(server, ServerAddress::Udp(..)));
    let start = now;
    core.handle(now, Input::FlowDown(first, Fault::network("refused")));
    let (second, server) = next_connection(&mut core, &mut now);
    assert!(matches!(server, ServerAddress::Tcp(..)), "{server:?}");
    assert!(now - start <= Duration::from_millis(300));
    register(&mut core, now, second);
    // A look at the preferred server now and then; nobody is disturbed while it is away.
    for _ in 0..2 {
        let before = now;
        let (probe, server) = next_connection(&mut core, &mut now);
        assert!(matches!(server, ServerAddress::Udp(..)));
        assert!(now - before >= SECOND * 59);
        core.handle(now, Input::FlowDown(probe, Fault::network("refused")));
        while let Some(output) = core.poll_output() {
            assert!(!matches!(output, Output::Event(_)), "{output:?}");
        }
    }
    let (home, _) = next_connection(&mut core, &mut now);
    register(&mut core, now, home);
    assert_eq!(
        core.registration.as_ref().and_then(|r| r.flow()),
        Some(home)
    );
    core.handle_timeout(now + SECOND);
    let mut closed = false;
    while let Some(output) = core.poll_output() {
        closed |= matches!(output, Output::Close(flow) if flow == second);
    }
    assert!(closed, "the fallback is left");
    // When both fail, they are asked in turn.
    let mut asked = Vec::new();
    let mut line = home;
    for _ in 0..4 {
        core.handle(now, Input::FlowDown(line, Fault::network("gone")));
        let (id, server) = next_connection(&mut core, &mut now);
        asked.push(matches!(server, ServerAddress::Udp(..)));
        line = id;
    }
    assert_eq!(asked, [false, true, false, true]);
}

#[test]
fn a_call_keeps_the_phone_at_its_fallback() {
    let (mut core, mut now) = two_servers();
    let (first, _) = next_connection(&mut core, &mut now);
    core.handle(now, Input::FlowDown(first, Fault::network("refused")));
    let (second, _) = next_connection(&mut core, &mut now);
    register(&mut core, now, second);
    let target = CallTarget::Account("600".to_owned());
    core.invite(now, target, "offer".to_owned(), vec![])
        .expect("a call");
    while let Some(output) = core.poll_output() {
        if let Output::Send(line, bytes) = output {
            let invite = Message::parse(&bytes).expect("readable");
            let ringing = invite.reply(180).with_tag("far").to_bytes();
            core.handle(now, Input::Received(line, ringing));
        }
    }
    let (probe, _) = next_connection(&mut core, &mut now);
    core.handle(
        now,
        Input::FlowUp(probe, super::flow(TransportKind::Tcp, true)),
    );
    assert_eq!(
        core.registration.as_ref().and_then(|r| r.flow()),
        Some(second)
    );
}

#[test]
fn the_address_that_the_registrar_gave_is_the_contact_of_calls() {
    let mut solo = Solo::new(TransportKind::Tcp);
    let register = solo.sent_one("REGISTER");
    assert!(register.has_token("Supported", "gruu"));
    let contact = register.get("Contact").expect("a contact").to_owned();
    let gruu = "sip:1001@sandbox.invalid;gr=urn:uuid:f81d4fae";
    let granted = format!("{contact};pub-gruu=\"{gruu}\"");
    solo.answer(&register, 200, "far", &[("Contact", &granted)], "");
    let (_, invite) = solo.call();
    let wanted = format!("<{gruu}>");
    assert_eq!(invite.get("Contact"), Some(wanted.as_str()));
    // The binding itself keeps its own address.
    solo.wait(SECOND * 61);
    let refresh = solo.sent.iter().find(|m| m.method() == "REGISTER");
    let refreshed = refresh.and_then(|m| m.get("Contact")).expect("a refresh");
    assert_eq!(refreshed, contact);
}

#[test]
fn calls_go_by_the_way_that_the_registrar_gave() {
    let mut solo = Solo::new(TransportKind::Tcp);
    let register = solo.sent_one("REGISTER");
    assert!(register.has_token("Supported", "path"));
    let way = ["<sip:edge.example.com;lr>", "<sip:home.example.com;lr>"];
    // RFC 3608: of several fields too, in their order.
    let fields = way.map(|hop| ("Service-Route", hop));
    solo.answer(&register, 200, "far", &fields, "");
    let (_, invite) = solo.call();
    assert_eq!(invite.list("Route"), way);
    assert_eq!(invite.uri(), "sip:600@sandbox.invalid");
}

#[test]
fn the_path_that_the_registrar_gives_back_is_no_way_for_calls() {
    let mut solo = Solo::new(TransportKind::Tcp);
    let register = solo.sent_one("REGISTER");
    let fields = [
        (
            "Path",
            "<sip:edge.example.com;lr>, <sip:home.example.com;lr>",
        ),
        ("Path", "<sip:1001@far.example.com;lr;ob>"),
        ("Expires", "600"),
    ];
    solo.answer(&register, 200, "far", &fields, "");
    let told = solo.told().pop();
    assert_eq!(told.as_deref(), Some("Registered { expires_s: 600 }"));
    let (_, invite) = solo.call();
    assert_eq!(invite.get("Route"), None);
}

/// RFC 3327 §5.3.
#[test]
fn a_registrar_gives_the_path_back_and_sends_calls_along_it() {
    let register = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.2:40000;branch=z9hG4bKp\nFrom: <sip:1001@example.com>;tag=p\nTo: <sip:1001@example.com>\nCall-ID: path\nCSeq: 1 REGISTER\nContact: <sip:1001@192.0.2.9>\nPath: <sip:home.example.com;lr>, <sip:edge.example.com;lr>\nRequire: path\nContent-Length: 0\n\n";
    let way = ["<sip:home.example.com;lr>", "<sip:edge.example.com;lr>"];
    let (mut server, answer, bindings) = granted(register);
    assert_eq!(answer.list("Path"), way);
    let [binding] = &bindings[..] else {
        panic!("{bindings:?}");
    };
    assert_eq!(binding.path, way);
    let target = CallTarget::Contact {
        uri: binding.contact.clone(),
        flow: binding.flow,
        from: NameAddr::default(),
    };
    let route = |hop: &String| ("Route".to_owned(), hop.clone());
    let routes = binding.path.iter().map(route).collect();
    server
        .act(|core, now| core.invite(now, target, "offer".to_owned(), routes))
        .expect("a call");
    let invite = server.sent_one("INVITE sip:1001@192.0.2.9");
    assert_eq!(invite.list("Route"), way);
    // What is refused is confirmed along the same way.
    server.answer(&invite, 486, "far", &[], "");
    assert_eq!(server.sent_one("ACK").list("Route"), way);
}
