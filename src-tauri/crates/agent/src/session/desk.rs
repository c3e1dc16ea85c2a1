//! The place of an agent who is signed in: what comes in finds its rule here.

mod account;
mod command;
mod follow;
mod show;

use std::time::Duration;

use sidetone_profile::{Channel, Disposition, Masking, Profile, ServerSettings};

use super::calls::Calls;
use super::clause::clause;
use super::contacts::Contacts;
use super::interactions::Interactions;
use super::presence::Presence;
use super::turn::Turn;
use super::wrap_up::WrapUp;
use super::{Outside, incoming, light, recording, transfer};
use crate::{
    CallEnd, CallId, Effect, Input, MediaState, Notice, PauseReason, PresenceReport,
    QueueMembership, RecordingState, Registration, TimerId, TransferState,
};

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
    /// The agent signed in with a password of this server.
    with_password: bool,
    /// Fields that the agent has just changed: nobody has to tell them.
    own_changes: Vec<String>,
    wrap_up: WrapUp,
    interactions: Interactions,
    contacts: Contacts,
}

/// What the server says with a sign-in.
pub(super) struct Welcome {
    pub(super) profile: Box<Profile>,
    pub(super) profile_faults: Vec<String>,
    pub(super) reasons: Vec<PauseReason>,
    pub(super) queues: Vec<QueueMembership>,
    pub(super) presence: PresenceReport,
}

impl Desk {
    pub(super) fn new(
        turn: &mut Turn<'_>,
        outside: &mut Outside,
        welcome: Welcome,
        with_password: bool,
    ) -> Self {
        outside.history.mask(turn, welcome.profile.security.masking);
        let desk = Self {
            profile: welcome.profile,
            profile_faults: welcome.profile_faults,
            reasons: welcome.reasons,
            queues: welcome.queues,
            presence: Presence::new(turn.now, welcome.presence),
            registration: Registration::None,
            account: None,
            account_changed: false,
            calls: Calls::default(),
            muted: false,
            leaving: None,
            with_password,
            own_changes: Vec::new(),
            wrap_up: WrapUp::default(),
            interactions: Interactions::default(),
            contacts: Contacts::default(),
        };
        desk.watch_password(turn, outside);
        desk
    }

    /// The server says everything anew; the calls go on.
    pub(super) fn renewed(&mut self, turn: &mut Turn<'_>, outside: &mut Outside, welcome: Welcome) {
        self.leaving = None;
        self.profile_changed(turn, outside, welcome.profile);
        self.profile_faults = welcome.profile_faults;
        self.reasons = welcome.reasons;
        self.queues = welcome.queues;
        self.presence_reported(turn, welcome.presence);
    }

    pub(super) fn handle(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &mut Outside,
        next_call: CallId,
        input: Input,
    ) {
        let was_engaged = self.calls.engaged();
        match input {
            Input::Command(command) => self.command(turn, outside, next_call, command),
            Input::Profile(profile) => self.profile_changed(turn, outside, profile),
            Input::ProfileFaults(faults) => self.profile_faults = faults,
            Input::SipAccountChanged => self.secret_changed(turn),
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
            Input::Incoming(incoming) if self.takes_calls() => {
                self.arrived(turn, outside, incoming);
            }
            Input::Incoming(incoming) => turn.act(Effect::Reject {
                call: incoming.call,
                status: incoming::UNAVAILABLE,
            }),
            Input::Progress { call, progress } => self.calls.progress(call, progress),
            Input::Answered { call } => self.calls.answered(turn, call),
            Input::Ended { call, end } => {
                let end = self.masked_end(call, end);
                self.calls.ended(turn, call, end);
            }
            Input::Media { call, state } => {
                let state = match state {
                    MediaState::Failed(fault) => MediaState::Failed(self.about(call, fault)),
                    state => state,
                };
                self.calls.media(turn, call, state);
            }
            Input::HoldConfirmed { call, held } => self.calls.hold_confirmed(turn, call, held),
            Input::OneWay { call, fault } => self.calls.one_way(call, fault),
            Input::RemoteHold { call, held } => self.calls.remote_hold(call, held),
            Input::Transfer { call, state } => {
                let state = match state {
                    TransferState::Failed { status, reason } => TransferState::Failed {
                        status,
                        reason: self.about(call, reason),
                    },
                    state => state,
                };
                transfer::told(&mut self.calls, turn, call, state);
            }
            Input::Recording { call, state } => {
                let state = match state {
                    RecordingState::Failed { fault } => RecordingState::Failed {
                        fault: self.about(call, fault),
                    },
                    state => state,
                };
                recording::told(&mut self.calls, turn, call, state);
            }
            Input::Disposed(answer) => {
                let required = disposition_required(outside);
                self.wrap_up.disposed(turn, answer, required);
            }
            Input::PasswordChanged(answer) => turn.toast(match answer {
                Ok(()) => Notice::PasswordChanged,
                Err(fault) => Notice::PasswordRefused {
                    fault: clause(&fault),
                },
            }),
            Input::Interactions(rows) => {
                self.interactions.listed(turn, self.masking(), rows);
            }
            Input::Previews(rows) => self.contacts.set_previews(self.masking(), rows),
            Input::Callbacks(rows) => self.contacts.set_callbacks(self.masking(), rows),
            Input::Failed(fault) => {
                self.interactions.give_up();
                turn.toast(Notice::RequestFailed {
                    fault: clause(&fault),
                });
            }
            Input::NotAllowed(fault) => turn.toast(Notice::NotAllowedHere {
                fault: clause(&fault),
            }),
            Input::Timer(timer) => self.timer(turn, outside, timer),
            // Not about the desk: handled before it.
            Input::SignIn(_)
            | Input::SignInWays { .. }
            | Input::Link(_)
            | Input::LoggedInAgain
            | Input::DeviceFault(_)
            | Input::LocalInterface(_)
            | Input::ServerClock { .. }
            | Input::ServerSettings(_)
            | Input::Dispositions(_)
            | Input::History(_) => {}
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

    /// What the server sets for all agents is another now; `before` is what it said earlier in this session.
    pub(super) fn settings_changed(
        &mut self,
        turn: &mut Turn<'_>,
        before: Option<&ServerSettings>,
        now: &ServerSettings,
    ) {
        if let Some(before) = before {
            self.tell_changes(turn, &before.changed_fields(now));
        }
    }

    /// The server's clock was read again.
    pub(super) fn watch_password(&self, turn: &mut Turn<'_>, outside: &Outside) {
        let reset_at = self.profile.security.password_reset_at.as_deref();
        super::password::watch(turn, reset_at, outside);
    }

    pub(super) fn masking(&self) -> Masking {
        self.profile.security.masking
    }

    pub(super) fn leave_after_call(&mut self, notice: Notice) {
        self.leaving = Some(notice);
    }

    /// Hangs up, unregisters, leaves the queues; nothing of the session stays.
    pub(super) fn sign_out(&mut self, turn: &mut Turn<'_>, outside: &mut Outside) {
        self.calls.hang_up_all(turn);
        self.follow_calls(turn, outside);
        self.calls.clear(turn);
        self.mute(turn, false);
        self.wrap_up.stop(turn);
        self.interactions.clear(turn);
        outside.forget_session();
        if self.account.take().is_some() {
            turn.act(Effect::Unregister);
        }
        turn.act(Effect::SignOut);
    }

    /// Brings tones, window and SIP account up to date; gives the reason when the session is over.
    pub(super) fn settle(&mut self, turn: &mut Turn<'_>, outside: &mut Outside) -> Option<Notice> {
        self.follow_calls(turn, outside);
        self.calls.settle(turn);
        self.wrap_up.settle(disposition_required(outside));
        self.settle_interactions(turn, outside);
        if self.calls.live() {
            return None;
        }
        if self.leaving.is_some() {
            return self.leaving.take();
        }
        self.settle_account(turn);
        None
    }

    fn settle_interactions(&mut self, turn: &mut Turn<'_>, outside: &Outside) {
        let desktop = super::interactions::Desktop {
            closed: self.leaving.is_some(),
            tab_limit: outside.settings().tab_limit,
            settings: &|channel| {
                let known = self.profile.channels.iter();
                let found = known
                    .clone()
                    .find(|(of, _)| *of == channel)
                    .map(|(_, settings)| *settings);
                found.unwrap_or_default()
            },
            paused: &|channel| self.presence.paused_on(channel),
            rings_everybody: &|told| {
                incoming::rings_everybody(
                    &self.queues,
                    told.queue.as_deref(),
                    told.strategy.as_deref(),
                )
            },
        };
        self.interactions.settle(turn, &desktop);
    }

    fn arrived(&mut self, turn: &mut Turn<'_>, outside: &mut Outside, call: crate::IncomingCall) {
        let house = incoming::House {
            profile: &self.profile,
            queues: &self.queues,
            paused: self.presence.paused_on(Channel::Voice),
            wrapping_up: self.wrap_up.on(),
            no_answer_after: Duration::from_secs(u64::from(outside.settings().no_answer_s)),
        };
        if let Some(missed) = incoming::arrived(&mut self.calls, turn, &house, call) {
            let at_ms = outside.unix_ms(missed.began);
            outside.history.remember(turn, &missed, at_ms);
        }
    }

    fn timer(&mut self, turn: &mut Turn<'_>, outside: &Outside, timer: TimerId) {
        match timer {
            TimerId::NoAnswer(call) => {
                let number = self.profile.voice.forwarding.no_answer.clone();
                self.calls.not_answered(turn, call, number.as_deref());
            }
            TimerId::AutoAccept(number) => self.interactions.timer(turn, number),
            TimerId::WrapUpEnd => self.wrap_up.timer(turn, disposition_required(outside)),
            TimerId::PasswordAge => self.watch_password(turn, outside),
            TimerId::AutoAnswer(_)
            | TimerId::ToneEnd
            | TimerId::CardEnd(_)
            | TimerId::Overdue(_)
            | TimerId::TransferOverdue(_) => self.calls.timer(turn, timer),
            // Handled before the desk.
            TimerId::ToastEnd(_) => {}
        }
    }

    /// What was said about a call, without what the agent must not see of its customer.
    fn about(&self, call: CallId, words: String) -> String {
        match self.calls.get(call) {
            Some(call) => call.party.text(self.masking(), &words),
            None => self.masking().text(&words, "", ""),
        }
    }

    fn masked_end(&self, call: CallId, end: CallEnd) -> CallEnd {
        match end {
            CallEnd::Refused { status, reason } => CallEnd::Refused {
                status,
                reason: self.about(call, reason),
            },
            CallEnd::Unreachable(fault) => CallEnd::Unreachable(self.about(call, fault)),
            CallEnd::MediaFailed(fault) => CallEnd::MediaFailed(self.about(call, fault)),
            CallEnd::Local
            | CallEnd::Remote
            | CallEnd::CallerGaveUp
            | CallEnd::AnsweredElsewhere => end,
        }
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

    /// Do not disturb holds for what already rings, too.
    fn keep_undisturbed(&mut self, turn: &mut Turn<'_>) {
        if self.presence.paused_on(Channel::Voice) && self.profile.webrtc.dnd_during_pause {
            self.calls.decline_all(turn);
        }
    }

    fn takes_calls(&self) -> bool {
        self.leaving.is_none() && light::voice_fault(&self.profile).is_none()
    }
}

/// A disposition has to be chosen: the server says so, and there is one to choose.
fn disposition_required(outside: &Outside) -> bool {
    let tree: &[Disposition] = &outside.dispositions;
    outside.settings().disposition_required && !tree.is_empty()
}
