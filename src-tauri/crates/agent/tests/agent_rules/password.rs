//! How old the password is, and a wish for another one.

use crate::desk::{Desk, code, deeds, profile};
use serde_json::json;
use sidetone_agent::{Command, Effect, Input, Notice, TimerId};
use sidetone_profile::Secret;

const SET: &str = "2026-01-01T08:00:00Z";

fn change(current: Option<&str>, new: &str) -> Command {
    Command::ChangePassword {
        current: current.map(Secret::new),
        new: Secret::new(new),
    }
}

#[test]
fn the_agent_is_warned_from_15_days_before_the_end() {
    for (now, days) in [
        ("2026-01-01T08:00:00Z", None),
        ("2026-03-17T07:59:59Z", None),
        ("2026-03-17T08:00:00Z", Some(15)),
        ("2026-03-31T09:00:00Z", Some(1)),
        ("2026-04-01T08:00:00Z", Some(0)),
        ("2027-01-01T00:00:00Z", Some(0)),
    ] {
        let mut desk = Desk::ready(json!({"passwordResetAt": SET}));
        assert_eq!(desk.view().password_days_left, None, "no clock, no age");
        desk.clock(now);
        let view = desk.view();
        assert_eq!(view.password_days_left, days, "{now}");
        let warned = view.warnings.contains(&Notice::PasswordAges {
            days: days.unwrap_or_default(),
        });
        assert_eq!(warned, days.is_some(), "{now}");
    }
}

#[test]
fn the_days_count_down_while_the_phone_runs() {
    let mut desk = Desk::ready(json!({"passwordResetAt": SET}));
    let effects = desk.clock("2026-03-17T07:00:00Z");
    let at = sidetone_agent::Time(desk.now.0 + 3_600_000);
    let timer = TimerId::PasswordAge;
    assert_eq!(effects, [Effect::StartTimer { timer, at }]);
    desk.wait(3_600_000);
    let effects = desk.give(Input::Timer(timer));
    assert_eq!(desk.view().password_days_left, Some(15));
    let at = sidetone_agent::Time(desk.now.0 + 86_400_000);
    assert_eq!(effects, [Effect::StartTimer { timer, at }]);
    // A new password is young.
    desk.give(Input::Profile(profile(
        json!({"passwordResetAt": "2026-03-17T08:00:00Z"}),
    )));
    assert_eq!(desk.view().password_days_left, None);
}

#[test]
fn a_wish_for_another_password_is_checked_sent_and_answered() {
    let mut desk = Desk::ready(json!({}));
    desk.server(|settings| settings.password_rules.digit = true);
    assert!(desk.view().password_rules.digit);
    assert_eq!(
        deeds(desk.command(change(Some("correct horse"), "no digits"))),
        []
    );
    let fault = "it needs a digit".to_owned();
    assert_eq!(
        desk.view().toasts[0].notice,
        Notice::PasswordRefused { fault }
    );
    assert_eq!(deeds(desk.command(change(None, "with digit 7"))), []);
    let effects = desk.command(change(Some("correct horse"), "with digit 7"));
    assert!(matches!(
        &effects[..],
        [Effect::ChangePassword { current: Some(current), new }]
            if current.reveal() == "correct horse" && new.reveal() == "with digit 7"
    ));
    for (answer, expected) in [
        (Ok(()), "password_changed"),
        (Err("It was used before.".to_owned()), "password_refused"),
    ] {
        desk.give(Input::PasswordChanged(answer));
        let toasts = desk.view().toasts;
        assert_eq!(code(&toasts.last().expect("a toast").notice), expected);
    }
}
