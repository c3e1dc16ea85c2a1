use std::time::Duration;

use sidetone_profile::{PeerType, Profile};

use super::call::{AutoAnswerAt, Call};
use super::calls::Calls;
use super::turn::Turn;
use crate::{CallDirection, Effect, IncomingCall, Notice, TimerId};

/// 480: nobody here takes calls now (RFC 3261 section 21.4.18).
pub(super) const UNAVAILABLE: u16 = 480;
/// 486: this phone is busy (RFC 3261 section 21.4.24). A decline says the same: 603 would end the ringing of
/// every other agent behind a forking proxy.
pub(super) const BUSY: u16 = 486;
/// 488: no sound can be made of what the caller offers (RFC 3261 section 21.4.26).
pub(super) const NOT_ACCEPTABLE: u16 = 488;
/// 403: refused for good (RFC 3261 section 21.4.4).
const FORBIDDEN: u16 = 403;

/// Decides what becomes of a call that wants in.
pub(super) fn arrived(
    calls: &mut Calls,
    turn: &mut Turn<'_>,
    profile: &Profile,
    paused: bool,
    incoming: IncomingCall,
) {
    if calls.get(incoming.call).is_some() {
        return;
    }
    let engaged = calls.engaged();
    let refusal = if profile.voice.peer_type == PeerType::User {
        turn.toast(Notice::MayNotBeCalled);
        Some(FORBIDDEN)
    } else if paused && profile.webrtc.dnd_during_pause || engaged && !profile.webrtc.ring_in_use {
        Some(BUSY)
    } else {
        None
    };
    if let Some(status) = refusal {
        turn.act(Effect::Reject {
            call: incoming.call,
            status,
        });
        return;
    }
    let id = incoming.call;
    let mut call = Call::new(id, CallDirection::Incoming, turn.now);
    call.name = incoming.caller_name;
    call.number = incoming.caller_number;
    call.queue = incoming.queue;
    let auto_answer = profile.webrtc.auto_answer;
    // A second call is never answered by itself, not even when the first one is over by then.
    let by_itself = auto_answer.enabled && !engaged;
    calls.silence_failure(turn);
    if by_itself && auto_answer.delay_s == 0 {
        calls.add(call);
        calls.answer(turn, id);
        return;
    }
    turn.act(Effect::Ringing { call: id });
    if by_itself {
        let total = Duration::from_secs(u64::from(auto_answer.delay_s));
        let at = turn.now + total;
        call.auto_answer = Some(AutoAnswerAt {
            at,
            total,
            notify: profile.webrtc.auto_answer_notification,
        });
        turn.act(Effect::StartTimer {
            timer: TimerId::AutoAnswer(id),
            at,
        });
    }
    calls.add(call);
}
