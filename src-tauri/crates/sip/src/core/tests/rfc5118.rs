//! The messages of RFC 5118, with IPv6 addresses, in the RFC's own bytes but for the lengths of three bodies, which the RFC
//! counted otherwise.

use super::rfc4475::{bound, read, registrar};
use super::solo::Solo;
use crate::api::Event;
use crate::core::TransportKind;
use crate::core::address::{host_of, param, uri_of};
use crate::core::message::Message;

/// The one answer of a phone.
fn answer(text: &str, expected: &str) -> Message {
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    solo.sent_one(expected)
}

const S4_1: &str = "REGISTER sip:[2001:db8::10] SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n";
const S4_2: &str = "REGISTER sip:2001:db8::10 SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n";
const S4_3: &str = "REGISTER sip:[2001:db8::10:5070] SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\nMax-Forwards: 70\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n";
const S4_4: &str = "REGISTER sip:[2001:db8::10]:5070 SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\nMax-Forwards: 70\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n";

#[test]
fn an_address_stands_in_brackets_and_its_port_behind_them() {
    for (text, host) in [
        (S4_1, "[2001:db8::10]"),
        // Here the last group is no port, whatever was meant.
        (S4_3, "[2001:db8::10:5070]"),
        (S4_4, "[2001:db8::10]:5070"),
    ] {
        let message = read(text);
        assert_eq!(host_of(message.uri()), host);
        assert_eq!(message.sent_by(), "[2001:db8::9:1]");
        let contact = message.list("Contact");
        assert_eq!(uri_of(&contact[0]), "sip:caller@[2001:db8::1]");
        assert_eq!(bound(text), ["sip:caller@[2001:db8::1]"], "{text}");
    }
    assert_eq!(registrar(S4_2), [400]);
}

const S4_5_BYE: &str = "BYE sip:[2001:db8::10] SIP/2.0\nTo: sip:user@example.com;tag=bd76ya\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\nCSeq: 321 BYE\nContent-Length: 0\n\n";
const S4_5_OPTIONS: &str = "OPTIONS sip:[2001:db8::10] SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3\nCall-ID: SSG95523997077@hlau_4100\nMax-Forwards: 70\nContact: \"Caller\" <sip:caller@[2001:db8::9:1]>\nCSeq: 921 OPTIONS\nContent-Length: 0\n\n";

#[test]
fn the_address_that_a_via_was_received_from_may_stand_in_brackets() {
    for (text, received, branch, expected) in [
        (S4_5_BYE, "[2001:db8::9:255]", "z9hG4bKas3-111", "481"),
        (S4_5_OPTIONS, "2001:db8::9:255", "z9hG4bKas3", "200"),
    ] {
        let message = read(text);
        assert_eq!(message.branch(), branch);
        assert_eq!(message.sent_by(), "[2001:db8::9:1]");
        let via = message.get("Via").expect("Via");
        assert_eq!(param(via, "received"), Some(received));
        answer(text, expected);
    }
}

const S4_6: &str = "INVITE sip:user@[2001:db8::10] SIP/2.0\nTo: sip:user@[2001:db8::10]\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nContact: \"Caller\" <sip:caller@[2001:db8::20]>\nCSeq: 8612 INVITE\nMax-Forwards: 70\nContent-Type: application/sdp\n";
const S4_6_SDP: &str = "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=Live video feed for today's meeting\nc=IN IP6 2001:db8::20\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\nm=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n";
const S4_8: &str = "INVITE sip:user@[2001:db8::10] SIP/2.0\nTo: sip:user@[2001:db8::10]\nFrom: sip:user@example.com;tag=81x2\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nContact: \"Caller\" <sip:caller@[2001:db8::9:1]>\nMax-Forwards: 70\nCSeq: 8912 INVITE\nContent-Type: application/sdp\n";
const S4_8_SDP: &str = "v=0\no=bob 280744730 28977631 IN IP4 host.example.com\ns=\nt=0 0\nm=audio 22334 RTP/AVP 0\nc=IN IP4 192.0.2.1\nm=video 6024 RTP/AVP 107\nc=IN IP6 2001:db8::1\na=rtpmap:107 H263-1998/90000\n";
const S4_9: &str = "INVITE sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@east.example.com;tag=81x2\nVia: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19\nVia: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\nContact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>\nCSeq: 612 INVITE\nMax-Forwards: 70\nContent-Type: application/sdp\n";
const S4_9_SDP: &str = "v=0\no=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2\ns=Call me soon, please!\nc=IN IP6 ::ffff:192.0.2.2\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\nm=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n";

#[test]
fn a_call_with_ipv6_addresses_rings_and_its_requests_find_back() {
    for (head, body, target) in [
        (S4_6, S4_6_SDP, "sip:caller@[2001:db8::20]"),
        (S4_8, S4_8_SDP, "sip:caller@[2001:db8::9:1]"),
        (S4_9, S4_9_SDP, "sip:ted@[::ffff:192.0.2.2]"),
    ] {
        let body = body.replace('\n', "\r\n");
        let invite = read(&format!("{head}Content-Length: 0\n\n"));
        let text = format!("{head}Content-Length: {}\n\n", body.len());
        let mut bytes = text.replace('\n', "\r\n").into_bytes();
        bytes.extend(body.as_bytes());
        let mut solo = Solo::registered(TransportKind::Udp);
        solo.give_bytes(bytes);
        solo.sent_one("100");
        let Some(Event::Incoming(call)) = solo.events.pop() else {
            panic!("no call from {target}");
        };
        assert_eq!(call.sdp, Some(body));
        // A BYE of ours finds its way back.
        solo.act(|core, now| core.accept(now, call.dialog, "answer".to_owned()))
            .expect("it rings");
        let answer = solo.sent_one("200");
        assert_eq!(answer.list("Via").len(), invite.list("Via").len());
        assert_eq!(solo.core.calls[&call.dialog].leg.target, target);
        let ack = format!(
            "ACK {} SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKack\nTo: {}\nFrom: {}\nCall-ID: {}\nCSeq: {} ACK\nMax-Forwards: 70\nContent-Length: 0\n\n",
            invite.uri(),
            answer.get("To").expect("To"),
            invite.get("From").expect("From"),
            invite.call_id(),
            answer.seq()
        );
        solo.give(&ack);
        solo.act(|core, now| core.hang_up(now, call.dialog, None))
            .expect("it is up");
        assert_eq!(solo.sent_one("BYE").uri(), target);
    }
}

const S4_7: &str = "BYE sip:user@host.example.net SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\nVia: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\nCall-ID: 997077@lau_4100\nMax-Forwards: 70\nCSeq: 89187 BYE\nTo: sip:user@example.net;tag=9817--94\nFrom: sip:user@example.com;tag=81x2\nContent-Length: 0\n\n";

#[test]
fn both_families_in_one_list_of_via() {
    assert_eq!(answer(S4_7, "481").list("Via"), read(S4_7).list("Via"));
}

const S4_10_EXTRA: &str = "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0\nTo: sip:user@[2001:db8:::192.0.2.1]\nFrom: sip:user@example.com;tag=810x2\nVia: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\nCall-ID: G9559905523997077@hlau_4100\nCSeq: 689 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n";
const S4_10_RIGHT: &str = "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0\nTo: sip:user@[2001:db8::192.0.2.1]\nFrom: sip:user@example.com;tag=810x2\nVia: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\nCall-ID: G9559905523997077@hlau_4100\nCSeq: 689 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n";

/// RFC 3261's grammar allows a third colon before an IPv4 address.
#[test]
fn an_extra_colon_before_an_ipv4_address_is_borne() {
    for text in [S4_10_EXTRA, S4_10_RIGHT] {
        let uri = read(text).uri().to_owned();
        let reply = answer(text, "200");
        assert!(reply.get("To").is_some_and(|to| to.starts_with(&uri)));
    }
}
