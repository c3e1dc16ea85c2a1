use sidetone_agent::{CallEnd, CallId, Effect, Input, Registration, Tone};
use sidetone_media::ToneKind;
use sidetone_profile::Profile;

use super::Phone;
use crate::account::Line;
use crate::api::EngineEvent;
use crate::call::{Call, Sound};
use crate::standalone::Wish;

/// RFC 3261 section 21.4.26.
const NOT_ACCEPTABLE_HERE: u16 = 488;

impl Phone {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::SignIn {
                server,
                name,
                password,
                code,
            } => self.server.sign_in(server, name, password, code),
            Effect::AskSignInWays { server } => self.server.ask_sign_in_ways(server),
            Effect::SignInWithBrowser { server } => self.server.sign_in_with_browser(&server),
            Effect::ChangePassword { current, new } => self.server.change_password(current, new),
            Effect::TakeOver => self.server.take_over(),
            Effect::SignOut => self.sign_out(),
            Effect::Register(profile) => self.register(&profile),
            Effect::Unregister => {
                self.line = None;
                self.sip.set_account(None);
            }
            Effect::Pause { reason } if self.standing.is_some() => {
                self.wish(Wish::Pause { reason });
            }
            Effect::Unpause if self.standing.is_some() => self.wish(Wish::Unpause),
            Effect::Pause { reason } => self.server.pause(None, reason),
            Effect::Unpause => self.server.unpause(None),
            Effect::PauseChannel { channel, reason } => self.server.pause(Some(channel), reason),
            Effect::UnpauseChannel { channel } => self.server.unpause(Some(channel)),
            Effect::Dial { call, number } => self.dial(call, number),
            Effect::Ringing { call } => self.ring(call),
            Effect::Answer { call } => self.answer(call),
            Effect::Reject { call, status } => self.reject(call, status),
            Effect::Forward { call, number } => self.forward_call(call, &number),
            Effect::Transfer { call, number } => self.transfer(call, &number),
            Effect::TransferTo { call, other } => self.transfer_to(call, other),
            Effect::Record {
                call,
                format,
                label,
            } => self.record(call, format, &label),
            Effect::PauseRecording { call, on } => self.pause_recording(call, on),
            Effect::StopRecording { call } => self.stop_recording(call),
            Effect::HangUp { call } => self.hang_up(call),
            Effect::Hold { call, on } => self.hold(call, on),
            Effect::Conference { calls } => self.join(calls),
            Effect::Mute { on } => self.voice.mute(on),
            Effect::Dtmf {
                call,
                digits,
                audible,
            } => self.dtmf(call, &digits, audible),
            Effect::Tone(tone) => {
                self.devices.test_tone = false;
                self.voice.tone(tone.map(tone_kind));
            }
            Effect::ShowRinging { call, notify } => {
                self.announce(EngineEvent::ShowRinging { call, notify });
            }
            Effect::HideRinging { call } => self.announce(EngineEvent::HideRinging { call }),
            Effect::ShowOffer { interaction } => {
                self.announce(EngineEvent::ShowOffer { interaction });
            }
            Effect::HideOffer { interaction } => {
                self.announce(EngineEvent::HideOffer { interaction });
            }
            Effect::AcceptInteraction { interaction } => {
                self.server.accept_interaction(interaction);
            }
            Effect::DeclineInteraction { interaction } => {
                self.server.decline_interaction(interaction);
            }
            Effect::StartPreview { preview } => self.server.start_preview(preview),
            Effect::StartCallback { callback } => self.server.start_callback(callback),
            Effect::FinishCallback { callback, done } => {
                self.server.finish_callback(callback, done);
            }
            Effect::Dispose {
                reference,
                path,
                note,
            } => self.server.dispose(reference, path, note),
            Effect::OpenPage { address } => self.open_page(&address),
            Effect::ScreenPop(target) => self.screen_pop(target),
            Effect::KeepSetting { field, value } => self.keep_setting(field, value),
            Effect::Remember(entry) => self.history.remember(&entry),
            Effect::MissedSeen => self.history.missed_seen(),
            Effect::ClearHistory => self.history.clear(),
            Effect::StartTimer { timer, at } => self.timers.start(timer, at),
            Effect::StopTimer(timer) => self.timers.stop(timer),
        }
    }

    pub(super) fn announce(&self, event: EngineEvent) {
        // Nobody may be listening: the phone does not need a window.
        let _ = self.events.send(event);
    }

    fn sign_out(&mut self) {
        self.leaving = self.server.sign_out();
        self.forget_picture();
        self.sip_account = Err("nobody is signed in".to_owned());
        // A session that the server ended is no reason to forget the password: only the agent's sign-out is.
        self.signed_in_as = None;
    }

    /// Takes the password of who is signed in out of the keychain.
    pub(super) fn forget_password(&mut self) {
        if let Some(account) = self.signed_in_as.take() {
            self.server.forget(&account);
            let secrets = self.secrets.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(fault) = secrets.forget(&account) {
                    tracing::info!(fault, "the keychain kept nothing that could be forgotten");
                }
            });
        }
    }

    fn register(&mut self, profile: &Profile) {
        let line = match &self.sip_account {
            Ok(account) => Line::of(profile, account),
            Err(fault) => Err(fault.clone()),
        };
        match line {
            Ok(mut line) => {
                line.media.tls = Some(self.server.tls());
                self.sip.set_account(Some(line.account.clone()));
                self.line = Some(line);
            }
            Err(fault) => {
                self.line = None;
                self.sip.set_account(None);
                self.handle(Input::Registration(Registration::Misconfigured(fault)));
            }
        }
    }

    fn dial(&mut self, call: CallId, number: String) {
        self.conceal_number(&number);
        self.calls.insert(call, Call::outgoing(Some(number)));
        self.prepare(call);
    }

    fn ring(&mut self, call: CallId) {
        if let Some(dialog) = self.calls.get(&call).and_then(|c| c.dialog) {
            // A caller who is gone announces it by its own event.
            if let Err(fault) = self.sip.ringing(dialog, None) {
                tracing::debug!(%fault, "180 was not sent");
            }
        }
        self.prepare(call);
    }

    pub(super) fn reject(&mut self, call: CallId, status: u16) {
        let Some(dialog) = self.calls.get(&call).and_then(|c| c.dialog) else {
            return self.over(call, CallEnd::Local);
        };
        if self.sip.reject(dialog, status).is_err() {
            self.over(call, CallEnd::Local);
        }
    }

    pub(super) fn hang_up(&mut self, call: CallId) {
        self.unhear(call);
        let Some(known) = self.calls.get(&call) else {
            return self.over(call, CallEnd::Local);
        };
        let Some(dialog) = known.dialog else {
            return self.over(call, CallEnd::Local);
        };
        // A caller whose offer cannot be met is told so, and may offer something else.
        let ended = if matches!(known.sound, Sound::Failed) {
            self.sip.reject(dialog, NOT_ACCEPTABLE_HERE)
        } else {
            self.sip.hang_up(dialog, None)
        };
        if ended.is_err() {
            self.over(call, CallEnd::Local);
        }
    }
}

fn tone_kind(tone: Tone) -> ToneKind {
    match tone {
        Tone::Ring => ToneKind::Ring,
        Tone::CallWaiting => ToneKind::CallWaiting,
        Tone::Ringback => ToneKind::Ringback,
        Tone::Busy => ToneKind::Busy,
        Tone::Congestion => ToneKind::Congestion,
    }
}
