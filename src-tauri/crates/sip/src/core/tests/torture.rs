//! The torture messages of RFC 4475 and, for IPv6, RFC 5118: what is valid is read with the right fields, what is not
//! is refused as the RFCs say.

use super::solo::Solo;
use crate::api::Event;
use crate::core::TransportKind;
use crate::core::message::{BadMessage, Message};

const SDP: &str = "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n";

fn wire(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn read(text: &str) -> Message {
    match Message::parse(&wire(text)) {
        Ok(message) => message,
        Err(fault) => panic!("{fault:?}\n{text}"),
    }
}

/// An otherwise good request with this start line and these fields before its own.
fn request(start: &str, method: &str, fields: &str) -> String {
    format!(
        "{start}\nVia: SIP/2.0/TCP host.example.com;branch=z9hG4bKtorture\n{fields}Max-Forwards: 70\nFrom: <sip:caller@example.net>;tag=torture\nTo: <sip:1001@example.com>\nCall-ID: torture@example.com\nCSeq: 8 {method}\nContact: <sip:caller@host.example.net>\nContent-Length: 0\n\n"
    )
}

#[test]
fn a_short_tortuous_invite() {
    // RFC 4475 §3.1.1.1
    let text = format!(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\nfrom   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : {}\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\nm:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\n",
        SDP.len()
    );
    let mut bytes = wire(&text);
    bytes.extend(SDP.as_bytes());
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!(message.to_tag(), Some("1918181833n"));
    assert_eq!(message.sender_tag(), Some("98asjd8"));
    assert_eq!(message.number("Max-Forwards"), Some(68));
    assert_eq!(message.cseq(), Some((9, "INVITE")));
    assert_eq!(message.branch(), "390skdjuw");
    assert_eq!(message.sent_by(), "192.0.2.2");
    assert_eq!(message.list("Via").len(), 3);
    assert_eq!(message.list("Route").len(), 1);
    assert_eq!(message.sdp().as_deref(), Some(SDP));
    let from = crate::core::address::name_addr(message.get("From").expect("From"));
    assert_eq!(
        (from.display_name.as_str(), from.user.as_str()),
        ("J Rosenberg \\\"", "jdrosen")
    );
    let contact = message.list("Contact");
    assert_eq!(
        crate::core::address::uri_of(&contact[0]),
        "sip:jdrosen@example.com"
    );
    assert_eq!(crate::core::address::param(&contact[0], "q"), Some("0.33"));
}

#[test]
fn unusual_but_valid_fields() {
    // §3.1.1.2: every character that a token, a user part and a quoted string may have.
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    let mut text = format!(
        "{method} sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\nVia: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\nTo: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\nFrom: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}}{{\nCSeq: 139122385 {method}\nMax-Forwards: 255\nextensionHeader-!.%*+_`'~:\u{feff}大停電\nContent-Length: 0\n\n"
    );
    let message = read(&text);
    assert_eq!(message.method(), method);
    assert_eq!(message.sender_tag(), Some("_token~1'+`*%!-."));
    assert_eq!(message.branch(), "z9hG4bK-.!%66*_+`'~");
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&text);
    let reply = solo.sent_one("501");
    assert_eq!(reply.call_id(), message.call_id());

    // §3.1.1.3: escapes belong to the user part and change no structure.
    text = request(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
        "INVITE",
        "",
    )
    .replace("<sip:1001@example.com>", "sip:%75se%72@example.com")
    .replace(
        "<sip:caller@example.net>",
        "<sip:I%20have%20spaces@example.net>",
    )
    .replace(
        "<sip:caller@host.example.net>",
        "<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
    );
    solo.give(&text);
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    assert_eq!(call.request_user, "sips:user@example.com");
    assert_eq!(
        (call.to.user.as_str(), call.from.user.as_str()),
        ("user", "I have spaces")
    );

    // §3.1.1.4: an escaped NUL.
    let text = request("OPTIONS sip:example.com SIP/2.0", "OPTIONS", "")
        .replace("<sip:1001@example.com>", "sip:null-%00-null@example.com");
    let message = read(&text);
    let to = crate::core::address::name_addr(message.get("To").expect("To"));
    assert_eq!(to.user, "null-\0-null");

    // §3.1.1.5: an escape in a method is part of its name.
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&request(
        "RE%47IST%45R sip:registrar.example.com SIP/2.0",
        "RE%47IST%45R",
        "",
    ));
    solo.sent_one("501");

    // §3.1.1.6: no white space between name and bracket.
    let text = request("OPTIONS sip:user@example.com SIP/2.0", "OPTIONS", "")
        .replace("<sip:caller@example.net>", "caller<sip:caller@example.com>");
    let from = crate::core::address::name_addr(read(&text).get("From").expect("From"));
    assert_eq!(
        (from.display_name.as_str(), from.uri.as_str()),
        ("caller", "sip:caller@example.com")
    );
}

#[test]
fn long_fields_trailing_octets_and_other_oddities() {
    // §3.1.1.7
    let long = "amazinglylongcallername".repeat(20);
    let vias: String = (0..40)
        .map(|n| {
            format!(
                "Via: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{}\n",
                long
            )
        })
        .collect();
    let text = request(
        &format!("INVITE sip:{long}@example.net SIP/2.0"),
        "INVITE",
        &vias,
    )
    .replace(
        "<sip:caller@example.net>",
        &format!("\"{long}\" <sip:{long}@example.net>"),
    )
    .replace("tag=torture", &format!("tag={long}"));
    let message = read(&text);
    assert_eq!(message.list("Via").len(), 41);
    assert_eq!(message.sender_tag(), Some(long.as_str()));

    // §3.1.1.8: what follows the Content-Length in a datagram is not part of it.
    let first = request("OPTIONS sip:1001@example.com SIP/2.0", "OPTIONS", "");
    let second = request("INVITE sip:joe@example.com SIP/2.0", "INVITE", "");
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(&format!("{first}{second}"));
    solo.sent_one("200");
    assert!(solo.told().is_empty());

    // §3.1.1.9: semicolons of the user part.
    let message = read(&request(
        "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0",
        "OPTIONS",
        "",
    ));
    assert_eq!(message.uri(), "sip:user;par=u%40example.net@example.com");
    assert_eq!(crate::core::address::user_of(message.uri()), "user");

    // §3.1.1.10: transports that nobody here speaks.
    let vias = "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKkdjuw\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKkdjuw\n";
    let text = request("OPTIONS sip:user@example.com SIP/2.0", "OPTIONS", vias);
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&text);
    assert_eq!(solo.sent_one("200").list("Via").len(), 3);

    // §3.1.1.11: a multipart MESSAGE.
    let text = request(
        "MESSAGE sip:kumiko@example.org SIP/2.0",
        "MESSAGE",
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\n",
    );
    let mut solo = Solo::registered(TransportKind::Tcp);
    solo.give(&text);
    solo.sent_one("405");

    // §3.1.1.12 and §3.1.1.13: reasons that say little.
    let reply = |status: &str| {
        format!(
            "SIP/2.0 {status}\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nCall-ID: x\nCSeq: 35 INVITE\nFrom: <sip:user@example.com>;tag=11141343\nTo: <sip:user@example.edu>;tag=2229\nContent-Length: 0\n\n"
        )
    };
    let odd = read(&reply(
        "200 = 2**3 * 5**2 но сто девяносто девять - простое",
    ));
    assert_eq!(odd.status(), 200);
    assert!(odd.reason().ends_with("простое"));
    assert_eq!(read(&reply("100 ")).reason(), "Trying");
}

/// RFC 4475 §3.1.2, §3.2 and §3.3 as a phone meets them: what is sent, and the status of the answer.
#[test]
fn invalid_requests_get_the_answer_that_the_rfc_names() {
    let invite = |start: &str| request(start, "INVITE", "");
    let options = || request("OPTIONS sip:1001@example.com SIP/2.0", "OPTIONS", "");
    let cases: Vec<(&str, String, u16)> = vec![
        (
            "3.1.2.1 extraneous separators",
            invite("INVITE sip:user@example.com SIP/2.0")
                .replace("host.example.com;branch=z9hG4bKtorture", "192.0.2.15;;,;,,"),
            400,
        ),
        ("3.1.2.2 Content-Length too large", options().replace("Length: 0", "Length: 9999"), 400),
        ("3.1.2.3 negative Content-Length", options().replace("Length: 0", "Length: -999"), 400),
        (
            "3.1.2.4 scalars out of range",
            options().replace("CSeq: 8 ", "CSeq: 36893488147419103232 "),
            400,
        ),
        (
            "3.1.2.6 unterminated quoted string",
            options().replace("<sip:1001@example.com>", "\"Mr. J. User <sip:j.user@example.com>"),
            400,
        ),
        ("3.1.2.7 bracketed Request-URI", invite("INVITE <sip:user@example.com> SIP/2.0"), 400),
        ("3.1.2.8 space in the Request-URI", invite("INVITE sip:user@example.com; lr SIP/2.0"), 400),
        ("3.1.2.9 several spaces", invite("INVITE  sip:user@example.com  SIP/2.0"), 400),
        (
            "3.1.2.11 header in the Request-URI",
            invite("INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"),
            400,
        ),
        ("3.1.2.16 unknown version", options().replace(" SIP/2.0\nVia", " SIP/7.0\nVia"), 505),
        ("3.1.2.17 CSeq of another method", options().replace("8 OPTIONS", "8 INVITE"), 400),
        (
            "3.1.2.18 CSeq of another, unknown method",
            request("NEWMETHOD sip:user@example.com SIP/2.0", "INVITE", ""),
            400,
        ),
        ("3.2.1 a branch that is only the cookie", options().replace("z9hG4bKtorture", "z9hG4bK"), 400),
        (
            "3.3.1 required fields missing",
            "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\nVia: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\nContent-Length: 0\n\n".to_owned(),
            400,
        ),
        (
            "3.3.2 unknown scheme",
            request("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", "OPTIONS", ""),
            416,
        ),
        (
            "3.3.3 known scheme of something else",
            request("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", "OPTIONS", ""),
            416,
        ),
        (
            "3.3.5 unknown extensions required",
            request("OPTIONS sip:1001@example.com SIP/2.0", "OPTIONS", "Require: nothingSupportsThis, nothingSupportsThisEither\n"),
            420,
        ),
        (
            "3.3.6 unknown content",
            invite("INVITE sip:1001@example.com SIP/2.0")
                .replace("Content-Length: 0\n\n", "Content-Type: application/unknownformat\nContent-Length: 7\n\n<audio>"),
            415,
        ),
        (
            "3.3.8 single values twice",
            options().replace("Call-ID:", "Call-ID: other\nCall-ID:"),
            400,
        ),
        (
            "3.3.8 single values twice",
            options().replace("CSeq:", "CSeq: 9 OPTIONS\nCSeq:"),
            400,
        ),
        (
            "3.3.9 two lengths",
            options().replace("Content-Length: 0", "Content-Length: 13\nContent-Length: 0"),
            400,
        ),
        (
            "3.3.11 no hops left: it has arrived",
            options().replace("Max-Forwards: 70", "Max-Forwards: 0"),
            200,
        ),
        (
            "3.3.15 no body that we could answer with",
            request("INVITE sip:1001@example.com SIP/2.0", "INVITE", "Accept: text/nobodyKnowsThis\n"),
            406,
        ),
        ("RFC 5118 4.2 IPv6 without brackets", request("OPTIONS sip:2001:db8::10 SIP/2.0", "OPTIONS", ""), 400),
    ];
    for (name, text, status) in cases {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&text);
        let sent: Vec<String> = solo.sent.iter().map(|m| m.start.to_string()).collect();
        assert_eq!(sent.len(), 1, "{name}: {sent:?}");
        assert!(sent[0].starts_with(&status.to_string()), "{name}: {sent:?}");
        assert!(solo.told().is_empty(), "{name}");
        match status {
            415 => assert_eq!(
                solo.sent[0].get("Accept"),
                Some("application/sdp"),
                "{name}"
            ),
            420 => assert!(solo.sent[0].get("Unsupported").is_some(), "{name}"),
            _ => {}
        }
    }
}

/// Messages that may be taken or refused, and damaged responses: nothing may break.
#[test]
fn what_may_be_taken_is_taken_and_damaged_responses_are_dropped() {
    let options = || request("OPTIONS sip:1001@example.com SIP/2.0", "OPTIONS", "");
    let lenient = [
        (
            "3.1.2.10",
            options().replace(" SIP/2.0\nVia", " SIP/2.0  \nVia"),
        ),
        (
            "3.1.2.12",
            options().replace("Max", "Date: Fri, 01 Jan 2010 16:00:00 EST\nMax"),
        ),
        (
            "3.1.2.14",
            options().replace(
                "<sip:1001@example.com>",
                "\"Watson, Thomas\" < sip:t.watson@example.org >",
            ),
        ),
        (
            "3.1.2.15",
            options().replace(
                "<sip:caller@example.net>",
                "Bell, Alexander <sip:a.g.bell@example.com>",
            ),
        ),
        (
            "3.3.4",
            options().replace("<sip:1001@example.com>", "isbn:2983792873"),
        ),
    ];
    for (name, text) in lenient {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&text);
        assert_eq!(solo.sent.len(), 1, "{name}");
        assert!(
            solo.sent[0].start.to_string().starts_with("200"),
            "{name}: {:?}",
            solo.sent
        );
    }
    let response = |start: &str, cseq: &str| {
        format!(
            "{start}\nVia: SIP/2.0/TCP 192.0.2.198;branch=z9hG4bKx\nCall-ID: x\nCSeq: {cseq}\nFrom: <sip:a@b>;tag=1\nTo: <sip:c@d>;tag=2\nContent-Length: 0\n\n"
        )
    };
    let dropped = [
        (
            "3.1.2.5",
            response(
                "SIP/2.0 503 Service Unavailable",
                "9292394834772304023312 OPTIONS",
            ),
        ),
        (
            "3.1.2.19",
            response(
                "SIP/2.0 4294967301 better not break the receiver",
                "353494 INVITE",
            ),
        ),
        ("3.3.10", response("SIP/2.0 200 OK", "2 INVITE")),
        ("noise", "\u{0}\u{1}nothing\n\n".to_owned()),
    ];
    for (name, text) in dropped {
        let mut solo = Solo::registered(TransportKind::Tcp);
        solo.give(&text);
        assert!(solo.sent.is_empty() && solo.told().is_empty(), "{name}");
    }
}

#[test]
fn an_invite_of_rfc_2543_still_rings() {
    // RFC 4475 §3.4.1: no branch, no tag.
    let head = "INVITE sip:UserB@example.com SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\nFrom: <sip:+13035551111@ift.client.example.net;user=phone>\nRecord-Route: <sip:UserB@example.com;maddr=ss1.example.com>\nTo: sip:+16505552222@ss1.example.net;user=phone\nCall-ID: inv2543.1717@ift.client.example.com\nCSeq: 56 INVITE\nContent-Type: application/sdp\n\n";
    let sdp = "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0\r\n";
    let text = &format!("{head}{}", sdp.replace("\r\n", "\n"));
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    solo.sent_one("100");
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    assert_eq!(call.from.user, "+13035551111");
    // No Content-Length either: the datagram's end is the body's.
    assert_eq!(call.sdp.as_deref(), Some(sdp));
    // A repetition is answered again and rings no second time.
    solo.give(text);
    solo.sent_one("100");
    assert!(solo.told().is_empty());
    // CANCEL finds it.
    solo.give(&text.replace("INVITE", "CANCEL"));
    let sent: Vec<String> = solo.sent.iter().map(|m| m.start.to_string()).collect();
    assert_eq!(sent, ["200 OK", "487 Request Terminated"]);
    assert_eq!(solo.told(), ["Ended Cancelled(None)"]);
}

#[test]
fn ipv6_addresses_of_rfc_5118() {
    let options = |start: &str| request(start, "OPTIONS", "");
    // 4.1, 4.3 and 4.4: with and without a port; the last group is none.
    for (uri, host) in [
        ("sip:[2001:db8::10]", "[2001:db8::10]"),
        ("sip:[2001:db8::10:5070]", "[2001:db8::10:5070]"),
        ("sip:[2001:db8::10]:5070", "[2001:db8::10]:5070"),
        ("sip:user@[2001:db8:0:2:3::]", "[2001:db8:0:2:3::]"),
    ] {
        let message = read(&options(&format!("OPTIONS {uri} SIP/2.0")));
        assert_eq!(message.uri(), uri);
        assert_eq!(crate::core::address::host_of(uri), host);
    }
    // 4.5: `received` with and without brackets.
    for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
        let via =
            format!("SIP/2.0/UDP [2001:db8::9:1]:6050;received={received};branch=z9hG4bKas3-111");
        let text = options("OPTIONS sip:user@[2001:db8::10] SIP/2.0")
            .replace("SIP/2.0/TCP host.example.com;branch=z9hG4bKtorture", &via);
        let message = read(&text);
        assert_eq!(message.branch(), "z9hG4bKas3-111");
        assert_eq!(message.sent_by(), "[2001:db8::9:1]:6050");
        let value = message.get("Via").expect("Via");
        assert_eq!(
            crate::core::address::param(value, "received"),
            Some(received)
        );
    }
    // 4.7: both families in one list of Via.
    let text = "BYE sip:user@host.example.net SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\nVia: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\nCall-ID: 997077@lau_4100\nMax-Forwards: 70\nCSeq: 89187 BYE\nTo: sip:user@example.net;tag=9817--94\nFrom: sip:user@example.com;tag=81x2\nContent-Length: 0\n\n";
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    let refused = solo.sent_one("481");
    assert_eq!(refused.list("Via"), read(text).list("Via"));
    // 4.10: RFC 3261's grammar allows a third colon before an IPv4 address; it must be borne.
    for uri in [
        "sip:user@[2001:db8:::192.0.2.1]",
        "sip:user@[2001:db8::192.0.2.1]",
    ] {
        let text = format!(
            "OPTIONS {uri} SIP/2.0\nTo: {uri}\nFrom: sip:user@example.com;tag=810x2\nVia: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111\nCall-ID: G9559905523997077@hlau_4100\nCSeq: 689 OPTIONS\nMax-Forwards: 70\nContent-Length: 0\n\n"
        );
        assert_eq!(read(&text).uri(), uri);
        let mut solo = Solo::registered(TransportKind::Udp);
        solo.give(&text);
        let reply = solo.sent_one("200");
        assert!(reply.get("To").is_some_and(|to| to.starts_with(uri)));
    }
}

/// RFC 5118 §4.6, §4.8 and §4.9: the fields of an INVITE, its SDP, and where the dialog's requests go.
#[test]
fn calls_with_the_session_descriptions_of_rfc_5118() {
    let video = "m=video 6024 RTP/AVP 107\r\na=rtpmap:107 H263-1998/90000\r\n";
    let audio = "t=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 2\r\na=rtpmap:2 G726-32/8000\r\n";
    let cases = [
        (
            "sip:user@[2001:db8::10]",
            "Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111\nContact: \"Caller\" <sip:caller@[2001:db8::20]>\nCSeq: 8612 INVITE\n",
            "sip:caller@[2001:db8::20]",
            format!(
                "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live video feed for today's meeting\r\nc=IN IP6 2001:db8::20\r\n{audio}{video}"
            ),
        ),
        (
            "sip:user@[2001:db8::10]",
            "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\nContact: \"Caller\" <sip:caller@[2001:db8::9:1]>\nCSeq: 8912 INVITE\n",
            "sip:caller@[2001:db8::9:1]",
            "v=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns=\r\nt=0 0\r\nm=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:107 H263-1998/90000\r\n".to_owned(),
        ),
        (
            "sip:user@example.com",
            "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19\nVia: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\nContact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>\nCSeq: 612 INVITE\n",
            "sip:ted@[::ffff:192.0.2.2]",
            format!(
                "v=0\r\no=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2\r\ns=Call me soon, please!\r\nc=IN IP6 ::ffff:192.0.2.2\r\n{audio}{video}"
            ),
        ),
    ];
    for (uri, fields, target, sdp) in cases {
        let head = format!(
            "INVITE {uri} SIP/2.0\nTo: {uri}\nFrom: sip:user@example.com;tag=81x2\nCall-ID: SSG9559905523997077@hlau_4100\nMax-Forwards: 70\n{fields}Content-Type: application/sdp\nContent-Length: {}\n\n",
            sdp.len()
        );
        let mut bytes = wire(&head);
        bytes.extend(sdp.as_bytes());
        let mut solo = Solo::registered(TransportKind::Udp);
        solo.give_bytes(bytes);
        solo.sent_one("100");
        let Some(Event::Incoming(call)) = solo.events.pop() else {
            panic!("no call from {target}");
        };
        assert_eq!(call.sdp.as_ref(), Some(&sdp));
        // A BYE of ours finds its way back.
        solo.act(|core, now| core.accept(now, call.dialog, "answer".to_owned()))
            .expect("it rings");
        let answer = solo.sent_one("200");
        assert_eq!(solo.core.calls[&call.dialog].leg.target, target);
        let ack = format!(
            "ACK {uri} SIP/2.0\nVia: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKack\nTo: {}\nFrom: sip:user@example.com;tag=81x2\nCall-ID: SSG9559905523997077@hlau_4100\nCSeq: {} ACK\nMax-Forwards: 70\nContent-Length: 0\n\n",
            answer.get("To").expect("To"),
            answer.seq()
        );
        solo.give(&ack);
        solo.act(|core, now| core.hang_up(now, call.dialog, None))
            .expect("it is up");
        assert_eq!(solo.sent_one("BYE").uri(), target);
    }
}

#[test]
fn the_reason_of_a_400_names_the_fault() {
    let text = request("OPTIONS sip:1001@example.com SIP/2.0", "OPTIONS", "")
        .replace("Length: 0", "Length: x");
    match Message::parse(&wire(&text)) {
        Err(BadMessage::Request(_, 400, fault)) => assert!(fault.contains("Content-Length")),
        other => panic!("{other:?}"),
    }
}
