use super::{Desk, disposition_required};
use crate::session::clause::clause;
use crate::session::{Outside, light, password, settings_page};
use crate::{AgentCard, Notice, Permissions, Time, View};

impl Desk {
    pub(crate) fn show(&self, now: Time, outside: &Outside, view: &mut View) {
        let profile = &self.profile;
        let settings = outside.settings();
        view.light = light::of(profile, &self.registration);
        view.agent = Some(AgentCard {
            full_name: profile.account.full_name.clone(),
            internal: profile.account.internal.clone(),
            typology: profile.account.typology,
            auto_answer: profile.webrtc.auto_answer,
        });
        view.presence =
            self.presence
                .view(now, outside.link_fault.is_some(), settings.partial_pause);
        view.pause_reasons.clone_from(&self.reasons);
        view.queues.clone_from(&self.queues);
        view.calls = self.calls.view(now, self.muted);
        view.muted = self.muted;
        let may_dial = self.dial_refusal().is_none();
        view.permissions = Permissions {
            dial: may_dial,
            settings: profile.webrtc.enable_settings,
            recording: profile.webrtc.enable_recording,
            dtmf_tones: profile.webrtc.enable_dtmf_tone,
            pickup: may_dial && !profile.voice.pickup_groups.is_empty(),
            partial_pause: settings.partial_pause,
            password: self.with_password,
        };
        view.password_rules.clone_from(&settings.password_rules);
        view.password_days_left = self.password_days_left(outside, now);
        view.warnings.extend(self.warnings(outside, now));
        view.toast_position = profile.toast_position;
        view.screen_reader_mode = profile.webrtc.screen_reader_mode;
        view.settings = settings_page::groups(profile);
        view.interactions = self.interactions.view(now);
        view.previews = self
            .contacts
            .previews(may_dial && self.previews_allowed() && self.calls.line_free());
        view.callbacks = self.contacts.callbacks();
        view.history = outside.history.view();
        if profile.webrtc.unanswered_call_badge {
            view.missed = outside.history.missed();
        }
        view.wrap_up = self.wrap_up.view(now, disposition_required(outside));
        view.dispositions.clone_from(&outside.dispositions);
        view.remote_control_port = profile.webrtc.remote_control_port;
        view.masked = self.masking().any();
        view.link = outside.link();
    }

    /// Days until the password has to be changed, when that is near; only who has one is told.
    fn password_days_left(&self, outside: &Outside, now: Time) -> Option<u32> {
        let reset_at = self.profile.security.password_reset_at.as_deref();
        password::age(reset_at, outside, now)
            .filter(|age| self.with_password && age.warns())
            .map(|age| age.days_left)
    }

    fn warnings(&self, outside: &Outside, now: Time) -> Vec<Notice> {
        let mut warnings = Vec::new();
        if let Some(fault) = &outside.link_fault {
            let fault = clause(fault);
            // Signed in with what the server said at another time, or only cut off from it now.
            warnings.push(if outside.away {
                Notice::WorkingOffline { fault }
            } else {
                Notice::LinkDown { fault }
            });
        }
        warnings.extend(self.leaving.clone());
        if let Some(days) = self.password_days_left(outside, now) {
            warnings.push(Notice::PasswordAges { days });
        }
        let left_out = &self.profile.voice.codecs_left_out;
        if !left_out.is_empty() {
            let names: Vec<_> = left_out.iter().map(|codec| codec.wire_name()).collect();
            warnings.push(Notice::CodecsLeftOut {
                codecs: names.join(", "),
            });
        }
        warnings.extend(
            self.profile_faults
                .iter()
                .map(|fault| Notice::ProfileFault {
                    fault: clause(fault),
                }),
        );
        warnings
    }
}
