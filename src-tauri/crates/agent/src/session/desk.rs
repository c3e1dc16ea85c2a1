use sidetone_profile::{PeerType, Profile};

use super::calls::Calls;
use super::clause::clause;
use super::presence::Presence;
use super::turn::Turn;
use super::{Outside, incoming, light, outgoing, stage};
use crate::{
    AgentCard, CallId, Command, Effect, Input, Notice, PauseReason, Permissions, PresenceReport,
    QueueMembership, Registration, Time, View,
};

/// The place of an agent who is signed in.
#[derive(Debug)]
pub(super) struct Desk {
    profile: Box<Profile>,
    profile_faults: Vec<String>,
    reasons: Vec<PauseReason>,
    queues: Vec<QueueMembership>,
    presence: Presence,
    registration: Registration,
    /// The profile whose SIP account is the registered one.
    account: Option<Box<Profile>>,
    /// That account has another secret or address by now.
    account_changed: bool,
    calls: Calls,
    muted: bool,
    /// The session ends with the current call, for this reason.
    leaving: Option<Notice>,
}

impl Desk {
    pub(super) fn new(
        now: Time,
        profile: Box<Profile>,
        profile_faults: Vec<String>,
        reasons: Vec<PauseReason>,
        queues: Vec<QueueMembership>,
        presence: PresenceReport,
    ) -> Self {
        Self {
            profile,
            profile_faults,
            reasons,
            queues,
            presence: Presence::new(now, presence),
            registration: Registration::None,
            account: None,
            account_changed: false,
            calls: Calls::default(),
            muted: false,
            leaving: None,
        }
    }

    /// The server says everything anew; the calls go on.
    pub(super) fn renewed(
        &mut self,
        turn: &mut Turn<'_>,
        profile: Box<Profile>,
        profile_faults: Vec<String>,
        reasons: Vec<PauseReason>,
        queues: Vec<QueueMembership>,
        presence: PresenceReport,
    ) {
        self.leaving = None;
        self.profile_changed(turn, profile);
        self.profile_faults = profile_faults;
        self.reasons = reasons;
        self.queues = queues;
        self.presence_reported(turn, presence);
    }

    pub(super) fn handle(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &Outside,
        next_call: CallId,
        input: Input,
    ) {
        let was_engaged = self.calls.engaged();
        match input {
            Input::Command(command) => self.command(turn, outside, next_call, command),
            Input::Profile(profile) => self.profile_changed(turn, profile),
            Input::ProfileFaults(faults) => self.profile_faults = faults,
            Input::SipAccountChanged => self.account_changed = true,
            Input::PauseReasons(reasons) => self.reasons = reasons,
            Input::Queues(queues) => self.queues = queues,
            Input::Presence(report) => self.presence_reported(turn, report),
            Input::PresenceFailed { detail } => {
                self.presence.give_up();
                let fault = if detail.is_empty() {
                    "the server did not answer".to_owned()
                } else {
                    clause(&detail)
                };
                turn.toast(Notice::PresenceFailed { fault });
            }
            Input::Registration(registration) => self.registration_changed(registration),
            Input::Incoming(incoming) if self.takes_calls() => incoming::arrived(
                &mut self.calls,
                turn,
                &self.profile,
                self.presence.paused(),
                incoming,
            ),
            Input::Incoming(incoming) => turn.act(Effect::Reject {
                call: incoming.call,
                status: incoming::UNAVAILABLE,
            }),
            Input::Progress { call, progress } => self.calls.progress(call, progress),
            Input::Answered { call } => self.calls.answered(turn, call),
            Input::Ended { call, end } => self.calls.ended(turn, call, end),
            Input::Media { call, state } => self.calls.media(turn, call, state),
            Input::HoldConfirmed { call, held } => self.calls.hold_confirmed(turn, call, held),
            Input::RemoteHold { call, held } => self.calls.remote_hold(call, held),
            Input::Timer(timer) => self.calls.timer(turn, timer),
            // Not about the desk: handled before it.
            Input::SignIn(_) | Input::Link(_) | Input::DeviceFault(_) => {}
            _ => {}
        }
        if was_engaged && !self.calls.engaged() {
            // The next customer must not meet a microphone that was muted for the last one.
            self.mute(turn, false);
        }
    }

    pub(super) fn link_changed(&mut self) {
        // Up or down, the answer to what was asked over the old link will not come.
        self.presence.give_up();
    }

    pub(super) fn leave_after_call(&mut self, notice: Notice) {
        self.leaving = Some(notice);
    }

    /// Hangs up, unregisters, leaves the queues; nothing of the session stays.
    pub(super) fn sign_out(&mut self, turn: &mut Turn<'_>) {
        self.calls.clear(turn);
        self.mute(turn, false);
        if self.account.take().is_some() {
            turn.act(Effect::Unregister);
        }
        turn.act(Effect::SignOut);
    }

    /// Brings tones, window and SIP account up to date; gives the reason when the session is over.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>) -> Option<Notice> {
        self.calls.settle(turn);
        if self.calls.live() {
            return None;
        }
        if self.leaving.is_some() {
            return self.leaving.take();
        }
        self.settle_account(turn);
        None
    }

    pub(super) fn show(&self, now: Time, outside: &Outside, view: &mut View) {
        let profile = &self.profile;
        view.light = light::of(profile, &self.registration);
        view.agent = Some(AgentCard {
            full_name: profile.account.full_name.clone(),
            internal: profile.account.internal.clone(),
            typology: profile.account.typology,
            auto_answer: profile.webrtc.auto_answer,
        });
        view.presence = self.presence.view(now, outside.link_fault.is_some());
        view.pause_reasons.clone_from(&self.reasons);
        view.queues.clone_from(&self.queues);
        view.calls = self.calls.view(now);
        view.muted = self.muted;
        view.permissions = Permissions {
            dial: self.dial_refusal().is_none(),
            settings: profile.webrtc.enable_settings,
            recording: profile.webrtc.enable_recording,
            dtmf_tones: profile.webrtc.enable_dtmf_tone,
            ..Permissions::default()
        };
        view.warnings.extend(self.warnings(outside));
        view.toast_position = profile.toast_position;
        view.screen_reader_mode = profile.webrtc.screen_reader_mode;
    }

    fn command(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &Outside,
        next_call: CallId,
        command: Command,
    ) {
        match command {
            Command::Pause { reason } => {
                if self.ask(turn, outside, true) {
                    turn.act(Effect::Pause { reason });
                }
            }
            Command::Unpause => {
                if self.ask(turn, outside, false) {
                    turn.act(Effect::Unpause);
                }
            }
            Command::Dial { number } => match self.dial_refusal() {
                Some(refusal) => turn.toast(refusal),
                None => outgoing::dial(&mut self.calls, turn, next_call, number),
            },
            Command::Answer { call } => self.calls.answer(turn, call),
            Command::Decline { call } => self.calls.decline(turn, call),
            Command::HangUp { call } => self.calls.hang_up(turn, call),
            Command::Hold { call } => self.calls.hold(turn, call),
            Command::Resume { call } => self.calls.resume(turn, call),
            Command::Mute { on } => self.mute(turn, on),
            Command::Dtmf { call, digits } => {
                let audible = self.profile.webrtc.enable_dtmf_tone;
                self.calls.dtmf(turn, call, &digits, audible);
            }
            // Not about the desk: handled before it.
            Command::SignIn { .. } | Command::SignOut | Command::DismissToast { .. } => {}
            _ => {}
        }
    }

    /// Whether the server can be asked to pause or unpause.
    fn ask(&mut self, turn: &mut Turn<'_>, outside: &Outside, paused: bool) -> bool {
        if let Some(fault) = &outside.link_fault {
            turn.toast(Notice::PresenceFailed {
                fault: clause(fault),
            });
            return false;
        }
        self.presence.asked_for(turn.now, paused);
        true
    }

    fn mute(&mut self, turn: &mut Turn<'_>, on: bool) {
        if self.muted != on {
            self.muted = on;
            turn.act(Effect::Mute { on });
        }
    }

    fn presence_reported(&mut self, turn: &mut Turn<'_>, report: PresenceReport) {
        self.presence.reported(turn.now, report);
        self.keep_undisturbed(turn);
    }

    fn profile_changed(&mut self, turn: &mut Turn<'_>, profile: Box<Profile>) {
        self.profile = profile;
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
        self.keep_undisturbed(turn);
    }

    /// Do not disturb holds for what already rings, too.
    fn keep_undisturbed(&mut self, turn: &mut Turn<'_>) {
        if self.presence.paused() && self.profile.webrtc.dnd_during_pause {
            self.calls.decline_all(turn);
        }
    }

    fn registration_changed(&mut self, registration: Registration) {
        // An account that cannot be used is also not registered: the reason is worth more than that.
        let misconfigured = matches!(self.registration, Registration::Misconfigured(_));
        if !(misconfigured && registration == Registration::None) {
            self.registration = registration;
        }
    }

    /// Makes the registered account that of the profile; never during a call.
    fn settle_account(&mut self, turn: &mut Turn<'_>) {
        let usable = light::voice_fault(&self.profile).is_none();
        let current = !self.account_changed
            && self
                .account
                .as_deref()
                .is_some_and(|account| same_account(account, &self.profile));
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

    fn takes_calls(&self) -> bool {
        self.leaving.is_none() && light::voice_fault(&self.profile).is_none()
    }

    /// Why no call can be placed, whatever the number.
    fn dial_refusal(&self) -> Option<Notice> {
        if let Some(fault) = light::voice_fault(&self.profile) {
            Some(fault)
        } else if self.profile.voice.peer_type == PeerType::Peer {
            Some(Notice::MayNotCall)
        } else if self.leaving.is_some() || self.registration != Registration::Registered {
            Some(Notice::NotReadyToCall)
        } else {
            None
        }
    }

    fn warnings(&self, outside: &Outside) -> Vec<Notice> {
        let mut warnings = Vec::new();
        if let Some(fault) = &outside.link_fault {
            warnings.push(Notice::LinkDown {
                fault: clause(fault),
            });
        }
        warnings.extend(self.leaving.clone());
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

/// Whether two profiles lead to the same SIP account: everything else applies without registering again.
fn same_account(one: &Profile, other: &Profile) -> bool {
    let (voice, other_voice) = (&one.voice, &other.voice);
    one.account.internal == other.account.internal
        && one.account.typology == other.account.typology
        && one.webrtc.wss_port == other.webrtc.wss_port
        && voice.host == other_voice.host
        && voice.nat == other_voice.nat
        && voice.codecs == other_voice.codecs
        && voice.caller_id == other_voice.caller_id
        && voice.encryption == other_voice.encryption
        && voice.expires_s == other_voice.expires_s
        && voice.outbound_proxy == other_voice.outbound_proxy
        && voice.listen_port == other_voice.listen_port
}
