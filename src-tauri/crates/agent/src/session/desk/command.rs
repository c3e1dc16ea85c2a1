use serde_json::Value;
use sidetone_profile::{Channel, Layers, PeerType};

use super::{Desk, disposition_required};
use crate::session::clause::clause;
use crate::session::turn::Turn;
use crate::session::{Outside, light, outgoing, password, recording, settings_page, transfer};
use crate::{CallId, Command, Effect, Notice, Registration};

impl Desk {
    pub(super) fn command(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &mut Outside,
        next_call: CallId,
        command: Command,
    ) {
        match command {
            Command::Pause { reason } => {
                if self.ask(turn, outside, None, true) {
                    turn.act(Effect::Pause { reason });
                }
            }
            Command::Unpause => {
                if self.ask(turn, outside, None, false) {
                    turn.act(Effect::Unpause);
                }
            }
            Command::PauseChannel { channel, reason } => {
                if self.ask(turn, outside, Some(channel), true) {
                    turn.act(Effect::PauseChannel { channel, reason });
                }
            }
            Command::UnpauseChannel { channel } => {
                if self.ask(turn, outside, Some(channel), false) {
                    turn.act(Effect::UnpauseChannel { channel });
                }
            }
            Command::Dial { number } => {
                if self.may_dial(turn) {
                    outgoing::typed(&mut self.calls, turn, next_call, &number);
                }
            }
            Command::Pickup => self.pick_up(turn, outside, next_call),
            Command::StartPreview { preview } => self.start_preview(turn, next_call, preview),
            Command::StartCallback { callback } => self.start_callback(turn, next_call, callback),
            Command::FinishCallback { callback, done } => {
                turn.act(Effect::FinishCallback { callback, done });
            }
            Command::CallAgain { entry } => self.call_again(turn, outside, next_call, entry),
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
            Command::Transfer { call, number } => {
                transfer::to_number(&mut self.calls, turn, call, &number);
            }
            Command::TransferTo { call, other } => {
                transfer::to_call(&mut self.calls, turn, call, other);
            }
            Command::Conference { call, other } => self.calls.join(turn, call, other),
            Command::Record { call, on } => {
                recording::set(&mut self.calls, turn, &self.profile, call, on);
            }
            Command::PauseRecording { call, on } => {
                recording::pause(&mut self.calls, turn, &self.profile, call, on);
            }
            Command::ChangeSetting { field, value } => self.change_setting(turn, field, value),
            Command::ChangePassword { current, new } => {
                let rules = &outside.settings().password_rules;
                if !self.with_password || current.is_none() {
                    turn.toast(Notice::PasswordRefused {
                        fault: "the password that holds is needed, too".to_owned(),
                    });
                } else if let Some(fault) = password::fault(rules, &new) {
                    turn.toast(fault);
                } else {
                    turn.act(Effect::ChangePassword { current, new });
                }
            }
            Command::AcceptInteraction { interaction } => {
                self.interactions.accept(turn, &interaction);
            }
            Command::DeclineInteraction { interaction } => {
                self.interactions.decline(turn, &interaction);
            }
            Command::OpenInteraction { interaction } => self.interactions.open(turn, &interaction),
            Command::MissedSeen => outside.history.seen(turn),
            Command::ClearHistory => outside.history.clear(turn),
            Command::Dispose { path, note } => {
                self.wrap_up
                    .dispose(turn, &outside.dispositions, path, note);
            }
            Command::FinishWrapUp => {
                self.wrap_up.finish(turn, disposition_required(outside));
            }
            // Not about the desk: handled before it.
            Command::SignIn { .. }
            | Command::AskSignInWays { .. }
            | Command::SignInWithBrowser { .. }
            | Command::TakeOver
            | Command::SignOut
            | Command::DismissToast { .. } => {}
        }
    }

    /// Why no call can be placed, whatever the number.
    pub(super) fn dial_refusal(&self) -> Option<Notice> {
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

    /// A preview call may be started: not in a pause, unless the server lets breaks be ignored for that.
    pub(super) fn previews_allowed(&self) -> bool {
        self.profile.webrtc.ignore_break_for_preview || !self.presence.paused_on(Channel::Voice)
    }

    fn may_dial(&self, turn: &mut Turn<'_>) -> bool {
        let refusal = self.dial_refusal();
        let may = refusal.is_none();
        if let Some(refusal) = refusal {
            turn.toast(refusal);
        }
        may
    }

    /// Whether the server can be asked to pause or unpause.
    fn ask(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &Outside,
        channel: Option<Channel>,
        paused: bool,
    ) -> bool {
        let possible = |channel| outside.settings().partial_pause && self.presence.has(channel);
        if channel.is_some_and(|channel| !possible(channel)) {
            turn.toast(Notice::ChannelNotPausable);
            return false;
        }
        if let Some(fault) = &outside.link_fault {
            turn.toast(Notice::PresenceFailed {
                fault: clause(fault),
            });
            return false;
        }
        self.presence.asked_for(turn.now, channel, paused);
        true
    }

    fn pick_up(&mut self, turn: &mut Turn<'_>, outside: &Outside, next_call: CallId) {
        if self.profile.voice.pickup_groups.is_empty() {
            turn.toast(Notice::NoPickup);
        } else if self.may_dial(turn) {
            let code = outside.settings().pickup_code.clone();
            outgoing::typed(&mut self.calls, turn, next_call, &code);
        }
    }

    fn start_preview(&mut self, turn: &mut Turn<'_>, next_call: CallId, preview: String) {
        let Some(party) = self.contacts.preview(&preview, self.masking()) else {
            return;
        };
        if !self.previews_allowed() {
            turn.toast(Notice::NoPreviewInPause);
        } else if self.may_dial(turn) && outgoing::told(&mut self.calls, turn, next_call, party) {
            turn.act(Effect::StartPreview { preview });
        }
    }

    fn start_callback(&mut self, turn: &mut Turn<'_>, next_call: CallId, callback: String) {
        let Some(party) = self.contacts.callback(&callback, self.masking()) else {
            return;
        };
        if self.may_dial(turn) && outgoing::told(&mut self.calls, turn, next_call, party) {
            turn.act(Effect::StartCallback { callback });
        }
    }

    fn call_again(
        &mut self,
        turn: &mut Turn<'_>,
        outside: &Outside,
        next_call: CallId,
        entry: u64,
    ) {
        match outside.history.party(entry, self.masking()) {
            Some(party) => {
                if self.may_dial(turn) {
                    outgoing::told(&mut self.calls, turn, next_call, party);
                }
            }
            None => turn.toast(Notice::CannotCallAgain),
        }
    }

    fn change_setting(&mut self, turn: &mut Turn<'_>, field: String, value: Value) {
        if !settings_page::changeable(&self.profile, &field) {
            turn.toast(Notice::SettingLocked { field });
            return;
        }
        if let Some(fault) = Layers::check(&field, &value).first() {
            turn.toast(Notice::SettingRefused {
                fault: fault.to_string(),
            });
            return;
        }
        self.own_changes.push(field.clone());
        turn.act(Effect::KeepSetting { field, value });
    }
}
