//! The valid messages of RFC 4475 section 3.1.1 and 3.4 in the RFC's own bytes: each is read with the right fields, and
//! the phone does with it what it would do with a plainer one.

use super::rfc4475::{DBLREQ_FIRST, read, registrar, sdp};
use super::solo::Solo;
use crate::api::{Event, IncomingInvite};
use crate::core::TransportKind;
use crate::core::address::{name_addr, param, uri_of, user_of};
use crate::core::message::Message;

/// What a phone answers, and the call that it shows.
fn call(text: &str) -> (Vec<u16>, IncomingInvite) {
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    (solo.sent.iter().map(Message::status).collect(), call)
}

/// The one answer of a phone.
fn answer(text: &str) -> Message {
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(text);
    assert_eq!(solo.sent.len(), 1, "{text}");
    assert!(solo.events.is_empty(), "{text}");
    solo.sent.remove(0)
}

const WSINV: &str = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\nfrom   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : 150\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\nm:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\n";

#[test]
fn a_short_tortuous_invite() {
    let body = sdp("192.0.2.3").replace("c=IN IP4 192.0.2.3", "c=IN IP4 192.0.2.4");
    let message = read(&(WSINV.to_owned() + &body));
    assert_eq!(message.to_tag(), Some("1918181833n"));
    assert_eq!(message.sender_tag(), Some("98asjd8"));
    assert_eq!(message.number("Max-Forwards"), Some(68));
    assert_eq!(message.cseq(), Some((9, "INVITE")));
    assert_eq!(message.branch(), "390skdjuw");
    assert_eq!(message.sent_by(), "192.0.2.2");
    assert_eq!(message.list("Via").len(), 3);
    assert_eq!(message.list("Route").len(), 1);
    assert_eq!(message.get("Subject"), Some(""));
    assert_eq!(
        message.get("NewFangledHeader"),
        Some("newfangled value continued newfangled value")
    );
    assert_eq!(message.sdp(), Some(body.replace('\n', "\r\n")));
    let from = name_addr(message.get("From").expect("From"));
    assert_eq!(
        (from.display_name.as_str(), from.user.as_str()),
        ("J Rosenberg \\\"", "jdrosen")
    );
    let contact = message.list("Contact");
    assert_eq!(uri_of(&contact[0]), "sip:jdrosen@example.com");
    assert_eq!(param(&contact[0], "newparam"), Some("newvalue"));
    assert_eq!(param(&contact[0], "q"), Some("0.33"));
}

const INTMETH: &str = "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\nVia: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\nTo: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\nFrom: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"работающий\";tag=_token~1'+`*%!-.\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\nCSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\nMax-Forwards: 255\nextensionHeader-!.%*+_`'~:\u{feff}大停電\nContent-Length: 0\n\n";

#[test]
fn every_character_that_is_allowed() {
    let message = read(INTMETH);
    assert_eq!(
        message.method(),
        "!interesting-Method0123456789_*+`.%indeed'~"
    );
    assert_eq!(message.sender_tag(), Some("_token~1'+`*%!-."));
    assert_eq!(message.branch(), "z9hG4bK-.!%66*_+`'~");
    assert_eq!(
        message.get("extensionHeader-!.%*+_`'~"),
        Some("\u{feff}大停電")
    );
    let to = name_addr(message.get("To").expect("To"));
    assert_eq!(to.display_name, "BEL:\u{7} NUL:\u{0} DEL:\u{7f}");
    let from = name_addr(message.get("From").expect("From"));
    assert_eq!(from.uri, "sip:mundane@example.com");
    let refused = answer(INTMETH);
    assert_eq!(refused.status(), 501);
    assert_eq!(refused.call_id(), message.call_id());
}

const ESC01: &str = "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\nTo: sip:%75se%72@example.com\nFrom: <sip:I%20have%20spaces@example.net>;tag=938\nMax-Forwards: 87\ni: esc01.239409asdfakjkn23onasd0-3234\nCSeq: 234234 INVITE\nVia: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw\nC: application/sdp\nContact:\n  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>\nContent-Length: 150\n\n";

#[test]
fn escapes_belong_to_the_user_part_and_change_no_structure() {
    let (sent, call) = call(&(ESC01.to_owned() + &sdp("192.0.2.1")));
    assert_eq!(sent, [100]);
    assert_eq!(call.request_user, "sips:user@example.com");
    assert_eq!(
        (call.to.user.as_str(), call.from.user.as_str()),
        ("user", "I have spaces")
    );
    assert_eq!(call.sdp, Some(sdp("192.0.2.1").replace('\n', "\r\n")));
}

const ESCNULL: &str = "REGISTER sip:example.com SIP/2.0\nTo: sip:null-%00-null@example.com\nFrom: sip:null-%00-null@example.com;tag=839923423\nMax-Forwards: 70\nCall-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd\nCSeq: 14398234 REGISTER\nVia: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw\nContact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>\nL:0\n\n";

#[test]
fn an_escaped_nul_ends_nothing() {
    let message = read(ESCNULL);
    let to = name_addr(message.get("To").expect("To"));
    assert_eq!(to.user, "null-\0-null");
    let contacts = message.list("Contact");
    let users: Vec<String> = contacts.iter().map(|c| user_of(uri_of(c))).collect();
    assert_eq!(users, ["\0", "\0\0"]);
    assert_eq!(registrar(ESCNULL), [401]);
}

const ESC02: &str = "RE%47IST%45R sip:registrar.example.com SIP/2.0\nTo: \"%Z%45\" <sip:resource@example.com>\nFrom: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23\nCall-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf\nVia: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234\nCSeq: 29344 RE%47IST%45R\nMax-Forwards: 70\nContact: <sip:alias1@host1.example.com>\nC%6Fntact: <sip:alias2@host2.example.com>\nContact: <sip:alias3@host3.example.com>\nl: 0\n\n";

#[test]
fn a_percent_sign_outside_a_uri_is_a_percent_sign() {
    let message = read(ESC02);
    assert_eq!(message.method(), "RE%47IST%45R");
    assert_eq!(message.branch(), "z9hG4bK209%fzsnel234");
    let to = name_addr(message.get("To").expect("To"));
    assert_eq!(to.display_name, "%Z%45");
    assert_eq!(
        message.list("Contact"),
        [
            "<sip:alias1@host1.example.com>",
            "<sip:alias3@host3.example.com>"
        ]
    );
    // Not REGISTER: an unknown method, to a phone and to a registrar.
    assert_eq!(answer(ESC02).status(), 501);
    assert_eq!(registrar(ESC02), [501]);
}

const LWSDISP: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: caller<sip:caller@example.com>;tag=323\nMax-Forwards: 70\nCall-ID: lwsdisp.1234abcd@funky.example.com\nCSeq: 60 OPTIONS\nVia: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw\nl: 0\n\n";

#[test]
fn a_name_needs_no_space_before_the_bracket() {
    let from = name_addr(read(LWSDISP).get("From").expect("From"));
    assert_eq!(
        (from.display_name.as_str(), from.uri.as_str()),
        ("caller", "sip:caller@example.com")
    );
    assert_eq!(answer(LWSDISP).status(), 200);
}

/// Repeats, as the RFC's `<repeat>` does.
fn repeat(times: usize, text: &str) -> String {
    text.repeat(times)
}

/// longreq: long names and values, and 34 fields of Via whose names and spacing all differ.
fn longreq() -> String {
    let caller = repeat(5, "amazinglylongcallername");
    let mut vias = String::new();
    let spellings = [
        "Via:", "v:", "V:", "Via:", "ViA:", "VIa:", "VIA:", "via:", "viA:", "vIa:", "vIA:", "V : ",
        "v : ", "V  :", "v  :", "Via :", "Via  :",
    ];
    for number in (1..=33).rev() {
        let spelling = spellings.get(33 - number).copied().unwrap_or("Via:");
        vias += &format!("{spelling} SIP/2.0/TCP sip{number}.example.com\n");
    }
    format!(
        "INVITE sip:user@example.com SIP/2.0\nTo: \"I have a user name of {} proportion\"<sip:user@example.com:6000;unknownparam1=very{}value;longparam{}=shortvalue;very{}ParameterNameWithNoValue>\nF: sip:{caller}@example.net;tag=12{}424;unknownheaderparam{}=unknowheaderparam{};unknownValueless{}\nCall-ID: longreq.one{}longcallid\nCSeq: 3882340 INVITE\nUnknown-{}-Name: unknown-{}-value; unknown-{}-parameter-name = unknown-{}-parameter-value\n{vias}Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very{}branchvalue\nMax-Forwards: 70\nContact: <sip:{caller}@host5.example.net>\nContent-Type: application/sdp\nl: 150\n\n{}",
        repeat(10, "extreme"),
        repeat(20, "long"),
        repeat(25, "name"),
        repeat(25, "long"),
        repeat(50, "982"),
        repeat(20, "name"),
        repeat(15, "value"),
        repeat(10, "paramname"),
        repeat(20, "really"),
        repeat(20, "Long"),
        repeat(20, "long"),
        repeat(20, "long"),
        repeat(20, "long"),
        repeat(50, "long"),
        sdp("192.0.2.1"),
    )
}

#[test]
fn long_values() {
    let text = longreq();
    let message = read(&text);
    assert_eq!(message.list("Via").len(), 34);
    assert_eq!(
        message.sender_tag(),
        Some(format!("12{}424", repeat(50, "982")).as_str())
    );
    // Nothing of it is cut, in the call that is shown and in the answer.
    let (sent, call) = call(&text);
    assert_eq!(sent, [100]);
    assert_eq!(call.from.user, repeat(5, "amazinglylongcallername"));
    assert_eq!(
        call.to.display_name,
        format!("I have a user name of {} proportion", repeat(10, "extreme"))
    );
}

const DBLREQ_SECOND: &str = "INVITE sip:joe@example.com SIP/2.0\nt: sip:joe@example.com\nFrom: sip:caller@example.net;tag=141334\nMax-Forwards: 8\nCall-ID: dblreq.0ha0isnda977644900765@192.0.2.15\nCSeq: 8 INVITE\nVia: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234\nContent-Type: application/sdp\nContent-Length: 150\n\n";

#[test]
fn what_follows_a_message_in_its_datagram_is_no_part_of_it() {
    // The space is the RFC's.
    let body = sdp("192.0.2.15").replace("m=video", "m =video");
    let text = format!("{DBLREQ_FIRST}{DBLREQ_SECOND}{body}");
    assert_eq!(registrar(&text), [401]);
    // Nor does a phone ring.
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(&text);
    assert_eq!(solo.sent.len(), 1);
    assert!(solo.told().is_empty());
}

const SEMIURI: &str = "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\nTo: sip:j_user@example.com\nFrom: sip:caller@example.org;tag=33242\nMax-Forwards: 3\nCall-ID: semiuri.0ha0isndaksdj\nCSeq: 8 OPTIONS\nAccept: application/sdp, application/pkcs7-mime,\n        multipart/mixed, multipart/signed,\n        message/sip, message/sipfrag\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw\nl: 0\n\n";

#[test]
fn semicolons_of_the_user_part_are_no_parameters_of_the_uri() {
    let message = read(SEMIURI);
    assert_eq!(message.uri(), "sip:user;par=u%40example.net@example.com");
    assert_eq!(crate::core::address::host_of(message.uri()), "example.com");
    assert_eq!(crate::core::address::uri_param(message.uri(), "par"), None);
    assert_eq!(message.list("Accept").len(), 6);
    assert_eq!(answer(SEMIURI).status(), 200);
}

const TRANSPORTS: &str = "OPTIONS sip:user@example.com SIP/2.0\nTo: sip:user@example.com\nFrom: <sip:caller@example.com>;tag=323\nMax-Forwards: 70\nCall-ID:  transports.kijh4akdnaqjkwendsasfdj\nAccept: application/sdp\nCSeq: 60 OPTIONS\nVia: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\nVia: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\nVia: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\nVia: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\nVia: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee\nl: 0\n\n";

#[test]
fn transports_that_nobody_here_speaks_stay_in_the_answer() {
    let answer = answer(TRANSPORTS);
    assert_eq!(answer.status(), 200);
    // The topmost is ours to mark; the others go back as they came.
    assert_eq!(answer.list("Via")[1..], read(TRANSPORTS).list("Via")[1..]);
}

const MPART01: &str = "MESSAGE sip:kumiko@example.org SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport\nMax-Forwards: 70\nRoute: <sip:127.0.0.1:5080>\nIdentity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=\nContact: <sip:fluffy@127.0.0.1:5070>\nTo: <sip:kumiko@example.org>\nFrom: <sip:fluffy@example.com>;tag=2fb0dcc9\nCall-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..\nCSeq: 1 MESSAGE\nContent-Transfer-Encoding: binary\nContent-Type: multipart/mixed;boundary=7a9cbec02ceef655\nDate: Sat, 15 Oct 2005 04:44:56 GMT\nUser-Agent: SIPimp.org/0.2.5 (curses)\nContent-Length: 553\n\n--7a9cbec02ceef655\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n--7a9cbec02ceef655\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n";
/// Its second part, in hexadecimal.
const MPART01_DER: &str = "3082015206092A864886F70D010702A08201433082013F0201013109300706052B0E03021A300B06092A864886F70D010701318201203082011C020101307C3070310B3009060355040613025553311330110603550408130A43616C69666F726E69613111300F0603550407130853616E204A6F7365310E300C060355040A1305736970697431293027060355040B13205369706974205465737420436572746966696361746520417574686F7269747902080195007102330113300706052B0E03021A300D06092A864886F70D01010105000481808EF466F948F0522DD2E5978E9D95AAE9F2FE15A06659716292E8DA2AA8D8350A68CEFFAE3CBD2BFF1675DDD5648E593DD64728F26220F7E941749E330D9A15EDABDB93D10C42102E7B7289D29CC0C9AE2EFBC7C0CFF9172F3B027E4FC027E1546DE4B6AA3ABB3E66CCCB5DD6C64B8383149CB8E6FF182D944FE57B65BC99D005";

#[test]
fn a_body_of_binary_parts_is_framed_by_its_length() {
    let mut bytes = MPART01.replace('\n', "\r\n").into_bytes();
    let head = bytes.len();
    for pair in MPART01_DER.as_bytes().chunks(2) {
        let pair = std::str::from_utf8(pair).expect("digits");
        bytes.push(u8::from_str_radix(pair, 16).expect("hexadecimal"));
    }
    assert_eq!(bytes.len() - head, 342);
    bytes.extend(b"\r\n--7a9cbec02ceef655--\r\n");
    let message = Message::parse(&bytes).expect("valid");
    assert_eq!(message.body.len(), 553);
    assert!(message.body.contains(&0));
    assert_eq!(message.sdp(), None);
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give_bytes(bytes);
    solo.sent_one("405");
}

const UNREASON: &str = "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nCall-ID: unreason.1234ksdfak3j2erwedfsASdf\nCSeq: 35 INVITE\nFrom: sip:user@example.com;tag=11141343\nTo: sip:user@example.edu;tag=2229\nContent-Length: 154\nContent-Type: application/sdp\nContact: <sip:user@host198.example.com>\n\n";
const NOREASON: &str = "SIP/2.0 100 \nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: noreason.asndj203insdf99223ndf\nCSeq: 35 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\nContact: <sip:user@host105.example.com>\n\n";

#[test]
fn reasons_may_be_strange_or_missing() {
    let odd = read(&(UNREASON.to_owned() + &sdp("192.0.2.198")));
    assert_eq!(odd.status(), 200);
    assert_eq!(
        odd.reason(),
        "= 2**3 * 5**2 но сто девяносто девять - простое"
    );
    assert!(odd.sdp().is_some());
    let bare = read(NOREASON);
    assert_eq!((bare.status(), bare.reason().as_str()), (100, "Trying"));
}

const INV2543: &str = "INVITE sip:UserB@example.com SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\nFrom: <sip:+13035551111@ift.client.example.net;user=phone>\nRecord-Route: <sip:UserB@example.com;maddr=ss1.example.com>\nTo: sip:+16505552222@ss1.example.net;user=phone\nCall-ID: inv2543.1717@ift.client.example.com\nCSeq: 56 INVITE\nContent-Type: application/sdp\n\n";

#[test]
fn an_invite_of_rfc_2543_still_rings() {
    let body = "v=0\no=mhandley 29739 7272939 IN IP4 192.0.2.5\ns=-\nc=IN IP4 192.0.2.5\nt=0 0\nm=audio 49217 RTP/AVP 0\n";
    let text = INV2543.to_owned() + body;
    let mut solo = Solo::registered(TransportKind::Udp);
    solo.give(&text);
    solo.sent_one("100");
    let Some(Event::Incoming(call)) = solo.events.pop() else {
        panic!("no call");
    };
    assert_eq!(call.from.user, "+13035551111");
    // No Content-Length either: the datagram's end is the body's.
    assert_eq!(call.sdp, Some(body.replace('\n', "\r\n")));
    // A repetition is answered again and rings no second time.
    solo.give(&text);
    solo.sent_one("100");
    assert!(solo.told().is_empty());
    // CANCEL finds it.
    solo.give(&text.replace("INVITE", "CANCEL"));
    let sent: Vec<String> = solo.sent.iter().map(|m| m.start.to_string()).collect();
    assert_eq!(sent, ["200 OK", "487 Request Terminated"]);
    assert_eq!(solo.told(), ["Ended Cancelled(None)"]);
}
