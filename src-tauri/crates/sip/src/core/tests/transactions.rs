//! Every timer of RFC 3261 table 4, with the Accepted states of RFC 6026, over datagrams and over a stream: when what is
//! sent again, when a transaction gives up, and when it is forgotten.

use std::time::{Duration, Instant};

use crate::api::{DialogId, FlowId};
use crate::core::message::Message;
use crate::core::transaction::{Arrival, Expiry, Owner, Transactions, TxKey};

/// The far end's part, and when it does it, ms after the beginning.
#[derive(Clone, Copy, Debug)]
enum Far {
    /// Answers our request.
    Answers(u64, u16),
    /// Acknowledges our answer to its INVITE.
    Acknowledges(u64),
    /// Sends its request again.
    Repeats(u64),
}

/// What came of it, in ms after the beginning.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    /// When something was sent, the first time included.
    sent: Vec<u64>,
    /// When it was given up.
    gave_up: Option<u64>,
    /// When nothing was left of it.
    over: Option<u64>,
}

fn request(method: &str) -> Message {
    let text = format!(
        "{method} sip:1001@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtable4\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: table4\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    Message::parse(text.as_bytes()).expect("valid")
}

/// A client transaction for a minute and a half.
fn client(method: &str, reliable: bool, far: &[Far]) -> Course {
    let begun = Instant::now();
    let mut tx = Transactions::default();
    let sent = request(method);
    tx.send(begun, FlowId(0), reliable, sent.clone(), Owner::Nobody, 0);
    course(tx, begun, far, |tx, now, far| match far {
        Far::Answers(_, status) => {
            tx.response(now, &sent.reply(status).with_tag("far"));
        }
        other => panic!("no part of a server: {other:?}"),
    })
}

/// A server transaction that is answered at once with this status, for a minute and a half.
fn server(method: &str, status: u16, reliable: bool, far: &[Far]) -> Course {
    let begun = Instant::now();
    let mut tx = Transactions::default();
    let came = request(method);
    let Arrival::New(key) = tx.request_arrived(begun, FlowId(0), reliable, &came) else {
        panic!("not new");
    };
    tx.set_dialog(&key, DialogId(1));
    tx.respond(begun, &key, &came.reply(status).with_tag("near"));
    course(tx, begun, far, |tx, now, far| match far {
        Far::Acknowledges(_) if status < 300 => tx.confirmed(now, &key),
        Far::Acknowledges(_) => arrives(tx, now, reliable, &request("ACK"), &key),
        Far::Repeats(_) => arrives(tx, now, reliable, &came, &key),
        other => panic!("no part of a client: {other:?}"),
    })
}

fn arrives(tx: &mut Transactions, now: Instant, reliable: bool, message: &Message, key: &TxKey) {
    let arrival = tx.request_arrived(now, FlowId(0), reliable, message);
    // Once it is forgotten, it would be new.
    assert!(
        arrival == Arrival::Absorbed || arrival == Arrival::New(key.clone()),
        "{arrival:?}"
    );
}

fn course(
    mut tx: Transactions,
    begun: Instant,
    far: &[Far],
    mut act: impl FnMut(&mut Transactions, Instant, Far),
) -> Course {
    let ms = |at: Instant| u64::try_from((at - begun).as_millis()).expect("short");
    let mut course = Course {
        sent: vec![0; tx.take_sends().len()],
        gave_up: None,
        over: None,
    };
    let mut far = far.iter().copied().peekable();
    loop {
        if tx.is_empty() {
            return course;
        }
        let acts = far.peek().map(|far| {
            let (Far::Answers(at, _) | Far::Acknowledges(at) | Far::Repeats(at)) = *far;
            begun + Duration::from_millis(at)
        });
        let Some(now) = tx.next_timeout().into_iter().chain(acts).min() else {
            return course;
        };
        if acts == Some(now)
            && let Some(far) = far.next()
        {
            act(&mut tx, now, far);
        }
        for expiry in tx.timeout(now) {
            match expiry {
                Expiry::Client(_) | Expiry::Unconfirmed(_) => course.gave_up = Some(ms(now)),
            }
        }
        course.sent.extend(tx.take_sends().iter().map(|_| ms(now)));
        if tx.is_empty() {
            course.over = Some(ms(now));
        }
        assert!(ms(now) < 90_000, "for ever: {course:?}");
    }
}

fn expect(sent: &[u64], gave_up: Option<u64>, over: Option<u64>) -> Course {
    Course {
        sent: sent.to_vec(),
        gave_up,
        over,
    }
}

const A: [u64; 7] = [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500];
const E: [u64; 11] = [
    0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500,
];

#[test]
fn a_client_sends_again_gives_up_and_forgets_by_the_table() {
    use Far::Answers;
    let cases: &[(&str, &str, bool, &[Far], Course)] = &[
        (
            "A and B",
            "INVITE",
            false,
            &[],
            expect(&A, Some(32_000), Some(32_000)),
        ),
        (
            "B",
            "INVITE",
            true,
            &[],
            expect(&[0], Some(32_000), Some(32_000)),
        ),
        (
            "E and F",
            "BYE",
            false,
            &[],
            expect(&E, Some(32_000), Some(32_000)),
        ),
        (
            "F",
            "BYE",
            true,
            &[],
            expect(&[0], Some(32_000), Some(32_000)),
        ),
        // RFC 3261 section 17.1.2.2: in Proceeding the interval is T2, from the next firing on.
        (
            "E in Proceeding",
            "BYE",
            false,
            &[Answers(100, 100)],
            expect(
                &[0, 500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500],
                Some(32_000),
                Some(32_000),
            ),
        ),
        // A ringing call is sent no more, and waits as long as it rings.
        (
            "ringing",
            "INVITE",
            false,
            &[Answers(600, 180)],
            expect(&[0, 500], None, None),
        ),
        // Each refusal is acknowledged, for the 32 s of timer D.
        (
            "D",
            "INVITE",
            false,
            &[Answers(700, 486), Answers(1_200, 486), Answers(33_000, 486)],
            expect(&[0, 500, 700, 1_200], None, Some(32_700)),
        ),
        (
            "D",
            "INVITE",
            true,
            &[Answers(700, 486)],
            expect(&[0, 700], None, Some(700)),
        ),
        // Repeated, the 200 is passed up for timer M: the dialog acknowledges it.
        (
            "M",
            "INVITE",
            false,
            &[Answers(700, 200), Answers(1_200, 200)],
            expect(&[0, 500], None, Some(32_700)),
        ),
        (
            "K",
            "BYE",
            false,
            &[Answers(700, 200), Answers(1_200, 200)],
            expect(&[0, 500], None, Some(5_700)),
        ),
        (
            "K",
            "BYE",
            true,
            &[Answers(700, 200)],
            expect(&[0], None, Some(700)),
        ),
    ];
    for (timer, method, reliable, far, expected) in cases {
        let course = client(method, *reliable, far);
        assert_eq!(
            course, *expected,
            "timer {timer}, {method}, stream: {reliable}"
        );
    }
}

#[test]
fn a_server_sends_again_gives_up_and_forgets_by_the_table() {
    use Far::{Acknowledges, Repeats};
    type Case<'a> = (&'a str, &'a str, u16, bool, &'a [Far], Course);
    let cases: &[Case<'_>] = &[
        (
            "G and H",
            "INVITE",
            486,
            false,
            &[],
            expect(&E, None, Some(32_000)),
        ),
        (
            "H",
            "INVITE",
            486,
            true,
            &[],
            expect(&[0], None, Some(32_000)),
        ),
        // Repeats of the ACK are absorbed for timer I.
        (
            "I",
            "INVITE",
            486,
            false,
            &[Acknowledges(700), Acknowledges(1_000), Repeats(1_100)],
            expect(&[0, 500], None, Some(5_700)),
        ),
        (
            "I",
            "INVITE",
            486,
            true,
            &[Acknowledges(700)],
            expect(&[0], None, Some(700)),
        ),
        // RFC 3261 section 13.3.1.4: the 200 is sent again over any transport, and a call without its ACK given up.
        (
            "2xx",
            "INVITE",
            200,
            false,
            &[],
            expect(&E, Some(32_000), Some(32_000)),
        ),
        (
            "2xx",
            "INVITE",
            200,
            true,
            &[],
            expect(&E, Some(32_000), Some(32_000)),
        ),
        (
            "2xx",
            "INVITE",
            200,
            false,
            &[Acknowledges(700)],
            expect(&[0, 500], None, Some(5_700)),
        ),
        // Each repeat gets the same answer, for the 32 s of timer J.
        (
            "J",
            "BYE",
            200,
            false,
            &[Repeats(500), Repeats(31_000)],
            expect(&[0, 500, 31_000], None, Some(32_000)),
        ),
        ("J", "BYE", 200, true, &[], expect(&[0], None, Some(0))),
    ];
    for (timer, method, status, reliable, far, expected) in cases {
        let course = server(method, *status, *reliable, far);
        assert_eq!(
            course, *expected,
            "timer {timer}, {method} {status}, stream: {reliable}"
        );
    }
}
