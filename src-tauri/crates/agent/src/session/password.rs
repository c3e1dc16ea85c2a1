use sidetone_profile::{PasswordAge, PasswordRules, Secret};

use super::Outside;
use super::turn::Turn;
use crate::{Effect, Notice, Time, TimerId};

/// Why a new password cannot be sent to the server at all.
pub(super) fn fault(rules: &PasswordRules, new: &Secret) -> Option<Notice> {
    let lacking: Vec<_> = rules.check(new).iter().map(ToString::to_string).collect();
    (!lacking.is_empty()).then(|| Notice::PasswordRefused {
        fault: format!("it needs {}", lacking.join(", ")),
    })
}

/// How near the end of a password is, by the server's clock.
pub(super) fn age(reset_at: Option<&str>, outside: &Outside, now: Time) -> Option<PasswordAge> {
    PasswordAge::of(reset_at?, outside.clock?.unix_ms(now))
}

/// Has the screen looked at again when a day more is gone.
pub(super) fn watch(turn: &mut Turn<'_>, reset_at: Option<&str>, outside: &Outside) {
    let next = age(reset_at, outside, turn.now).and_then(|age| age.next_day_in_ms);
    if let Some(ms) = next {
        turn.act(Effect::StartTimer {
            timer: TimerId::PasswordAge,
            at: turn.now + std::time::Duration::from_millis(ms),
        });
    }
}
