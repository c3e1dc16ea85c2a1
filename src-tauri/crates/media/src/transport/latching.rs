//! Symmetric RTP (comedia): plain packets to where packets come from.

use sidetone_profile::Codec;

use super::*;
use crate::Direction;

const OURS: &str = "192.0.2.1:4000";
/// What a phone behind a NAT names, and how we see it.
const NAMED: &str = "10.0.0.9:5000";
const SEEN: &str = "203.0.113.7:31000";
const STRANGER: &str = "198.51.100.66:9";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn packet(sequence: u8) -> [u8; 13] {
    [0x80, 0, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 9, 0xff]
}

/// A session whose far end names an address; RTCP shares the port.
fn transport(latch: bool, named: &str) -> MediaTransport {
    let ours = address(OURS);
    let mut transport = MediaTransport::symmetric(ours, ours, latch);
    name(&mut transport, named);
    transport
}

fn name(transport: &mut MediaTransport, named: &str) {
    let agreed = Negotiated {
        codec: Codec::Ulaw,
        payload_type: 0,
        remote_fmtp: String::new(),
        ptime_ms: 20,
        longest_ms: 60,
        receive: vec![(0, Codec::Ulaw)],
        dtmf_send: None,
        dtmf_receive: Vec::new(),
        direction: Direction::SendRecv,
        remote_rtp: Some(address(named)),
        remote_rtcp: Some(address(named)),
        rtcp_mux: true,
        transport: TransportPlan::Plain,
    };
    let identity = Identity::of_process().expect("a certificate");
    transport
        .apply(Instant::now(), identity, &agreed)
        .expect("applied");
}

/// Takes a packet from there; whether it was heard.
fn hears(transport: &mut MediaTransport, now: Instant, from: &str) -> bool {
    transport.handle_datagram(now, address(OURS), address(from), &packet(1));
    let mut heard = false;
    while let Some(event) = transport.poll_event() {
        heard |= matches!(event, TransportEvent::Rtp(_));
    }
    heard
}

/// Where a packet goes now.
fn goes_to(transport: &mut MediaTransport) -> SocketAddr {
    transport.send_rtp(&packet(2));
    transport.poll_transmit().expect("a packet").to
}

#[test]
fn sound_goes_to_where_it_comes_from_and_no_stranger_takes_it_over() {
    let began = Instant::now();
    let after = |ms| began + Duration::from_millis(ms);
    let mut call = transport(true, NAMED);
    assert_eq!(goes_to(&mut call), address(NAMED), "nothing came yet");
    assert!(hears(&mut call, began, SEEN));
    assert_eq!(goes_to(&mut call), address(SEEN));
    // While the far end is heard, nobody else is.
    for step in 1..50 {
        assert!(!hears(&mut call, after(step * 20 - 10), STRANGER));
        assert!(hears(&mut call, after(step * 20), SEEN));
        assert_eq!(goes_to(&mut call), address(SEEN));
    }
    // The same description again (a hold, a refresh) unlearns nothing; another one does.
    name(&mut call, NAMED);
    assert_eq!(goes_to(&mut call), address(SEEN));
    name(&mut call, "10.0.0.9:6000");
    assert_eq!(goes_to(&mut call), address("10.0.0.9:6000"));
}

#[test]
fn a_far_end_whose_nat_forgets_its_port_is_followed_after_a_second() {
    let began = Instant::now();
    let mut call = transport(true, NAMED);
    assert!(hears(&mut call, began, SEEN));
    let moved = "203.0.113.7:40404";
    assert!(!hears(&mut call, began + LATCH_HOLD / 2, moved));
    let later = began + LATCH_HOLD + Duration::from_millis(20);
    assert!(hears(&mut call, later, moved));
    assert_eq!(goes_to(&mut call), address(moved));
}

#[test]
fn without_latching_only_the_machine_that_was_named_is_heard() {
    let now = Instant::now();
    let mut call = transport(false, NAMED);
    assert!(!hears(&mut call, now, SEEN));
    assert!(hears(&mut call, now, NAMED));
    // From another port of it, as some gateways send.
    assert!(hears(&mut call, now, "10.0.0.9:7777"));
    assert_eq!(goes_to(&mut call), address(NAMED));
}
