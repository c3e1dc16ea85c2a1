//! Calls that go elsewhere: forwarded before the answer, transferred after it.

use sidetone_agent::{CallId, Input, TransferState};
use sidetone_sip::{DialogId, SipError};

use super::Phone;
use crate::call::Call;

/// RFC 3261 section 21.4.24.
const BUSY_HERE: u16 = 486;

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
        let asked = match self.dialog_of(id) {
            Some(dialog) => self.sip.refer(dialog, number, None),
            None => Err(SipError::NoSuchDialog),
        };
        self.transfer_asked(id, asked);
    }

    /// Asks the far end to take our place in another call.
    pub(super) fn transfer_to(&mut self, id: CallId, other: CallId) {
        let asked = match (self.dialog_of(id), self.dialog_of(other)) {
            (Some(dialog), Some(target)) => self.sip.refer(dialog, "", Some(target)),
            _ => Err(SipError::NoSuchDialog),
        };
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

    fn dialog_of(&self, id: CallId) -> Option<DialogId> {
        self.calls.get(&id).and_then(|call: &Call| call.dialog)
    }
}
