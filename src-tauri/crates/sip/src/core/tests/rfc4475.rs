//! The invalid and the meaningless messages of RFC 4475 sections 3.1.2, 3.2 and 3.3 in the RFC's own bytes, each with what
//! the RFC lets a phone or a registrar answer.

use std::sync::Arc;

use sidetone_profile::Secret;

use super::solo::Solo;
use super::{Users, flow};
use crate::api::{Authenticator, Credentials, Event, FlowId, RegisterRequest};
use crate::core::address::{param, uri_of, user_of};
use crate::core::digest::ClientDigest;
use crate::core::message::{BadMessage, Message};
use crate::core::{Core, Input, TransportKind};

/// The session description that most messages carry; its length is the message's own affair.
pub(super) fn sdp(address: &str) -> String {
    format!(
        "v=0\no=mhandley 29739 7272939 IN IP4 {address}\ns=-\nc=IN IP4 {address}\nt=0 0\nm=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"
    )
}

/// A valid message.
pub(super) fn read(text: &str) -> Message {
    match Message::parse(&text.replace('\n', "\r\n").into_bytes()) {
        Ok(message) => message,
        Err(fault) => panic!("{fault:?}\n{text}"),
    }
}

/// The answers of a phone to one datagram, and what it tells its user.
fn answers(text: &str) -> (Vec<Message>, Vec<Event>) {
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    (std::mem::take(&mut solo.sent), solo.events)
}

fn status(text: &str) -> Vec<u16> {
    answers(text).0.iter().map(Message::status).collect()
}

/// The answers of a registrar to one datagram.
pub(super) fn registrar(text: &str) -> Vec<u16> {
    let mut solo = registrar_of(Arc::new(Users));
    solo.give(text);
    solo.sent.iter().map(Message::status).collect()
}

fn registrar_of(users: Arc<dyn Authenticator>) -> Solo {
    let mut solo = Solo::new(TransportKind::Udp);
    solo.core = Core::new(String::new(), Some(users), 7);
    solo.line = FlowId(1);
    let line = flow(TransportKind::Udp, false);
    solo.core.handle(solo.now, Input::FlowUp(solo.line, line));
    solo.sent.clear();
    solo.events.clear();
    solo
}

/// Knows everybody, by one secret.
struct Everybody;

impl Authenticator for Everybody {
    fn realm(&self) -> String {
        "example.com".to_owned()
    }

    fn secret(&self, _: &str) -> Option<Secret> {
        Some(Secret::new("secret"))
    }

    fn algorithms(&self) -> &[&'static str] {
        &["SHA-256"]
    }
}

/// The contacts that a registrar binds when the sender answers its challenge.
pub(super) fn bound(text: &str) -> Vec<String> {
    let (_, _, bindings) = granted(text);
    bindings.into_iter().map(|bound| bound.contact).collect()
}

/// The registrar, its 200 and what it binds when the sender answers its challenge.
pub(super) fn granted(text: &str) -> (Solo, Message, Vec<RegisterRequest>) {
    let mut solo = registrar_of(Arc::new(Everybody));
    solo.give(text);
    let challenge = solo.sent_one("401");
    let mut client = ClientDigest::default();
    assert!(client.learn(&challenge), "{challenge:?}");
    // Another transaction.
    let text = text.replacen("branch=z9hG4bK", "branch=z9hG4bKanother", 1);
    let text = text.replace('\n', "\r\n");
    let mut again = Message::parse(text.as_bytes()).expect("valid");
    let number = again.seq() + 1;
    again.set("CSeq", format!("{number} REGISTER"));
    let credentials = Credentials {
        user: user_of(uri_of(again.get("To").expect("To"))),
        secret: Secret::new("secret"),
    };
    client.authorize(&mut again, &credentials);
    solo.give_bytes(again.to_bytes());
    let answer = solo.sent_one("200");
    let events = std::mem::take(&mut solo.events).into_iter();
    let bindings = events.filter_map(|event| match event {
        Event::Registered(request) => Some(request),
        _ => None,
    });
    let bindings = bindings.collect();
    (solo, answer, bindings)
}

const BADINV01: &str = "INVITE sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=134161461246\nMax-Forwards: 7\nCall-ID: badinv01.0ha0isndaksdjasdf3234nas\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\nContact: \"Joe\" <sip:joe@example.org>;;;;\nContent-Length: 152\nContent-Type: application/sdp\n\n";
const NCL: &str = "INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 254\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=32394234\nCall-ID: ncl.0ha0isndaksdj2193423r542w35\nCSeq: 0 INVITE\nVia: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw\nContact: <sip:caller@example53.example.net>\nContent-Type: application/sdp\nContent-Length: -999\n\n";
const QUOTBAL: &str = "INVITE sip:user@example.com SIP/2.0\nTo: \"Mr. J. User <sip:j.user@example.com>\nFrom: sip:caller@example.net;tag=93334\nMax-Forwards: 10\nCall-ID: quotbal.aksdj\nContact: <sip:caller@host59.example.net>\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234\nContent-Type: application/sdp\nContent-Length: 152\n\n";
const LWSSTART: &str = "INVITE  sip:user@example.com  SIP/2.0\nMax-Forwards: 8\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=8814\nCall-ID: lwsstart.dfknq234oi243099adsdfnawe3@example.com\nCSeq: 1893884 INVITE\nVia: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw3923\nContact: <sip:caller@host1.example.net>\nContent-Type: application/sdp\nContent-Length: 150\n\n";
const ESCRURI: &str = "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=341518\nMax-Forwards: 7\nContact: <sip:caller@host39923.example.net>\nCall-ID: escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5\nCSeq: 149209342 INVITE\nVia: SIP/2.0/UDP host-of-the-hour.example.com;branch=z9hG4bKkdjuw\nContent-Type: application/sdp\nContent-Length: 150\n\n";
const MISMATCH01: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=34525\nMax-Forwards: 6\nCall-ID: mismatch01.dj0234sxdfl3\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw\nl: 0\n\n";
const BADBRANCH: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.org;tag=33242\nMax-Forwards: 3\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\nAccept: application/sdp\nCall-ID: badbranch.sadonfo23i420jv0as0derf3j3n\nCSeq: 8 OPTIONS\nl: 0\n\n";
const INSUF: &str = "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\nContent-Type: application/sdp\nl: 152\n\n";
const UNKSCM: &str = "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=384\nMax-Forwards: 3\nCall-ID: unkscm.nasdfasser0q239nwsdfasdkl34\nCSeq: 3923423 OPTIONS\nVia: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234\nContent-Length: 0\n\n";
const NOVELSC: &str = "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=384\nMax-Forwards: 3\nCall-ID: novelsc.asdfasser0q239nwsdfasdkl34\nCSeq: 3923423 OPTIONS\nVia: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234\nContent-Length: 0\n\n";
const BEXT01: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:j_user@example.com\nFrom: sip:caller@example.net;tag=242etr\nMax-Forwards: 6\nCall-ID: bext01.0ha0isndaksdj\nRequire: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\nCSeq: 8 OPTIONS\nVia: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw\nContent-Length: 0\n\n";
const INVUT: &str = "INVITE sip:user@example.com SIP/2.0\nContact: <sip:caller@host5.example.net>\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=8392034\nMax-Forwards: 70\nCall-ID: invut.0ha0isndaksdjadsfij34n23d\nCSeq: 235448 INVITE\nVia: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw\nContent-Type: application/unknownformat\nContent-Length: 40\n\n<audio>\n <pcmu port=\"443\"/>\n</audio>\n";
const MCL01: &str = "OPTIONS sip:user@example.com SIP/2.0\nVia: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423\nTo: sip:user@example.com\nFrom: sip:other@example.net;tag=3923942\nCall-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf\nCSeq: 15932 OPTIONS\nContent-Length: 13\nMax-Forwards: 60\nContent-Length: 5\nContent-Type: text/plain\n\nThere's no way to know how many octets are supposed to be here.\n";
const ZEROMF: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=3ghsd41\nCall-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas\nCSeq: 39234321 OPTIONS\nVia: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i\nMax-Forwards: 0\nContent-Length: 0\n\n";
const BCAST: &str = "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\nCall-ID: bcast.0384840201234ksdfak3j2erwedfsASdf\nCSeq: 35 INVITE\nFrom: sip:user@example.com;tag=11141343\nTo: sip:user@example.edu;tag=2229\nContent-Length: 154\nContent-Type: application/sdp\nContact: <sip:user@host28.example.com>\n\n";
const BIGCODE: &str = "SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\nCSeq: 353494 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\nContact: <sip:user@host105.example.com>\n\n";

const CLERR: &str = "INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 80\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=93942939o2\nContact: <sip:caller@hungry.example.net>\nCall-ID: clerr.0ha0isndaksdjweiafasdk3\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP host5.example.com;branch=z9hG4bK-39234-23523\nContent-Type: application/sdp\nContent-Length: 9999\n\n";
const LTGTRURI: &str = "INVITE <sip:user@example.com> SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=39291\nMax-Forwards: 23\nCall-ID: ltgtruri.1@192.0.2.5\nCSeq: 1 INVITE\nVia: SIP/2.0/UDP 192.0.2.5\nContact: <sip:caller@host5.example.net>\nContent-Type: application/sdp\nContent-Length: 159\n\n";
const LWSRURI: &str = "INVITE sip:user@example.com; lr SIP/2.0\nTo: sip:user@example.com;tag=3xfe-9921883-z9f\nFrom: sip:caller@example.net;tag=231413434\nMax-Forwards: 5\nCall-ID: lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423\nCSeq: 2130706432 INVITE\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw2395\nContact: <sip:caller@host1.example.net>\nContent-Type: application/sdp\nContent-Length: 159\n\n";
const BADVERS: &str = "OPTIONS sip:t.watson@example.org SIP/7.0\nVia:     SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw\nMax-Forwards:     70\nFrom:    A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe\nTo:      T. Watson <sip:t.watson@example.org>\nCall-ID: badvers.31417@c.example.com\nCSeq:    1 OPTIONS\nl: 0\n\n";
const MISMATCH02: &str = "NEWMETHOD sip:user@example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:caller@example.net;tag=34525\nMax-Forwards: 6\nCall-ID: mismatch02.dj0234sxdfl3\nCSeq: 8 INVITE\nContact: <sip:caller@host.example.net>\nVia: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw\nContent-Type: application/sdp\nl: 138\n\nv=0\no=mhandley 29739 7272939 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nm=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n";
const MULTI01: &str = "INVITE sip:user@company.com SIP/2.0\nContact: <sip:caller@host25.example.net>\nVia: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw\nMax-Forwards: 70\nCSeq: 5 INVITE\nCall-ID: multi01.98asdh@192.0.2.1\nCSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\nFrom: sip:caller@example.com;tag=3413415\nTo: sip:user@example.com\nTo: sip:other@example.net\nFrom: sip:caller@example.net;tag=2923420123\nContent-Type: application/sdp\nl: 154\nContact: <sip:caller@host36.example.net>\nMax-Forwards: 5\n\n";
const SDP01: &str = "INVITE sip:user@example.com SIP/2.0\nTo: sip:j_user@example.com\nContact: <sip:caller@host15.example.net>\nFrom: sip:caller@example.net;tag=234\nMax-Forwards: 5\nCall-ID: sdp01.ndaksdj9342dasdd\nAccept: text/nobodyKnowsThis\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw\nContent-Length: 150\nContent-Type: application/sdp\n\n";

/// ltgtruri and lwsruri begin their session at another time.
fn timed(address: &str) -> String {
    sdp(address).replace("t=0 0", "t=3149328700 0")
}

#[test]
fn a_phone_refuses_as_the_rfc_says() {
    let cases = [
        ("badinv01", BADINV01.to_owned() + &sdp("192.0.2.15"), 400),
        ("ncl", NCL.to_owned() + &sdp("192.0.2.53"), 400),
        ("quotbal", QUOTBAL.to_owned() + &sdp("192.0.2.15"), 400),
        ("lwsstart", LWSSTART.to_owned() + &sdp("192.0.2.1"), 400),
        ("escruri", ESCRURI.to_owned() + &sdp("192.0.2.1"), 400),
        ("mismatch01", MISMATCH01.to_owned(), 400),
        ("badbranch", BADBRANCH.to_owned(), 400),
        ("insuf", INSUF.to_owned() + &sdp("192.0.2.95"), 400),
        ("unkscm", UNKSCM.to_owned(), 416),
        ("novelsc", NOVELSC.to_owned(), 416),
        ("bext01", BEXT01.to_owned(), 420),
        ("invut", INVUT.to_owned(), 415),
        ("mcl01", MCL01.to_owned(), 400),
        ("zeromf", ZEROMF.to_owned(), 200),
        ("clerr", CLERR.to_owned() + &sdp("192.0.2.155"), 400),
        ("ltgtruri", LTGTRURI.to_owned() + &timed("192.0.2.5"), 400),
        ("lwsruri", LWSRURI.to_owned() + &timed("192.0.2.1"), 400),
        ("badvers", BADVERS.to_owned(), 505),
        ("mismatch02", MISMATCH02.to_owned(), 400),
        ("multi01", MULTI01.to_owned() + &sdp("192.0.2.25"), 400),
        ("sdp01", SDP01.to_owned() + &sdp("192.0.2.5"), 406),
    ];
    for (name, text, expected) in cases {
        assert_eq!(status(&text), [expected], "{name}");
    }
    let (refused, _) = answers(INVUT);
    assert_eq!(refused[0].get("Accept"), Some("application/sdp"));
    let (refused, _) = answers(BEXT01);
    assert_eq!(
        refused[0].list("Unsupported"),
        ["nothingSupportsThis", "nothingSupportsThisEither"]
    );
}

#[test]
fn each_field_of_one_value_may_stand_once_only() {
    // multi01 has them all; here each is alone.
    for field in [
        "To: sip:other@example.net",
        "From: sip:other@example.net;tag=2",
        "Call-ID: another@example.net",
        "CSeq: 9 OPTIONS",
        "Max-Forwards: 5",
    ] {
        let text = ZEROMF.replace("Content-Length", &format!("{field}\nContent-Length"));
        assert_eq!(status(&text), [400], "{field}");
    }
}

#[test]
fn the_reason_of_a_400_names_the_fault() {
    let text = NCL.to_owned() + &sdp("192.0.2.53");
    match Message::parse(text.replace('\n', "\r\n").as_bytes()) {
        Err(BadMessage::Request(_, 400, fault)) => assert!(fault.contains("Content-Length")),
        other => panic!("{other:?}"),
    }
}

const TRWS: &str = "OPTIONS sip:remote-target@example.com SIP/2.0  \nVia: SIP/2.0/TCP host1.examle.com;branch=z9hG4bK299342093\nTo: <sip:remote-target@example.com>\nFrom: <sip:local-resource@example.com>;tag=329429089\nCall-ID: trws.oicu34958239neffasdhr2345r\nAccept: application/sdp\nCSeq: 238923 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n";
const BADDATE: &str = "INVITE sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:caller@example.net;tag=2234923\nMax-Forwards: 70\nCall-ID: baddate.239423mnsadf3j23lj42--sedfnm234\nCSeq: 1392934 INVITE\nVia: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw\nDate: Fri, 01 Jan 2010 16:00:00 EST\nContact: <sip:caller@host5.example.net>\nContent-Type: application/sdp\nContent-Length: 150\n\n";
const BADASPEC: &str = "OPTIONS sip:user@example.org SIP/2.0\nVia: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234\nMax-Forwards: 70\nFrom: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423\nTo: \"Watson, Thomas\" < sip:t.watson@example.org >\nCall-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3\nAccept: application/sdp\nCSeq: 3923239 OPTIONS\nl: 0\n\n";
const BADDN: &str = "OPTIONS sip:t.watson@example.org SIP/2.0\nVia:     SIP/2.0/UDP c.example.com:5060;branch=z9hG4bKkdjuw\nMax-Forwards:      70\nFrom:    Bell, Alexander <sip:a.g.bell@example.com>;tag=43\nTo:      Watson, Thomas <sip:t.watson@example.org>\nCall-ID: baddn.31415@c.example.com\nAccept: application/sdp\nCSeq:    3923239 OPTIONS\nl: 0\n\n";

#[test]
fn what_may_be_forgiven_is_forgiven() {
    for (name, text) in [("trws", TRWS), ("badaspec", BADASPEC), ("baddn", BADDN)] {
        assert_eq!(status(text), [200], "{name}");
    }
    // A date that nothing hangs on does not keep a call away.
    let (sent, told) = answers(&(BADDATE.to_owned() + &sdp("192.0.2.5")));
    assert_eq!(sent[0].status(), 100);
    assert!(matches!(told[0], Event::Incoming(_)));
}

const SCALARLG: &str = "SIP/2.0 503 Service Unavailable\nVia: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129\nTo: <sip:user@example.com>\nFrom: <sip:other@example.net>;tag=2easdjfejw\nCSeq: 9292394834772304023312 OPTIONS\nCall-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\nRetry-After: 949302838503028349304023988\nWarning: 1812 overture \"In Progress\"\nContent-Length: 0\n\n";

#[test]
fn a_response_with_a_number_out_of_range_is_no_response() {
    for text in [BIGCODE, SCALARLG] {
        let bytes = text.replace('\n', "\r\n").into_bytes();
        assert_eq!(Message::parse(&bytes), Err(BadMessage::Noise), "{text}");
    }
}

#[test]
fn a_response_that_is_not_ours_is_dropped() {
    for text in [
        BCAST.to_owned() + &sdp("192.0.2.198"),
        BIGCODE.to_owned(),
        SCALARLG.to_owned(),
        "\u{0}\u{1}nothing\n\n".to_owned(),
    ] {
        let (sent, told) = answers(&text);
        assert!(sent.is_empty() && told.is_empty(), "{text}");
    }
}

const SCALAR02: &str = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP host129.example.com;branch=z9hG4bK342sdfoi3\nTo: <sip:user@example.com>\nFrom: <sip:user@example.com>;tag=239232jh3\nCSeq: 36893488147419103232 REGISTER\nCall-ID: scalar02.23o0pd9vanlq3wnrlnewofjas9ui32\nMax-Forwards: 300\nExpires: 10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\nContact: <sip:user@host129.example.com>\n  ;expires=280297596632815\nContent-Length: 0\n\n";
/// The first of the two messages in dblreq's datagram.
pub(super) const DBLREQ_FIRST: &str = "REGISTER sip:example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:j.user@example.com;tag=43251j3j324\nMax-Forwards: 8\nI: dblreq.0ha0isndaksdj99sdfafnl3lk233412\nContact: sip:j.user@host.example.com\nCSeq: 8 REGISTER\nVia: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492\nContent-Length: 0\n\n";
const REGBADCT: &str = "REGISTER sip:example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=998332\nMax-Forwards: 70\nCall-ID: regbadct.k345asrl3fdbv@10.0.0.1\nCSeq: 1 REGISTER\nVia: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKkdjuw\nContact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\nl: 0\n\n";
const UNKSM2: &str = "REGISTER sip:example.com SIP/2.0\nTo: isbn:2983792873\nFrom: <http://www.example.com>;tag=3234233\nCall-ID: unksm2.daksdj@hyphenated-host.example.com\nCSeq: 234902 REGISTER\nMax-Forwards: 70\nVia: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw\nContact: <name:John_Smith>\nl: 0\n\n";
const REGAUT01: &str = "REGISTER sip:example.com SIP/2.0\nTo: sip:j.user@example.com\nFrom: sip:j.user@example.com;tag=87321hj23128\nMax-Forwards: 8\nCall-ID: regaut01.0ha0isndaksdj\nCSeq: 9338 REGISTER\nVia: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw\nAuthorization: NoOneKnowsThisScheme opaque-data=here\nContent-Length:0\n\n";
const CPARAM01: &str = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw\nMax-Forwards: 70\nFrom: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe\nTo: sip:watson@example.com\nCall-ID: cparam01.70710@saturn.example.com\nCSeq: 2 REGISTER\nContact: sip:+19725552222@gw1.example.net;unknownparam\nl: 0\n\n";
const CPARAM02: &str = "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw\nMax-Forwards: 70\nFrom: sip:watson@example.com;tag=838293\nTo: sip:watson@example.com\nCall-ID: cparam02.70710@saturn.example.com\nCSeq: 3 REGISTER\nContact: <sip:+19725552222@gw1.example.net;unknownparam>\nl: 0\n\n";
const REGESCRT: &str = "REGISTER sip:example.com SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=8\nMax-Forwards: 70\nCall-ID: regescrt.k345asrl3fdbv@192.0.2.1\nCSeq: 14398234 REGISTER\nVia: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\nM: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>\nL:0\n\n";

#[test]
fn a_registrar_refuses_what_is_malformed_and_binds_the_rest() {
    for (name, text, expected) in [
        ("regbadct", REGBADCT, 400),
        ("scalar02", SCALAR02, 400),
        ("unksm2", UNKSM2, 400),
        // An Authorization of a scheme that nobody knows is none.
        ("regaut01", REGAUT01, 401),
    ] {
        assert_eq!(registrar(text), [expected], "{name}");
    }
    for (name, text, contact) in [
        ("cparam01", CPARAM01, "sip:+19725552222@gw1.example.net"),
        (
            "cparam02",
            CPARAM02,
            "sip:+19725552222@gw1.example.net;unknownparam",
        ),
        // The Route is the business of whoever calls the contact.
        (
            "regescrt",
            REGESCRT,
            "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        ),
        ("dblreq", DBLREQ_FIRST, "sip:j.user@host.example.com"),
    ] {
        assert_eq!(bound(text), [contact], "{name}");
    }
}

#[test]
fn a_parameter_belongs_to_the_contact_or_to_its_uri() {
    let contact = |text: &str| {
        let message = Message::parse(text.replace('\n', "\r\n").as_bytes()).expect("valid");
        message.get("Contact").expect("Contact").to_owned()
    };
    let plain = contact(CPARAM01);
    assert_eq!(uri_of(&plain), "sip:+19725552222@gw1.example.net");
    assert!(param(&plain, "unknownparam").is_some());
    let bracketed = contact(CPARAM02);
    assert_eq!(
        uri_of(&bracketed),
        "sip:+19725552222@gw1.example.net;unknownparam"
    );
    assert_eq!(param(&bracketed, "unknownparam"), None);
    assert_eq!(
        uri_of(&contact(REGESCRT)),
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E"
    );
}
