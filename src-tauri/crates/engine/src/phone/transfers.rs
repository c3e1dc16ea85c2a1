//! Calls that go elsewhere: forwarded before the answer, transferred after it.

use std::time::Duration;

use sidetone_agent::{CallId, Input, TransferState};
use sidetone_sip::{DialogId, SipError};

use super::{Message, Phone};
use crate::call::{Call, ReferTo, Referred};

/// RFC 3261 section 21.4.24.
const BUSY_HERE: u16 = 486;
/// RFC 3261 section 21.4.1.
const BAD_REQUEST: u16 = 400;
/// Pause before a transfer is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

impl Phone {
    /// Sends the caller elsewhere with 302.
    pub(super) fn forward_call(&mut self, id: CallId, number: &str) {
        let Some(dialog) = self.dialog_of(id) else {
            return self.reject(id, BUSY_HERE);
        };
        if let Err(fault) = self.sip.redirect(dialog, number) {
            tracing::info!(call = id.0, %fault, "the call was not forwarded");
            self.reject(id, BUSY_HERE);
        }
    }

    /// Asks the far end to call a number instead of us.
    pub(super) fn transfer(&mut self, id: CallId, number: &str) {
        self.conceal_number(number);
        self.refer(id, ReferTo::Number(number.to_owned()), false);
    }

    /// Asks the far end to take our place in another call.
    pub(super) fn transfer_to(&mut self, id: CallId, other: CallId) {
        self.refer(id, ReferTo::Call(other), false);
    }

    /// Asks once more for what was refused as malformed: Asterisk does that in the moment after its answer.
    pub(super) fn refer_again(&mut self, id: CallId) {
        let asked = self.calls.get(&id).and_then(|call| call.referred.clone());
        if let Some(asked) = asked {
            self.refer(id, asked.to, true);
        }
    }

    fn refer(&mut self, id: CallId, to: ReferTo, again: bool) {
        let asked = match (&to, self.dialog_of(id)) {
            (ReferTo::Number(number), Some(dialog)) => self.sip.refer(dialog, number, None),
            (ReferTo::Call(other), Some(dialog)) => match self.dialog_of(*other) {
                Some(target) => self.sip.refer(dialog, "", Some(target)),
                None => Err(SipError::NoSuchDialog),
            },
            (_, None) => Err(SipError::NoSuchDialog),
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.referred = Some(Referred { to, again });
        }
        self.transfer_asked(id, asked);
    }

    fn transfer_asked(&mut self, call: CallId, asked: Result<(), SipError>) {
        let state = match asked {
            Ok(()) => TransferState::Asked,
            Err(fault) => {
                tracing::info!(call = call.0, %fault, "the transfer could not be asked for");
                TransferState::Failed {
                    status: 0,
                    reason: fault.to_string(),
                }
            }
        };
        self.handle(Input::Transfer { call, state });
    }

    pub(super) fn refer_progress(
        &mut self,
        dialog: DialogId,
        status: u16,
        reason: String,
        done: bool,
    ) {
        let Some(id) = self.call_of(dialog) else {
            return;
        };
        if status == BAD_REQUEST && self.refer_later(id) {
            return;
        }
        let state = match status {
            200..=299 => TransferState::Done,
            // The far end took it on and says no more: it is its call now.
            100..=199 if done => TransferState::Done,
            180..=199 => TransferState::Ringing,
            100..=179 => TransferState::Asked,
            _ => TransferState::Failed { status, reason },
        };
        let leave = done && status < 200;
        self.handle(Input::Transfer { call: id, state });
        if leave {
            self.hang_up(id);
        }
    }

    /// Asks again in a while, the first time.
    fn refer_later(&mut self, id: CallId) -> bool {
        let call = self.calls.get_mut(&id);
        let Some(referred) = call.and_then(|call| call.referred.as_mut()) else {
            return false;
        };
        if std::mem::replace(&mut referred.again, true) {
            return false;
        }
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            let _ = tell.send(Message::ReferAgain(id));
        });
        true
    }

    fn dialog_of(&self, id: CallId) -> Option<DialogId> {
        self.calls.get(&id).and_then(|call: &Call| call.dialog)
    }
}
