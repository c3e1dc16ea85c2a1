use sidetone_profile::{Layer, Profile};

use super::Desk;
use crate::session::turn::Turn;
use crate::session::{Outside, light, stage};
use crate::{Effect, Notice, Registration};

/// What the agent is told when the secret of the SIP account is another one.
const SECRET: &str = "secret";

impl Desk {
    /// The profile is another: what does not disturb a call holds at once.
    pub(super) fn profile_changed(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &mut Outside,
        profile: Box<Profile>,
    ) {
        let mut changed = self.profile.changed_fields(&profile);
        changed.retain(|field| {
            profile.sources.of(field) != Layer::Agent && !self.own_changes.contains(field)
        });
        self.own_changes.clear();
        self.profile = profile;
        self.tell_changes(turn, &changed);
        if let Some(notice) = stage::barred(&self.profile) {
            self.leave_after_call(notice);
        } else if matches!(
            self.leaving,
            Some(Notice::AccountDisabled | Notice::AccountLocked)
        ) {
            // Taken back before the call was over.
            self.leaving = None;
        }
        if !self.profile.webrtc.auto_answer.enabled {
            self.calls.stop_auto_answers(turn);
        }
        let masking = self.masking();
        self.calls.mask(masking);
        self.contacts.mask(masking);
        self.interactions.mask(masking);
        self.wrap_up.mask(masking);
        outside.history.mask(turn, masking);
        self.keep_undisturbed(turn);
        self.watch_password(turn, outside);
    }

    /// Says in one toast what the administrator changed, and from when it holds.
    pub(super) fn tell_changes(&self, turn: &mut Turn<'_>, changed: &[String]) {
        if changed.is_empty() {
            return;
        }
        let waits = self.calls.live() && changed.iter().any(|field| disturbs(field));
        let fields = changed.join(", ");
        turn.toast(if waits {
            Notice::SettingsChangeAfterCall { fields }
        } else {
            Notice::SettingsChanged { fields }
        });
    }

    /// The server gave the SIP account another secret or other addresses.
    pub(super) fn secret_changed(&mut self, turn: &mut Turn<'_>) {
        self.account_changed = true;
        self.tell_changes(turn, &[SECRET.to_owned()]);
    }

    pub(super) fn registration_changed(&mut self, registration: Registration) {
        // An account that cannot be used is also not registered: the reason is worth more than that.
        let misconfigured = matches!(self.registration, Registration::Misconfigured(_));
        if !(misconfigured && registration == Registration::None) {
            self.registration = registration;
        }
    }

    /// Makes the registered account that of the profile; never during a call.
    pub(super) fn settle_account(&mut self, turn: &mut Turn<'_>) {
        let usable = light::voice_fault(&self.profile).is_none();
        let current = !self.account_changed
            && self
                .account
                .as_deref()
                .is_some_and(|account| account.same_account(&self.profile));
        self.account_changed = false;
        if usable && !current {
            if matches!(self.registration, Registration::Misconfigured(_)) {
                self.registration = Registration::None;
            }
            self.account = Some(self.profile.clone());
            turn.act(Effect::Register(self.profile.clone()));
        } else if !usable && self.account.take().is_some() {
            self.registration = Registration::None;
            turn.act(Effect::Unregister);
        }
    }
}

fn disturbs(field: &str) -> bool {
    field == SECRET || Profile::disturbs_calls(field)
}
