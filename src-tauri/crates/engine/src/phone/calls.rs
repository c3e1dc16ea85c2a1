//! The sound of calls: made, applied, heard, held, ended.

use std::time::Duration;

use sidetone_agent::{CallEnd, CallId, Input, MediaState, RecordingState};
use sidetone_media::{MediaError, Session, SessionEvent};
use sidetone_sip::CallTarget;

use super::{Message, Phone, Prepared};
use crate::api::EngineEvent;
use crate::call::{Sound, wanted_direction};

/// Times that hold is asked for again when another offer was open.
const TRIES: u32 = 4;

impl Phone {
    /// Begins to make the sound of a call, if that has not begun.
    pub(super) fn prepare(&mut self, id: CallId) {
        let local = self.sip.local_ip();
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !matches!(call.sound, Sound::None) {
            return;
        }
        let Some(line) = &self.line else {
            let fault = "there is no SIP account".to_owned();
            call.sound = Sound::Failed;
            return self.handle(Input::Media {
                call: id,
                state: MediaState::Failed(fault),
            });
        };
        call.sound = Sound::Preparing;
        let config = line.media_from(local);
        let offer = call.offer.take();
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let made = match offer {
                Some(offer) => Session::answer(config, &offer).await,
                None => Session::offer(config).await,
            };
            let made = made.map(|(session, sdp, events)| Prepared {
                session,
                sdp,
                events,
            });
            let _ = tell.send(Message::Prepared(id, made));
        });
    }

    /// The sound of a call is ready, or cannot be.
    pub(super) async fn prepared(&mut self, id: CallId, made: Result<Prepared, MediaError>) {
        let Some(call) = self.calls.get_mut(&id) else {
            // The call ended meanwhile.
            if let Ok(made) = made {
                made.session.close();
            }
            return;
        };
        let Prepared {
            session,
            sdp,
            events,
        } = match made {
            Ok(made) => made,
            Err(fault) => {
                tracing::info!(call = id.0, %fault, "no sound for this call");
                call.sound = Sound::Failed;
                return self.handle(Input::Media {
                    call: id,
                    state: MediaState::Failed(fault.to_string()),
                });
            }
        };
        let number = call.number.take();
        let answer = call.answer_when_ready;
        call.sound = Sound::Ready {
            session,
            sdp: sdp.clone(),
        };
        self.forward(id, events);
        if let Some(number) = number {
            match self
                .sip
                .invite(CallTarget::Account(number), sdp, Vec::new())
                .await
            {
                Ok(dialog) => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.dialog = Some(dialog);
                        self.dialogs.insert(dialog, id);
                    }
                }
                Err(fault) => self.over(id, CallEnd::Unreachable(fault.to_string())),
            }
        } else if answer {
            self.answer(id);
        }
    }

    /// Answers with 200 at once, or as soon as the sound is ready.
    pub(super) fn answer(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Sound::Ready { sdp, .. } = &call.sound else {
            call.answer_when_ready = true;
            return self.prepare(id);
        };
        let (Some(dialog), sdp) = (call.dialog, sdp.clone()) else {
            return;
        };
        match self.sip.accept(dialog, sdp) {
            Ok(()) => self.hear(id),
            // The caller has just gone; its event follows.
            Err(fault) => tracing::debug!(call = id.0, %fault, "200 was not sent"),
        }
    }

    /// Applies the far end's answer; a fault goes to the session, which decides.
    pub(super) fn apply_answer(&mut self, id: CallId, sdp: &str) -> bool {
        let Some(session) = self.calls.get(&id).and_then(|c| c.session()) else {
            return false;
        };
        match session.apply_answer(sdp) {
            Ok(()) => true,
            Err(fault) => {
                tracing::info!(call = id.0, %fault, "the far end's answer was not accepted");
                self.handle(Input::Media {
                    call: id,
                    state: MediaState::Failed(fault.to_string()),
                });
                false
            }
        }
    }

    /// Connects microphone and speaker to this call.
    pub(super) fn hear(&mut self, id: CallId) {
        if self.heard.contains(&id) || self.calls.get(&id).and_then(|c| c.session()).is_none() {
            return;
        }
        if !self.conference.contains(&id) {
            self.heard.clear();
        }
        self.heard.retain(|heard| self.conference.contains(heard));
        self.heard.push(id);
        self.attach();
    }

    /// These calls hear each other and the agent as soon as they are heard.
    pub(super) fn join(&mut self, calls: Vec<CallId>) {
        self.conference = calls;
    }

    /// Takes microphone and speaker from this call.
    pub(super) fn unhear(&mut self, id: CallId) {
        if self.heard.contains(&id) {
            self.heard.retain(|heard| *heard != id);
            self.attach();
        }
    }

    /// Connects microphone and speaker to the calls that are heard.
    fn attach(&mut self) {
        let sessions = self.heard.iter();
        let sessions = sessions.filter_map(|id| self.calls.get(id)?.session().cloned());
        self.voice.conference(sessions.collect());
        self.media = None;
    }

    /// Asks the far end to hold or to resume.
    pub(super) fn hold(&mut self, id: CallId, on: bool) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.asked_hold = Some(on);
        call.hold_tries = 0;
        if on {
            // Nothing said from now on may reach the customer, whatever the far end answers.
            self.unhear(id);
        }
        self.reoffer_hold(id);
    }

    /// Asks again, now that the other offer may be settled.
    pub(super) fn hold_again(&mut self, id: CallId) {
        if self.calls.get(&id).is_some_and(|c| c.asked_hold.is_some()) {
            self.reoffer_hold(id);
        }
    }

    fn reoffer_hold(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let (Some(on), Some(dialog), Some(session)) =
            (call.asked_hold, call.dialog, call.session())
        else {
            return self.hold_refused(id);
        };
        let sent = match session.reoffer(wanted_direction(on)) {
            Ok(sdp) => self.sip.reoffer(dialog, sdp).map_err(|fault| {
                session.roll_back();
                fault.to_string()
            }),
            Err(fault) => Err(fault.to_string()),
        };
        if let Err(fault) = sent {
            tracing::info!(call = id.0, fault, "hold could not be asked for now");
            self.hold_later(id);
        }
    }

    /// Another offer is open: wait a little and ask again.
    pub(super) fn hold_later(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.hold_tries += 1;
        if call.hold_tries > TRIES {
            return self.hold_refused(id);
        }
        let wait = Duration::from_millis(rand::random_range(300..1500));
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = tell.send(Message::HoldAgain(id));
        });
    }

    /// The far end agreed to what we offered anew.
    pub(super) fn hold_agreed(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(held) = call.asked_hold.take() else {
            return;
        };
        call.held = held;
        if !held {
            self.hear(id);
        }
        self.handle(Input::HoldConfirmed { call: id, held });
    }

    /// The far end did not agree: everything is as it was.
    pub(super) fn hold_refused(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.asked_hold.take().is_none() {
            return;
        }
        let held = call.held;
        if !held {
            self.hear(id);
        }
        self.handle(Input::HoldConfirmed { call: id, held });
    }

    pub(super) fn dtmf(&mut self, id: CallId, digits: &str, audible: bool) {
        if audible {
            self.voice.dtmf_feedback(digits);
        }
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let in_band = call.session().is_some_and(|s| s.send_dtmf(digits));
        if in_band {
            return;
        }
        let Some(dialog) = call.dialog else { return };
        for digit in digits.chars() {
            let body = format!("Signal={digit}\r\nDuration=160\r\n");
            if let Err(fault) = self
                .sip
                .info(dialog, "application/dtmf-relay", body.into_bytes())
            {
                tracing::info!(call = id.0, %fault, "digits were not sent");
                return;
            }
        }
    }

    pub(super) fn media_event(&mut self, id: CallId, event: SessionEvent) {
        let state = match event {
            SessionEvent::Connected | SessionEvent::Resumed => MediaState::Connected,
            SessionEvent::Interrupted => MediaState::Interrupted,
            SessionEvent::Failed(fault) => MediaState::Failed(fault.to_string()),
            SessionEvent::Dtmf(digit) => {
                return self.announce(EngineEvent::DtmfReceived { call: id, digit });
            }
            SessionEvent::RecordingFailed(fault) => {
                tracing::warn!(call = id.0, %fault, "recording");
                let state = RecordingState::Failed {
                    fault: fault.to_string(),
                };
                return self.handle(Input::Recording { call: id, state });
            }
            SessionEvent::Stats(stats) => {
                return self.measured(id, stats);
            }
        };
        if self.calls.contains_key(&id) {
            self.handle(Input::Media { call: id, state });
        }
    }

    /// A call is over: its sound goes, and the session hears why.
    pub(super) fn over(&mut self, id: CallId, end: CallEnd) {
        self.unhear(id);
        if let Some(call) = self.calls.remove(&id) {
            if let Some(dialog) = call.dialog {
                self.dialogs.remove(&dialog);
            }
            if let Some(session) = call.session() {
                session.close();
            }
        }
        self.handle(Input::Ended { call: id, end });
    }

    fn forward(&self, id: CallId, mut events: tokio::sync::mpsc::UnboundedReceiver<SessionEvent>) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if tell.send(Message::Media(id, event)).is_err() {
                    return;
                }
            }
        });
    }
}
