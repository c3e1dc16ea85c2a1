//! What a new password needs, and when an old one ends.

use sidetone_profile::{PasswordAge, PasswordFault, PasswordRules, Secret, unix_ms};

#[test]
fn moments() {
    for (text, ms) in [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
        ("2026-01-31T09:30:00.250Z", Some(1_769_851_800_250)),
        ("2026-01-31 09:30:00", Some(1_769_851_800_000)),
        ("2026-01-31T10:30:00+01:00", Some(1_769_851_800_000)),
        ("2026-01-31T04:00:00.0-05:30", Some(1_769_851_800_000)),
        ("1969-12-31T23:59:59Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-01-31", None),
        ("2026-01-31T09:30:00+1", None),
        ("2026-01-31T09:30:00 Rome", None),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(unix_ms(text), ms, "{text}");
    }
}

#[test]
fn the_age_of_a_password_counts_from_the_servers_clock() {
    const DAY: u64 = 86_400_000;
    const HOUR: u64 = 3_600_000;
    let set = unix_ms("2026-01-01T08:00:00Z").expect("a moment");
    for (age, days_left, warns) in [
        (0, 90, false),
        (74 * DAY, 16, false),
        (75 * DAY - 1, 16, false),
        (75 * DAY, 15, true),
        (75 * DAY + HOUR, 15, true),
        (89 * DAY + HOUR, 1, true),
        (90 * DAY, 0, true),
        (400 * DAY, 0, true),
    ] {
        let found = PasswordAge::of("2026-01-01T08:00:00Z", set + age).expect("an age");
        assert_eq!(found.days_left, days_left, "{age}");
        assert_eq!(found.warns(), warns, "{age}");
        if let Some(next) = found.next_day_in_ms {
            let then = PasswordAge::of("2026-01-01T08:00:00Z", set + age + next);
            assert_eq!(then.expect("an age").days_left, days_left - 1, "{age}");
        }
    }
    assert_eq!(PasswordAge::of("once", set), None);
}

#[test]
fn a_new_password_is_told_what_it_lacks() {
    use PasswordFault::{Digit, Length, Lower, Symbol, Upper};
    let all = PasswordRules {
        min_length: 10,
        upper: true,
        lower: true,
        digit: true,
        symbol: true,
        history: 3,
    };
    for (new, lacking) in [
        ("Correct-Horse-7", vec![]),
        ("Korrekt-1ä", vec![]),
        ("", vec![Length(10), Upper, Lower, Digit, Symbol]),
        ("correct-horse-7", vec![Upper]),
        ("CORRECT-HORSE-7", vec![Lower]),
        ("Correct-Horse", vec![Digit]),
        ("CorrectHorse77", vec![Symbol]),
        ("Short-7", vec![Length(10)]),
    ] {
        assert_eq!(all.check(&Secret::new(new)), lacking, "{new}");
    }
    let plain = PasswordRules::default();
    assert_eq!(plain.check(&Secret::new("password")), []);
    assert_eq!(plain.check(&Secret::new("passwor")), [Length(8)]);
    assert_eq!(Length(8).to_string(), "at least 8 characters");
}
