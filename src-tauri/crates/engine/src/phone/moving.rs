//! Calls whose sound moves to another network.

use std::time::Duration;

use sidetone_agent::CallId;
use sidetone_media::{KeyingPlan, MediaError};

use super::{Message, Phone};
use crate::call::{Moving, wanted_direction};

/// Pause between two tries: the registrar has to be reached again first.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries before the call is left to what its old path still carries.
const TRIES: u32 = 30;

impl Phone {
    /// The addresses of this computer are others than before.
    pub(super) fn addresses_changed(&mut self) {
        let can_move = |line: &crate::account::Line| line.media.plan == KeyingPlan::Webrtc;
        if !self.line.as_ref().is_some_and(can_move) {
            // Plain sound finds its way by the packets themselves.
            return;
        }
        let calls = self.calls.iter();
        let standing = calls.filter(|(_, call)| call.dialog.is_some() && call.session().is_some());
        for id in standing.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(call) = self.calls.get_mut(&id) {
                call.moving = Moving::Wanted(0);
            }
            self.move_sound(id);
        }
    }

    /// Looks for the ways of now, to offer them to the far end.
    pub(super) fn move_sound(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let (Moving::Wanted(_), Some(session)) = (call.moving, call.session().cloned()) else {
            return;
        };
        let direction = wanted_direction(call.asked_hold.unwrap_or(call.held));
        let tell = self.tell.clone();
        tokio::spawn(async move {
            let offer = session.restart(direction).await;
            let _ = tell.send(Message::Moved(id, offer));
        });
    }

    /// The ways of now were found, or there are none.
    pub(super) fn offer_moved(&mut self, id: CallId, offer: Result<String, MediaError>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let sent = match (offer, call.dialog) {
            (Ok(sdp), Some(dialog)) => {
                let sent = self
                    .sip
                    .reoffer(dialog, sdp)
                    .map_err(|fault| fault.to_string());
                if sent.is_err()
                    && let Some(session) = call.session()
                {
                    session.roll_back();
                }
                sent
            }
            (Ok(_), None) => Err("the call has no dialog yet".to_owned()),
            (Err(fault), _) => Err(fault.to_string()),
        };
        if let Moving::Wanted(tries) = call.moving {
            call.moving = Moving::Asked(tries);
        }
        match sent {
            Ok(()) => tracing::info!(call = id.0, "moving to the network of now"),
            Err(fault) => {
                tracing::info!(call = id.0, fault, "the call could not be moved now");
                self.move_later(id);
            }
        }
    }

    /// The far end agreed; `false` when it was asked for something else.
    pub(super) fn moved(&mut self, id: CallId) -> bool {
        let call = self.calls.get_mut(&id);
        let Some(call) = call.filter(|call| matches!(call.moving, Moving::Asked(_))) else {
            return false;
        };
        call.moving = Moving::No;
        true
    }

    /// It was not agreed to: once more in a while. `false` when the far end was asked for something else.
    pub(super) fn move_later(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let Moving::Asked(tries) = call.moving else {
            return false;
        };
        call.moving = Moving::No;
        if tries >= TRIES {
            return true;
        }
        call.moving = Moving::Wanted(tries + 1);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            let _ = tell.send(Message::MoveAgain(id));
        });
        true
    }
}
