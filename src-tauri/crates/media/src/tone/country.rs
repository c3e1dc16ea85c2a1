//! What the telephone network of a country sounds like (ITU-T E.180 supplement 2).

use super::{Part, off, on, two};

/// The tones that a network plays to a caller.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) ringback: &'static [Part],
    pub(super) busy: &'static [Part],
    pub(super) congestion: &'static [Part],
    pub(super) call_waiting: &'static [Part],
}

/// The plan of a country by its ISO 3166 code of two letters, in any case; most of Europe's where there is none.
pub(super) fn plan(country: &str) -> &'static Plan {
    let mut code = [0; 2];
    if let &[a, b] = country.as_bytes() {
        code = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
    }
    PLANS
        .iter()
        .find(|(codes, _)| codes.contains(&&code))
        .map_or(&EUROPE, |(_, plan)| plan)
}

/// 425 Hz (ETSI TR 101 041).
pub(super) static EUROPE: Plan = Plan {
    ringback: &[on(425.0, 1_000), off(4_000)],
    busy: &[on(425.0, 500), off(500)],
    congestion: &[on(425.0, 250), off(250)],
    call_waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(9_000)],
};

static PLANS: &[(&[&[u8; 2]], Plan)] = &[
    (
        &[b"US", b"CA", b"PR"],
        Plan {
            ringback: &[two(440.0, 480.0, 2_000), off(4_000)],
            busy: &[two(480.0, 620.0, 500), off(500)],
            congestion: &[two(480.0, 620.0, 250), off(250)],
            call_waiting: &[on(440.0, 300), off(10_000)],
        },
    ),
    (
        &[b"GB"],
        Plan {
            ringback: &[
                two(400.0, 450.0, 400),
                off(200),
                two(400.0, 450.0, 400),
                off(2_000),
            ],
            busy: &[on(400.0, 375), off(375)],
            congestion: &[on(400.0, 400), off(350), on(400.0, 225), off(525)],
            call_waiting: &[on(400.0, 100), off(4_000)],
        },
    ),
    (
        &[b"IE"],
        Plan {
            ringback: &[
                two(400.0, 450.0, 400),
                off(200),
                two(400.0, 450.0, 400),
                off(2_000),
            ],
            call_waiting: &[on(425.0, 180), off(200), on(425.0, 200), off(4_500)],
            ..EUROPE
        },
    ),
    (
        &[b"DE"],
        Plan {
            busy: &[on(425.0, 480), off(480)],
            congestion: &[on(425.0, 240), off(240)],
            call_waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(5_000)],
            ..EUROPE
        },
    ),
    (
        &[b"FR"],
        Plan {
            ringback: &[on(440.0, 1_500), off(3_500)],
            busy: &[on(440.0, 500), off(500)],
            congestion: &[on(440.0, 250), off(250)],
            call_waiting: &[on(440.0, 300), off(10_000)],
        },
    ),
    (
        &[b"IT"],
        Plan {
            congestion: &[on(425.0, 200), off(200)],
            call_waiting: &[
                on(425.0, 400),
                off(100),
                on(425.0, 250),
                off(100),
                on(425.0, 150),
                off(14_000),
            ],
            ..EUROPE
        },
    ),
    (
        &[b"ES"],
        Plan {
            ringback: &[on(425.0, 1_500), off(3_000)],
            busy: &[on(425.0, 200), off(200)],
            congestion: &[
                on(425.0, 200),
                off(200),
                on(425.0, 200),
                off(200),
                on(425.0, 200),
                off(600),
            ],
            call_waiting: &[on(425.0, 175), off(175), on(425.0, 175), off(3_500)],
        },
    ),
    (
        &[b"PT"],
        Plan {
            ringback: &[on(425.0, 1_000), off(5_000)],
            congestion: &[on(425.0, 200), off(200)],
            call_waiting: &[on(440.0, 300), off(10_000)],
            ..EUROPE
        },
    ),
    (
        &[b"BE"],
        Plan {
            ringback: &[on(425.0, 1_000), off(3_000)],
            congestion: &[on(425.0, 167), off(167)],
            call_waiting: &[on(1_400.0, 175), off(175), on(1_400.0, 175), off(3_500)],
            ..EUROPE
        },
    ),
    (
        &[b"NL"],
        Plan {
            call_waiting: &[on(425.0, 500), off(9_500)],
            ..EUROPE
        },
    ),
    (
        &[b"CH", b"LI"],
        Plan {
            congestion: &[on(425.0, 200), off(200)],
            call_waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(4_000)],
            ..EUROPE
        },
    ),
    (
        &[b"AT"],
        Plan {
            ringback: &[on(420.0, 1_000), off(5_000)],
            busy: &[on(420.0, 400), off(400)],
            congestion: &[on(420.0, 200), off(200)],
            call_waiting: &[on(420.0, 40), off(1_950)],
        },
    ),
    (
        &[b"SE"],
        Plan {
            ringback: &[on(425.0, 1_000), off(5_000)],
            busy: &[on(425.0, 250), off(250)],
            congestion: &[on(425.0, 250), off(750)],
            call_waiting: &[on(425.0, 200), off(500), on(425.0, 200), off(9_100)],
        },
    ),
    (
        &[b"NO", b"DK"],
        Plan {
            congestion: &[on(425.0, 200), off(200)],
            call_waiting: &[on(425.0, 200), off(600), on(425.0, 200), off(10_000)],
            ..EUROPE
        },
    ),
    (
        &[b"FI", b"GR"],
        Plan {
            busy: &[on(425.0, 300), off(300)],
            congestion: &[on(425.0, 200), off(200)],
            call_waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(8_000)],
            ..EUROPE
        },
    ),
    (
        &[b"CZ", b"SK"],
        Plan {
            busy: &[on(425.0, 330), off(330)],
            congestion: &[on(425.0, 165), off(165)],
            call_waiting: &[on(425.0, 330), off(9_000)],
            ..EUROPE
        },
    ),
    (
        &[b"PL"],
        Plan {
            congestion: &[on(425.0, 500), off(500)],
            call_waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(4_000)],
            ..EUROPE
        },
    ),
    (
        &[b"HU"],
        Plan {
            ringback: &[on(425.0, 1_250), off(3_750)],
            busy: &[on(425.0, 300), off(300)],
            congestion: &[on(425.0, 300), off(300)],
            call_waiting: &[on(425.0, 40), off(1_960)],
        },
    ),
    (
        &[b"RU", b"BY", b"KZ"],
        Plan {
            ringback: &[on(425.0, 1_000), off(4_000)],
            busy: &[on(425.0, 350), off(350)],
            congestion: &[on(425.0, 175), off(175)],
            call_waiting: &[on(425.0, 200), off(5_000)],
        },
    ),
    (
        &[b"AU"],
        Plan {
            ringback: &[
                two(413.0, 438.0, 400),
                off(200),
                two(413.0, 438.0, 400),
                off(2_000),
            ],
            busy: &[on(425.0, 375), off(375)],
            congestion: &[on(425.0, 375), off(375)],
            call_waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(4_400)],
        },
    ),
    (
        &[b"NZ"],
        Plan {
            ringback: &[
                two(400.0, 450.0, 400),
                off(200),
                two(400.0, 450.0, 400),
                off(2_000),
            ],
            busy: &[on(400.0, 500), off(500)],
            congestion: &[on(400.0, 250), off(250)],
            call_waiting: &[on(400.0, 200), off(3_000)],
        },
    ),
    (
        &[b"JP"],
        Plan {
            ringback: &[two(384.0, 416.0, 1_000), off(2_000)],
            busy: &[on(400.0, 500), off(500)],
            congestion: &[on(400.0, 500), off(500)],
            call_waiting: &[on(400.0, 100), off(100), on(400.0, 100), off(4_000)],
        },
    ),
    (
        &[b"CN"],
        Plan {
            ringback: &[on(450.0, 1_000), off(4_000)],
            busy: &[on(450.0, 350), off(350)],
            congestion: &[on(450.0, 700), off(700)],
            call_waiting: &[on(450.0, 400), off(4_000)],
        },
    ),
    (
        &[b"IN"],
        Plan {
            ringback: &[
                two(375.0, 425.0, 400),
                off(200),
                two(375.0, 425.0, 400),
                off(2_000),
            ],
            busy: &[on(400.0, 750), off(750)],
            congestion: &[on(400.0, 250), off(250)],
            call_waiting: &[on(400.0, 200), off(100), on(400.0, 200), off(7_500)],
        },
    ),
    (
        &[b"BR"],
        Plan {
            busy: &[on(425.0, 250), off(250)],
            congestion: &[on(425.0, 250), off(250), on(425.0, 750), off(250)],
            call_waiting: &[on(425.0, 50), off(1_000)],
            ..EUROPE
        },
    ),
    (
        &[b"MX", b"AR"],
        Plan {
            busy: &[on(425.0, 250), off(250)],
            congestion: &[on(425.0, 250), off(250)],
            call_waiting: &[on(425.0, 200), off(600), on(425.0, 200), off(10_000)],
            ..EUROPE
        },
    ),
    (
        &[b"ZA"],
        Plan {
            ringback: &[
                two(383.0, 417.0, 400),
                off(200),
                two(383.0, 417.0, 400),
                off(2_000),
            ],
            busy: &[on(400.0, 500), off(500)],
            congestion: &[on(400.0, 250), off(250)],
            call_waiting: &[
                two(383.0, 417.0, 250),
                off(250),
                two(383.0, 417.0, 250),
                off(3_250),
            ],
        },
    ),
    (
        &[b"IL"],
        Plan {
            ringback: &[on(400.0, 1_000), off(3_000)],
            busy: &[on(400.0, 500), off(500)],
            congestion: &[on(400.0, 250), off(250)],
            call_waiting: &[on(400.0, 150), off(150), on(400.0, 150), off(10_000)],
        },
    ),
];
