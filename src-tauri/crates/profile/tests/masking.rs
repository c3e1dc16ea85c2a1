//! What is left of a customer's data when it is masked.

use proptest::prelude::*;
use sidetone_profile::{MaskLevel, Masking};

const OFF: Masking = all(MaskLevel::Off);
const PARTIAL: Masking = all(MaskLevel::Partial);
const FULL: Masking = all(MaskLevel::Full);

const fn all(level: MaskLevel) -> Masking {
    Masking {
        name: level,
        email: level,
        number: level,
    }
}

#[test]
fn numbers() {
    for (clear, partial, full) in [
        ("", "", ""),
        ("5550100", "•••100", "•••"),
        ("+39 06 555-0123", "•••123", "•••"),
        ("1001", "•••01", "•••"),
        ("600", "•••0", "•••"),
        ("7", "•••", "•••"),
        ("sip:+39065550123@sbc.example.com", "•••123", "•••"),
        ("5550123@sbc3.example.com", "•••123", "•••"),
        ("anna.rossi", "•••", "•••"),
        ("sip:anna7@example.com", "•••", "•••"),
        ("anonymous", "•••", "•••"),
        ("٠٦٥٥٥١٢٣", "•••١٢٣", "•••"),
        // The server has masked it already; a dot alone is no mask.
        ("•••100", "•••100", "•••"),
        ("••••••7", "••••••7", "•••"),
        ("5550123•", "•••123", "•••"),
    ] {
        assert_eq!(OFF.number(clear), clear);
        assert_eq!(PARTIAL.number(clear), partial, "{clear}");
        assert_eq!(FULL.number(clear), full, "{clear}");
    }
}

#[test]
fn names() {
    for (clear, partial, full) in [
        ("", "", ""),
        ("Grace Hopper", "G••• H•••", "•••"),
        ("  Ørsted   ", "Ø•••", "•••"),
        ("李", "李•••", "•••"),
        // The exchange put the number where the name belongs.
        ("5550123", "•••123", "•••"),
        ("Grace 5550123", "G••• •••123", "•••"),
        ("G••• H•••", "G••• H•••", "•••"),
        ("Grace• Hopper", "G••• H•••", "•••"),
    ] {
        assert_eq!(OFF.name(clear), clear);
        assert_eq!(PARTIAL.name(clear), partial, "{clear}");
        assert_eq!(FULL.name(clear), full, "{clear}");
    }
    let numbers_only = Masking {
        number: MaskLevel::Full,
        ..OFF
    };
    assert_eq!(numbers_only.name("Grace Hopper"), "Grace Hopper");
    assert_eq!(numbers_only.name("5550123"), "•••");
}

#[test]
fn addresses() {
    for (clear, partial, full) in [
        ("", "", ""),
        ("grace@example.com", "g•••@example.com", "•••"),
        ("no address", "•••", "•••"),
        ("g•••@example.com", "g•••@example.com", "•••"),
        ("grace•@example.com", "g•••@example.com", "•••"),
    ] {
        assert_eq!(OFF.email(clear), clear);
        assert_eq!(PARTIAL.email(clear), partial, "{clear}");
        assert_eq!(FULL.email(clear), full, "{clear}");
    }
}

#[test]
fn whoever_writes_is_masked_by_what_it_looks_like() {
    for (clear, partial) in [
        ("grace@example.com", "g•••@example.com"),
        ("+1 (555) 0123", "•••123"),
        ("Grace", "G•••"),
        ("15550123@s.whatsapp.net", "1•••@s.whatsapp.net"),
    ] {
        assert_eq!(PARTIAL.whoever(clear), partial, "{clear}");
    }
    let numbers_only = Masking {
        number: MaskLevel::Full,
        ..OFF
    };
    assert_eq!(
        numbers_only.whoever("15550123@s.whatsapp.net"),
        "•••@s.whatsapp.net"
    );
}

#[test]
fn call_variables_and_free_text_lose_the_customer() {
    for (key, value, masked) in [
        ("Customer-Phone", "555-0123", "•••"),
        ("CallerID", "Grace Hopper", "•••"),
        ("Callback-Number", "600700", "•••"),
        ("Contact", "grace@example.com", "•••"),
        ("Mail", "grace@example.com", "•••"),
        ("Name", "Admiral", "•••"),
        ("Queue-Name", "support", "support"),
        ("Ticket", "call back 555 0123 today", "call back ••• today"),
        ("Ticket", "(555) 0123", "•••"),
        (
            "Ticket",
            "at 192.168.100.200:5061",
            "at 192.168.100.200:5061",
        ),
        ("Ticket", "from HOPPER, again", "from •••, again"),
        ("Ticket", "see grace@example.com now", "see ••• now"),
        ("Ticket", "A-17 of 3", "A-17 of 3"),
        ("Language", "it", "it"),
        // The name of a record is no number, unless it is the customer's.
        ("Interaction-Id", "1732300000.123", "1732300000.123"),
        ("Customer-Id", "5550123", "•••"),
        ("Customer-Id", "x5550123-7", "x•••"),
        // With a country code, or without the area's.
        ("Customer-Id", "0039065550123", "•••"),
        ("Customer-Id", "550123", "•••"),
    ] {
        let found = FULL.variable(key, value, "Grace Hopper", "5550123");
        assert_eq!(found, masked, "{key}: {value}");
        assert_eq!(OFF.variable(key, value, "Grace Hopper", "5550123"), value);
    }
}

proptest! {
    #[test]
    fn the_number_is_never_left_in_text(
        before in "[^0-9]{0,20}•?",
        number in "[1-9][0-9]{5,12}",
        after in "[^0-9]{0,20}",
    ) {
        let text = format!("{before}{number}{after}");
        for masking in [PARTIAL, FULL] {
            let masked = masking.text(&text, "", &number);
            prop_assert!(!masked.contains(&number), "{masked}");
            prop_assert!(!masking.name(&text).contains(&number));
            prop_assert!(!masking.whoever(&text).contains(&number));
            prop_assert!(!masking.variable("Anything", &text, "", &number).contains(&number));
            prop_assert!(!masking.variable("RecordId", &text, "", &number).contains(&number));
        }
    }

    #[test]
    fn masking_twice_is_masking_once(text in ".{0,40}") {
        for masking in [PARTIAL, FULL] {
            let once = masking.number(&text);
            prop_assert_eq!(masking.number(&once), once.clone());
            let once = masking.email(&text);
            prop_assert_eq!(masking.email(&once), once.clone());
            let once = masking.name(&text);
            prop_assert_eq!(masking.name(&once), once.clone());
        }
    }
}
