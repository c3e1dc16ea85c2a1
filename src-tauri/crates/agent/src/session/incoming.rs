use std::time::Duration;

use sidetone_profile::{PeerType, Profile};

use super::call::{AutoAnswerAt, Call};
use super::calls::Calls;
use super::party::Party;
use super::turn::Turn;
use crate::{AnswerWish, CallDirection, Effect, IncomingCall, Notice, QueueMembership, TimerId};

/// 480: nobody here takes calls now (RFC 3261 section 21.4.18).
pub(super) const UNAVAILABLE: u16 = 480;
/// 486: this phone is busy (RFC 3261 section 21.4.24). A decline says the same: 603 would end the ringing of
/// every other agent behind a forking proxy.
pub(super) const BUSY: u16 = 486;
/// 488: no sound can be made of what the caller offers (RFC 3261 section 21.4.26).
pub(super) const NOT_ACCEPTABLE: u16 = 488;
/// 403: refused for good (RFC 3261 section 21.4.4).
const FORBIDDEN: u16 = 403;

/// A queue with this strategy rings every agent at once: a phone that answered by itself would win every call.
const BEEPALL: &str = "beepall";

/// What counts when a call comes in.
pub(super) struct House<'a> {
    pub(super) profile: &'a Profile,
    pub(super) queues: &'a [QueueMembership],
    /// Paused for calls.
    pub(super) paused: bool,
    /// The time after a queue call.
    pub(super) wrapping_up: bool,
    /// Until a call that nobody answers is forwarded.
    pub(super) no_answer_after: Duration,
}

/// Whether a queue rings everybody, by its own word or by that of the list of queues.
pub(super) fn rings_everybody(
    queues: &[QueueMembership],
    queue: Option<&str>,
    strategy: Option<&str>,
) -> bool {
    let listed = queues
        .iter()
        .find(|known| queue.is_some_and(|name| known.name.eq_ignore_ascii_case(name)))
        .and_then(|known| known.strategy.as_deref());
    [strategy, listed]
        .into_iter()
        .flatten()
        .any(|strategy| strategy.eq_ignore_ascii_case(BEEPALL))
}

/// Decides what becomes of a call that wants in; gives it back when a caller who asked for this agent was refused
/// because of another call.
pub(super) fn arrived(
    calls: &mut Calls,
    turn: &mut Turn<'_>,
    house: &House<'_>,
    incoming: IncomingCall,
) -> Option<Call> {
    let profile = house.profile;
    if calls.get(incoming.call).is_some() {
        return None;
    }
    let id = incoming.call;
    let engaged = calls.engaged();
    let from_queue = incoming.queue.is_some();
    let wrapping_up = house.wrapping_up && from_queue;
    let undisturbed = house.paused && profile.webrtc.dnd_during_pause;
    let forwarding = &profile.voice.forwarding;
    if profile.voice.peer_type == PeerType::User {
        turn.toast(Notice::MayNotBeCalled);
        refuse(turn, &incoming, FORBIDDEN);
        return None;
    }
    if let Some(number) = &forwarding.always {
        forward(turn, &incoming, number, !undisturbed);
        return None;
    }
    if undisturbed {
        refuse(turn, &incoming, BUSY);
        return None;
    }
    if wrapping_up || engaged && !profile.webrtc.ring_in_use {
        match &forwarding.busy {
            Some(number) => forward(turn, &incoming, number, true),
            None => {
                refuse(turn, &incoming, BUSY);
                if wrapping_up {
                    turn.toast(Notice::WrappingUp);
                } else if !from_queue {
                    let mut call = call_of(turn, profile, incoming);
                    call.end = Some(Notice::CallMissed);
                    call.ended = Some(turn.now);
                    return Some(call);
                }
            }
        }
        return None;
    }

    let beepall = rings_everybody(house.queues, incoming.queue.as_deref(), None);
    let auto_answer = profile.webrtc.auto_answer;
    let wish = incoming.answer;
    // A second call is never answered by itself, not even when the first one is over by then.
    let by_itself = auto_answer.enabled && !engaged && !beepall && wish != AnswerWish::ByHand;
    let asked = match wish {
        AnswerWish::ByItself { required: true, .. } if !by_itself => {
            refuse(turn, &incoming, FORBIDDEN);
            return None;
        }
        AnswerWish::ByItself { after, .. } => after,
        AnswerWish::Any | AnswerWish::ByHand => None,
    };
    let total = asked.unwrap_or_else(|| Duration::from_secs(u64::from(auto_answer.delay_s)));
    let mut call = call_of(turn, profile, incoming);
    calls.silence_failure(turn);
    if by_itself && total.is_zero() {
        calls.add(call);
        calls.answer(turn, id);
        return None;
    }
    turn.act(Effect::Ringing { call: id });
    if by_itself {
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
    if forwarding.no_answer.is_some() {
        call.forwards = true;
        turn.act(Effect::StartTimer {
            timer: TimerId::NoAnswer(id),
            at: turn.now + house.no_answer_after,
        });
    }
    calls.add(call);
    None
}

/// The server's name of a call stands in this variable.
const INTERACTION_ID: &str = "Interaction-Id";

/// The call, with everything in it masked that must be.
fn call_of(turn: &Turn<'_>, profile: &Profile, incoming: IncomingCall) -> Call {
    let masking = profile.security.masking;
    let party = Party::told(masking, incoming.caller_name, incoming.caller_number);
    let mut call = Call::new(incoming.call, CallDirection::Incoming, party, turn.now);
    call.reference = incoming
        .variables
        .iter()
        .find(|(key, value)| key.eq_ignore_ascii_case(INTERACTION_ID) && !value.is_empty())
        .map_or(incoming.reference, |(_, value)| value.clone());
    call.queue = incoming.queue;
    call.variables = incoming.variables;
    call.mask(masking);
    call
}

fn refuse(turn: &mut Turn<'_>, incoming: &IncomingCall, status: u16) {
    turn.act(Effect::Reject {
        call: incoming.call,
        status,
    });
}

fn forward(turn: &mut Turn<'_>, incoming: &IncomingCall, number: &str, tell: bool) {
    turn.act(Effect::Forward {
        call: incoming.call,
        number: number.to_owned(),
    });
    if tell {
        turn.toast(Notice::CallForwarded {
            number: number.to_owned(),
        });
    }
}
