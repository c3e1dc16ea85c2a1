//! What an agent's phone can call.

use std::sync::Arc;
use std::time::Duration;

use sidetone_media::{BLOCK, Block};
use sidetone_sip::{DialogEnd, Event, IncomingInvite};
use tokio::time::{Instant, timeout_at};

use super::leg::{About, Ending, Leg, LegEvent, Occupation, Occupied, Speech, Tone};
use super::transfer::{self, Route};
use super::{Mail, SmallPbx, queue, voice_of};
use crate::calls::{CallId, CallKind, CallState};
use crate::sound;
use crate::store::Agent;

/// How long an agent's phone rings for another agent.
const RING_LIMIT: Duration = Duration::from_secs(60);
const EARLY_MEDIA: Duration = Duration::from_secs(2);
/// How long a made-up customer's phone rings.
const RINGING: Duration = Duration::from_secs(2);

const BUSY_HERE: u16 = 486;
const TEMPORARILY_UNAVAILABLE: u16 = 480;
const NOT_ACCEPTABLE_HERE: u16 = 488;
const NOT_FOUND: u16 = 404;
pub(super) const TOO_MANY_HOPS: u16 = 483;
const FORBIDDEN: u16 = 403;

/// Serves one call of an agent.
pub(super) async fn serve(pbx: Arc<SmallPbx>, invite: IncomingInvite) {
    let caller = invite
        .authenticated_user
        .as_deref()
        .and_then(|user| pbx.centre.agent_at(user));
    let Some(caller) = caller else {
        return reject(&pbx, &invite, FORBIDDEN);
    };
    let dialled = invite.request_user.clone();
    let queue = pbx
        .centre
        .store()
        .queues()
        .unwrap_or_default()
        .into_iter()
        .find(|queue| queue.extension == dialled);
    let callee = pbx.centre.agent_at(&dialled);
    let (kind, queue_name) = match (&queue, &callee) {
        (Some(queue), _) => (CallKind::Service, Some(queue.name.as_str())),
        (None, Some(_)) => (CallKind::Internal, None),
        (None, None) => (CallKind::Service, None),
    };
    let id = pbx.centre.calls.begin(
        kind,
        caller.text("fullname"),
        caller.extension(),
        &dialled,
        queue_name,
    );
    if let Some(queue) = queue {
        return queue::agent_calls(&pbx, &invite, id, &caller, &queue).await;
    }
    if let Some(callee) = callee {
        return internal(&pbx, &invite, id, &caller, &callee).await;
    }
    let code = pbx.centre.settings().map(|settings| settings.pickup_code);
    if code.is_ok_and(|code| code == dialled) {
        return pick_up(&pbx, &invite, id, &caller).await;
    }
    match dialled.as_str() {
        "608" => {
            reject(&pbx, &invite, BUSY_HERE);
            pbx.centre.calls.end(id, "busy", "system", Vec::new());
        }
        "609" => never(&pbx, &invite, id, &caller).await,
        number if is_service(number) => answering(&pbx, &invite, id, &caller, number).await,
        _ => {
            reject(&pbx, &invite, NOT_FOUND);
            pbx.centre
                .calls
                .end(id, "unknown_number", "system", Vec::new());
        }
    }
}

/// Whether the system answers this number itself.
pub(super) fn is_service(number: &str) -> bool {
    matches!(number, "600" | "601" | "603" | "611") || is_outside(number)
}

fn is_outside(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn reject(pbx: &SmallPbx, invite: &IncomingInvite, status: u16) {
    if let Err(error) = pbx.endpoint.reject(invite.dialog, status) {
        tracing::debug!(%error, "caller is gone");
    }
}

/// Makes the leg and its answer; refuses the call when there is no sound in common.
pub(super) async fn leg(
    pbx: &Arc<SmallPbx>,
    invite: &IncomingInvite,
    id: CallId,
    caller: &Agent,
) -> Option<(Leg, String)> {
    match Leg::answering(pbx, invite, caller, id).await {
        Ok(made) => Some(made),
        Err(error) => {
            tracing::warn!(%error, "a call was refused");
            reject(pbx, invite, NOT_ACCEPTABLE_HERE);
            pbx.centre
                .calls
                .end(id, "no_sound_in_common", "system", Vec::new());
            None
        }
    }
}

/// Answers; `false`: the caller is gone.
pub(super) fn answer(pbx: &SmallPbx, leg: &Leg, id: CallId, sdp: String) -> bool {
    if pbx.endpoint.accept(leg.dialog, sdp).is_err() {
        pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
        return false;
    }
    pbx.centre.calls.change(id, |call| {
        call.state = CallState::Talking;
        call.answered = Some(crate::clock::now());
    });
    true
}

pub(super) fn by(ending: Ending) -> &'static str {
    match ending {
        Ending::HungUp | Ending::Transferred => "agent",
        Ending::Time | Ending::Digit => "system",
    }
}

/// Answers, after early media or some ringing where the number has it, and does what the number does.
async fn answering(
    pbx: &Arc<SmallPbx>,
    invite: &IncomingInvite,
    id: CallId,
    caller: &Agent,
    number: &str,
) {
    let Some((mut leg, sdp)) = leg(pbx, invite, id, caller).await else {
        return;
    };
    let mut announcement = Tone::new(620.0, 0.1);
    let ending = if number == "611" {
        let _ = pbx.endpoint.ringing(leg.dialog, Some(sdp.clone()));
        leg.run(
            Some(EARLY_MEDIA),
            |_| false,
            |_, _, say| announcement.fill(say),
        )
        .await
    } else if is_outside(number) {
        let _ = pbx.endpoint.ringing(leg.dialog, None);
        leg.run(Some(RINGING), |_| false, |_, _, say| say.fill(0.0))
            .await
    } else {
        Ending::Time
    };
    if ending != Ending::Time {
        return pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
    }
    if answer(pbx, &leg, id, sdp) {
        attend(pbx, leg, number).await;
    }
}

/// Does in an answered call what a number does.
pub(super) async fn attend(pbx: &Arc<SmallPbx>, leg: Leg, number: &str) {
    match number {
        "601" => tone(pbx, leg).await,
        "603" => record(pbx, leg).await,
        number if is_outside(number) => outside(pbx, leg, number).await,
        _ => echo(pbx, leg).await,
    }
}

/// Hears everything and says it again.
async fn echo(pbx: &Arc<SmallPbx>, mut leg: Leg) {
    let id = leg.call;
    let mut heard = Vec::new();
    let ending = leg
        .run(
            None,
            |digit| note_digit(pbx, id, digit),
            |block, connected, say| {
                record_block(&mut heard, block, connected);
                *say = *block;
            },
        )
        .await;
    pbx.centre.calls.end(id, "answered", by(ending), heard);
}

async fn tone(pbx: &Arc<SmallPbx>, mut leg: Leg) {
    let id = leg.call;
    let mut tone = Tone::new(440.0, 0.1);
    let ending = leg
        .run(
            None,
            |digit| note_digit(pbx, id, digit),
            |_, _, say| tone.fill(say),
        )
        .await;
    pbx.centre.calls.end(id, "answered", by(ending), Vec::new());
}

/// Records until `#` or the limit, plays it back and hangs up.
async fn record(pbx: &Arc<SmallPbx>, mut leg: Leg) {
    let id = leg.call;
    let mut heard = Vec::new();
    let ending = leg
        .run(
            Some(pbx.config.record),
            |digit| {
                note_digit(pbx, id, digit);
                digit == '#'
            },
            |block, connected, say| {
                record_block(&mut heard, block, connected);
                say.fill(0.0);
            },
        )
        .await;
    if matches!(ending, Ending::HungUp | Ending::Transferred) || heard.is_empty() {
        return pbx.centre.calls.end(id, "answered", by(ending), heard);
    }
    let length = Duration::from_secs_f64(heard.len() as f64 / f64::from(sound::RATE));
    let mut at = 0;
    let ending = leg
        .run(
            Some(length + Duration::from_millis(200)),
            |_| false,
            |_, _, say| {
                say.fill(0.0);
                let part = &heard[at..(at + BLOCK).min(heard.len())];
                say[..part.len()].copy_from_slice(part);
                at += part.len();
            },
        )
        .await;
    leg.hang_up(None);
    pbx.centre.calls.end(id, "answered", by(ending), heard);
}

/// Rings until the caller gives up.
async fn never(pbx: &Arc<SmallPbx>, invite: &IncomingInvite, id: CallId, caller: &Agent) {
    let _occupied = Occupied::new(pbx, caller.id, Occupation::Call);
    let mut inbox = pbx.inbox(invite.dialog);
    let _ = pbx.endpoint.ringing(invite.dialog, None);
    while let Some(mail) = inbox.recv().await {
        if matches!(mail, Mail::Sip(event) if matches!(*event, Event::Ended { .. })) {
            break;
        }
    }
    pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
}

/// A made-up customer, who speaks and listens.
async fn outside(pbx: &Arc<SmallPbx>, mut leg: Leg, number: &str) {
    let id = leg.call;
    let name = voice_of(number.bytes().map(usize::from).sum());
    pbx.centre
        .calls
        .change(id, |call| call.speech = Some(name.to_owned()));
    let mut speech = Speech::new(sound::speech(name).unwrap_or_default());
    let mut heard = Vec::new();
    let ending = leg
        .run(
            None,
            |digit| note_digit(pbx, id, digit),
            |block, connected, say| {
                record_block(&mut heard, block, connected);
                speech.fill(say);
            },
        )
        .await;
    pbx.centre.calls.end(id, "answered", by(ending), heard);
}

/// Takes over a call that rings for a member of the agent's pick-up group.
async fn pick_up(pbx: &Arc<SmallPbx>, invite: &IncomingInvite, id: CallId, caller: &Agent) {
    let nothing = |status: u16| {
        reject(pbx, invite, status);
        pbx.centre
            .calls
            .end(id, "nothing_to_pick_up", "system", Vec::new());
    };
    let Some(ringing) = transfer::to_pick_up(pbx, caller) else {
        return nothing(NOT_FOUND);
    };
    let Some((leg, sdp)) = leg(pbx, invite, id, caller).await else {
        return;
    };
    if answer(pbx, &leg, id, sdp) {
        // A call that stopped ringing in the meantime hangs this one up.
        pbx.take(ringing, Some(Box::new(leg))).await;
        pbx.centre.calls.end(id, "picked_up", "system", Vec::new());
    }
}

/// An agent calls an agent.
async fn internal(
    pbx: &Arc<SmallPbx>,
    invite: &IncomingInvite,
    id: CallId,
    caller: &Agent,
    callee: &Agent,
) {
    let refuse = |status: u16, result: &str| {
        reject(pbx, invite, status);
        pbx.centre.calls.end(id, result, "system", Vec::new());
    };
    let Some(left) = invite.max_forwards.checked_sub(1) else {
        return refuse(TOO_MANY_HOPS, "too_many_hops");
    };
    if callee.id == caller.id {
        return refuse(BUSY_HERE, "busy");
    }
    let Some(contact) = pbx.registrar.contact(callee.extension()) else {
        return refuse(TEMPORARILY_UNAVAILABLE, "unavailable");
    };
    // The caller ID that the phone was told to send.
    let shown = match invite.from.display_name.trim() {
        "" => caller.text("fullname").to_owned(),
        name => name.to_owned(),
    };
    let Some((mut leg_in, sdp)) = leg(pbx, invite, id, caller).await else {
        return;
    };
    leg_in.about.name = callee.text("fullname").to_owned();
    let about = About {
        name: shown,
        number: caller.extension().to_owned(),
        headers: Vec::new(),
        max_forwards: left,
    };
    let mut callee = callee.clone();
    let mut leg_out = match Leg::calling(pbx, &callee, contact, about.clone(), id).await {
        Ok(leg) => leg,
        Err(error) => {
            tracing::warn!(error, "cannot call an agent");
            return refuse(TEMPORARILY_UNAVAILABLE, "unavailable");
        }
    };
    let _ = pbx.endpoint.ringing(leg_in.dialog, None);
    let rung = |name: &str| {
        pbx.centre
            .calls
            .change(id, |call| call.rung.push(name.to_owned()));
    };
    rung(&callee.name);
    let until = Instant::now() + RING_LIMIT;
    let (mut forwards, mut moved) = (0, None);
    loop {
        tokio::select! {
            event = timeout_at(until, leg_out.next()) => match event {
                Ok(LegEvent::Answered) => break,
                Ok(LegEvent::Moved(targets)) => {
                    moved = targets.iter().find_map(|target| transfer::route(pbx, target));
                }
                Ok(LegEvent::Ended(DialogEnd::Refused { status, .. })) => match moved.take() {
                    Some(Route::Service(number)) => {
                        transfer::note(pbx, id, &number);
                        if answer(pbx, &leg_in, id, sdp) {
                            attend(pbx, leg_in, &number).await;
                        }
                        return;
                    }
                    Some(Route::Phone(agent, contact)) if forwards < transfer::FORWARDS => {
                        forwards += 1;
                        let Some(about) = transfer::diverted(pbx, &callee, &about, forwards) else {
                            return refuse(TOO_MANY_HOPS, "too_many_hops");
                        };
                        match Leg::calling(pbx, &agent, contact, about, id).await {
                            Ok(leg) => leg_out = leg,
                            Err(_) => return refuse(TEMPORARILY_UNAVAILABLE, "unavailable"),
                        }
                        transfer::note(pbx, id, agent.extension());
                        callee = *agent;
                        rung(&callee.name);
                    }
                    _ if (300..400).contains(&status) => {
                        return refuse(TEMPORARILY_UNAVAILABLE, "unavailable");
                    }
                    _ => return refuse(status, if status == BUSY_HERE { "busy" } else { "refused" }),
                },
                Ok(LegEvent::Taken(take)) => if let Some(mut leg) = take.leg {
                    leg.about = leg_out.about.clone();
                    leg.call = id;
                    leg_out.hang_up(Some(queue::ELSEWHERE));
                    leg_out = *leg;
                    if let Ok(Some(agent)) = pbx.centre.store().agent(leg_out.agent) {
                        callee = agent;
                    }
                    let _ = take.reply.send(None);
                    break;
                },
                Ok(LegEvent::Ended(_)) | Err(_) => {
                    return refuse(TEMPORARILY_UNAVAILABLE, "no_answer");
                }
                Ok(_) => {}
            },
            event = leg_in.next() => if matches!(event, LegEvent::Ended(_)) {
                return pbx.centre.calls.end(id, "abandoned", "agent", Vec::new());
            },
        }
    }
    if !answer(pbx, &leg_in, id, sdp) {
        return;
    }
    pbx.centre
        .calls
        .change(id, |call| call.answered_by = Some(callee.name.clone()));
    let mut heard = Vec::new();
    let left = Leg::bridge(leg_in, leg_out, |block| {
        record_block(&mut heard, block, true);
    })
    .await;
    match left {
        Some((leg, number)) => attend(pbx, leg, &number).await,
        None => pbx.centre.calls.end(id, "answered", "agent", heard),
    }
}

/// Longest recording that is kept, in samples: five minutes.
const LONGEST: usize = 300 * sound::RATE as usize;

/// Adds a block to a recording once there is a path.
pub(super) fn record_block(recording: &mut Vec<f32>, block: &Block, connected: bool) {
    if connected && recording.len() < LONGEST {
        recording.extend_from_slice(block);
    }
}

/// Notes a key; none of them ends a call.
pub(super) fn note_digit(pbx: &SmallPbx, id: CallId, digit: char) -> bool {
    pbx.centre.calls.change(id, |call| call.digits.push(digit));
    false
}
