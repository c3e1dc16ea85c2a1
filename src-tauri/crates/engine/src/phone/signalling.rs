//! What `sip` reports, told to the session.

use sidetone_agent::{CallId, CallProgress, Input, Registration};
use sidetone_sip::{DialogId, Event, IncomingInvite};

use super::Phone;
use crate::api::EngineEvent;
use crate::call::{self, Call};

impl Phone {
    pub(super) fn sip_event(&mut self, event: Event) {
        if self.silent_event(&event) {
            return;
        }
        match event {
            Event::Registration(state) => {
                let state = call::registration(state);
                let registered = state == Registration::Registered;
                self.handle(Input::Registration(state));
                if registered {
                    self.log_in_by_code();
                }
            }
            Event::Incoming(invite) => self.incoming(&invite),
            Event::Provisional {
                dialog,
                status,
                sdp,
            } => self.provisional(dialog, status, sdp.as_deref()),
            Event::Answered { dialog, sdp } => self.answered(dialog, sdp.as_deref()),
            Event::Confirmed { dialog } => {
                if let Some(id) = self.call_of(dialog) {
                    self.handle(Input::Answered { call: id });
                }
            }
            Event::Reoffer { dialog, sdp } => self.reoffered(dialog, sdp.as_deref()),
            Event::ReofferAnswered { dialog, sdp } => self.reoffer_answered(dialog, &sdp),
            // 491 does not come this far: `sip` repeats a colliding offer by itself.
            Event::ReofferRefused { dialog, status } => self.reoffer_refused(dialog, status),
            Event::ReofferOvertaken { dialog } => {
                if let Some(id) = self.call_of(dialog) {
                    self.roll_back(id);
                    if !self.move_later(id) && self.asked_to_hold(id) {
                        self.hold_later(id);
                    }
                }
            }
            Event::Info {
                dialog,
                content_type,
                body,
            } => self.info(dialog, &content_type, &body),
            Event::Ended { dialog, end } => {
                if let Some(id) = self.call_of(dialog) {
                    self.over(id, call::end(end));
                }
            }
            Event::ReferProgress {
                dialog,
                status,
                reason,
                done,
            } => self.refer_progress(dialog, status, reason, done),
            // Nobody else decides whom this phone calls.
            Event::Referred(request) => {
                if let Err(fault) = self.sip.answer_refer(request.dialog, None) {
                    tracing::debug!(%fault, "REFER was not refused");
                }
            }
            // Nothing is subscribed to yet; a registrar may tell of waiting messages unasked.
            Event::MessagesWaiting { .. }
            | Event::LineState { .. }
            | Event::SubscriptionRefused { .. } => {}
            // Only the server role hears these.
            Event::Registered(_) | Event::FlowClosed(_) | Event::Redirected { .. } => {}
        }
    }

    pub(super) fn call_of(&self, dialog: DialogId) -> Option<CallId> {
        self.dialogs.get(&dialog).copied()
    }

    fn incoming(&mut self, invite: &IncomingInvite) {
        let id = self.agent.new_call();
        self.calls
            .insert(id, Call::incoming(invite.dialog, invite.sdp.clone()));
        self.dialogs.insert(invite.dialog, id);
        let incoming = call::incoming(id, invite);
        self.conceal_caller(&incoming);
        self.handle(Input::Incoming(incoming));
    }

    fn provisional(&mut self, dialog: DialogId, status: u16, sdp: Option<&str>) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        if let Some(sdp) = sdp {
            if self.apply_answer(id, sdp) {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.early_media = true;
                }
                self.hear(id);
                self.handle(Input::Progress {
                    call: id,
                    progress: CallProgress::EarlyMedia,
                });
            }
        } else if status == 180 && self.calls.get(&id).is_some_and(|c| !c.early_media) {
            self.handle(Input::Progress {
                call: id,
                progress: CallProgress::Ringing,
            });
        }
    }

    fn answered(&mut self, dialog: DialogId, sdp: Option<&str>) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        if let Some(sdp) = sdp
            && !self.apply_answer(id, sdp)
        {
            return;
        }
        self.hear(id);
        self.handle(Input::Answered { call: id });
    }

    fn reoffered(&mut self, dialog: DialogId, offer: Option<&str>) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let hold = call.asked_hold.unwrap_or(call.held);
        let answer = call.session().and_then(|session| {
            let made = match offer {
                Some(offer) => session.answer_reoffer(offer, hold),
                // The far end asks for our offer; its answer comes with the ACK.
                None => session.reoffer(call::wanted_direction(hold)),
            };
            made.inspect_err(
                |fault| tracing::info!(call = id.0, %fault, "a new offer was not accepted"),
            )
            .ok()
        });
        let accepted = answer.is_some();
        if let Err(fault) = self.sip.answer_reoffer(dialog, answer) {
            tracing::info!(call = id.0, %fault, "a new offer could not be answered");
        }
        if accepted && offer.is_some() {
            self.tell_remote_hold(id);
        }
    }

    fn reoffer_answered(&mut self, dialog: DialogId, sdp: &str) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        if !self.apply_answer(id, sdp) {
            return;
        }
        if !self.moved(id) {
            self.hold_agreed(id);
        }
        if self.calls.get(&id).is_some_and(|c| !c.held) {
            self.tell_remote_hold(id);
        }
    }

    /// What was offered last is not agreed to.
    fn roll_back(&self, id: CallId) {
        if let Some(session) = self.calls.get(&id).and_then(Call::session) {
            session.roll_back();
        }
    }

    fn asked_to_hold(&self, id: CallId) -> bool {
        self.calls.get(&id).is_some_and(|c| c.asked_hold.is_some())
    }

    fn reoffer_refused(&mut self, dialog: DialogId, status: u16) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        self.roll_back(id);
        tracing::info!(call = id.0, status, "the far end refused a new offer");
        if !self.move_later(id) {
            self.hold_refused(id);
        }
    }

    /// Only asked when the far end chose the direction: an answer of `inactive` to our hold is no hold of theirs.
    fn tell_remote_hold(&mut self, id: CallId) {
        let Some(session) = self.calls.get(&id).and_then(Call::session) else {
            return;
        };
        let held = call::is_remote_hold(session.direction());
        self.handle(Input::RemoteHold { call: id, held });
    }

    fn info(&self, dialog: DialogId, content_type: &str, body: &[u8]) {
        let is_digit = content_type
            .to_ascii_lowercase()
            .starts_with("application/dtmf");
        if let (true, Some(call)) = (is_digit, self.call_of(dialog))
            && let Some(digit) = call::relayed_digit(body)
        {
            self.announce(EngineEvent::DtmfReceived { call, digit });
        }
    }
}
