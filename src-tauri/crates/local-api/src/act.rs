//! What a request that was let in does.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sidetone_engine::agent::{
    CallId, CallState, CallView, Command, PresenceState, RecordingState, View,
};

use crate::desk::{Desk, find, oldest};
use crate::documents::{Call, Digits, Number, OtherCall, Presence, Reason, State, Switch};
use crate::old::OldCall;
use crate::problem::Problem;
use crate::route::{self, Endpoint, Found};

/// What was answered: a status and a JSON document.
pub(crate) type Answer = Result<(u16, Value), Problem>;

/// Carries a request out.
pub(crate) async fn act(desk: &Desk, found: &Found, query: Option<&str>, body: &[u8]) -> Answer {
    match found.endpoint {
        Endpoint::OldCalls => Ok((200, old_calls(&desk.now().view))),
        Endpoint::OldAnswer => {
            let call = named_or(desk, found, &[CallState::Ringing], "No call rings.")?;
            old(&answer(desk, call.id).await?)
        }
        Endpoint::OldOriginate => old(&dial(desk, found.number()?).await?),
        Endpoint::OldHangUp => old_hang_up(desk, found.call()?).await,
        Endpoint::OldHold => old(&old_hold(desk, found).await?),
        Endpoint::OldTransfer => {
            let number = route::queried_number(query)?;
            let call = named_or(desk, found, TRANSFERABLE, "There is no call to transfer.")?;
            old(&transfer(desk, call.id, number).await?)
        }
        Endpoint::State => ok(&State::from(&*desk.now())),
        Endpoint::Calls => {
            let calls: Vec<Call> = desk.now().view.calls.iter().map(Call::from).collect();
            ok(&calls)
        }
        Endpoint::Call => {
            let now = desk.now();
            ok(&Call::from(known(&now.view, found.named_call()?)?))
        }
        Endpoint::Dial => {
            let Number { number } = read(body)?;
            let call = dial(desk, route::number(&number)?).await?;
            Ok((201, document(&Call::from(&call))?))
        }
        Endpoint::Answer => new(&answer(desk, found.named_call()?).await?),
        Endpoint::Decline => new(&decline(desk, found.named_call()?).await?),
        Endpoint::HangUp => new(&hang_up(desk, found.named_call()?).await?),
        Endpoint::Hold => new(&hold(desk, found.named_call()?).await?),
        Endpoint::Resume => new(&resume(desk, found.named_call()?).await?),
        Endpoint::Transfer => {
            let Number { number } = read(body)?;
            let number = route::number(&number)?;
            new(&transfer(desk, found.named_call()?, number).await?)
        }
        Endpoint::TransferTo => {
            let OtherCall { call } = read(body)?;
            new(&transfer_to(desk, found.named_call()?, CallId(call)).await?)
        }
        Endpoint::Dtmf => {
            let Digits { digits } = read(body)?;
            new(&dtmf(desk, found.named_call()?, &digits)?)
        }
        Endpoint::Record => {
            let Switch { on } = read(body)?;
            new(&record(desk, found.named_call()?, on).await?)
        }
        Endpoint::Mute => {
            let Switch { on } = read(body)?;
            mute(desk, on).await
        }
        Endpoint::Pause => {
            let Reason { reason } = read(body)?;
            pause(desk, reason).await
        }
        Endpoint::Unpause => unpause(desk).await,
        Endpoint::Description => Ok((200, description()?)),
        // The connection streams them itself.
        Endpoint::Events => Err(Problem::not_found()),
    }
}

/// The interface's own description (OpenAPI 3.1).
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// Calls that can be handed over.
const TRANSFERABLE: &[CallState] = &[CallState::Up, CallState::Held];

fn description() -> Result<Value, Problem> {
    serde_json::from_str(OPENAPI)
        .map_err(|_| Problem::new(500, "internal", "The description is not readable."))
}

/// All calls end, as the old client had it; one that only rings is left to ring unless there is no other.
async fn old_hang_up(desk: &Desk, named: Option<CallId>) -> Answer {
    if let Some(call) = named {
        return old(&hang_up(desk, call).await?);
    }
    let now = desk.now();
    let over = [CallState::Ending, CallState::Ended];
    let alive = now.view.calls.iter().filter(|c| !over.contains(&c.state));
    let (ringing, mine): (Vec<&CallView>, Vec<_>) =
        alive.partition(|call| call.state == CallState::Ringing);
    let calls = if mine.is_empty() { ringing } else { mine };
    if calls.is_empty() {
        return Err(Problem::conflict("There is no call to end."));
    }
    let mut ended = Vec::new();
    for call in calls {
        ended.push(OldCall::from(&hang_up(desk, call.id).await?));
    }
    ok(&ended)
}

/// Hold and off hold again, as the old client had it.
async fn old_hold(desk: &Desk, found: &Found) -> Result<CallView, Problem> {
    let now = desk.now();
    let call = match found.call()? {
        Some(id) => known(&now.view, id)?,
        None => oldest(&now.view, &[CallState::Up])
            .or_else(|| oldest(&now.view, &[CallState::Held]))
            .ok_or_else(|| Problem::conflict("There is no call to hold."))?,
    };
    if call.state == CallState::Held {
        resume(desk, call.id).await
    } else {
        hold(desk, call.id).await
    }
}

async fn dial(desk: &Desk, number: String) -> Result<CallView, Problem> {
    let newest = desk.now().view.calls.iter().map(|call| call.id).max();
    desk.carry_out(Command::Dial { number }, |view| {
        let new = view.calls.iter().find(|call| Some(call.id) > newest);
        new.cloned()
    })
    .await
}

async fn answer(desk: &Desk, id: CallId) -> Result<CallView, Problem> {
    in_state(desk, id, &[CallState::Ringing], "This call does not ring.")?;
    desk.carry_out(Command::Answer { call: id }, |view| {
        moved_on(view, id, &[CallState::Ringing])
    })
    .await
}

async fn decline(desk: &Desk, id: CallId) -> Result<CallView, Problem> {
    in_state(desk, id, &[CallState::Ringing], "This call does not ring.")?;
    desk.carry_out(Command::Decline { call: id }, |view| {
        moved_on(view, id, &[CallState::Ringing])
    })
    .await
}

async fn hang_up(desk: &Desk, id: CallId) -> Result<CallView, Problem> {
    let now = desk.now();
    let before = known(&now.view, id)?.clone();
    if matches!(before.state, CallState::Ending | CallState::Ended) {
        return Err(Problem::conflict("This call is over."));
    }
    desk.carry_out(Command::HangUp { call: id }, |view| match find(view, id) {
        Some(call) if matches!(call.state, CallState::Ending | CallState::Ended) => {
            Some(call.clone())
        }
        Some(_) => None,
        // Gone from the screen already.
        None => Some(CallView {
            state: CallState::Ended,
            ..before.clone()
        }),
    })
    .await
}

async fn hold(desk: &Desk, id: CallId) -> Result<CallView, Problem> {
    in_state(desk, id, &[CallState::Up], "This call is not up.")?;
    desk.carry_out(Command::Hold { call: id }, |view| {
        moved_on(view, id, &[CallState::Up])
    })
    .await
}

async fn resume(desk: &Desk, id: CallId) -> Result<CallView, Problem> {
    in_state(desk, id, &[CallState::Held], "This call is not on hold.")?;
    desk.carry_out(Command::Resume { call: id }, |view| {
        moved_on(view, id, &[CallState::Held])
    })
    .await
}

async fn transfer(desk: &Desk, id: CallId, number: String) -> Result<CallView, Problem> {
    in_state(desk, id, TRANSFERABLE, "This call is not up.")?;
    desk.carry_out(Command::Transfer { call: id, number }, |view| {
        handed_over(view, id)
    })
    .await
}

async fn transfer_to(desk: &Desk, id: CallId, other: CallId) -> Result<CallView, Problem> {
    in_state(desk, id, TRANSFERABLE, "This call is not up.")?;
    in_state(desk, other, TRANSFERABLE, "The other call is not up.")?;
    if id == other {
        return Err(Problem::conflict("A call cannot be connected with itself."));
    }
    desk.carry_out(Command::TransferTo { call: id, other }, |view| {
        handed_over(view, id)
    })
    .await
}

fn dtmf(desk: &Desk, id: CallId, digits: &str) -> Result<CallView, Problem> {
    const MOST: usize = 64;
    let digits = digits.to_ascii_uppercase();
    let is_key = |c: char| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D');
    if digits.is_empty() || digits.len() > MOST || !digits.chars().all(is_key) {
        return Err(Problem::malformed(
            "Digits are 0-9 * # A-D, up to 64 of them.",
        ));
    }
    let call = in_state(desk, id, &[CallState::Up], "This call is not up.")?;
    desk.ask(Command::Dtmf { call: id, digits });
    Ok(call)
}

async fn record(desk: &Desk, id: CallId, on: bool) -> Result<CallView, Problem> {
    let call = in_state(desk, id, TRANSFERABLE, "This call is not up.")?;
    if !desk.now().view.permissions.recording {
        return Err(Problem::conflict("The agent may not record calls."));
    }
    if on != (call.recording == RecordingState::Off) {
        return Ok(call);
    }
    desk.carry_out(Command::Record { call: id, on }, |view| {
        let now = find(view, id)?;
        (now.recording != call.recording).then(|| now.clone())
    })
    .await
}

async fn mute(desk: &Desk, on: bool) -> Answer {
    if desk.now().view.muted != on {
        desk.carry_out(Command::Mute { on }, |view| {
            (view.muted == on).then_some(())
        })
        .await?;
    }
    Ok((200, json!({ "muted": on })))
}

async fn pause(desk: &Desk, reason: String) -> Answer {
    let now = desk.now();
    let reasons = &now.view.pause_reasons;
    if !reasons.is_empty() && !reasons.iter().any(|known| known.name == reason) {
        return Err(Problem::new(
            422,
            "unknown_reason",
            "The server has no such reason to pause for.",
        ));
    }
    if now.view.presence.state == PresenceState::Paused
        && now.view.presence.reason.as_deref() == Some(reason.as_str())
    {
        return ok(&Presence::from(&now.view.presence));
    }
    let presence = desk
        .carry_out(
            Command::Pause {
                reason: reason.clone(),
            },
            |view| {
                let presence = &view.presence;
                let is_it = presence.reason.as_deref() == Some(reason.as_str());
                (presence.pending || is_it).then(|| Presence::from(presence))
            },
        )
        .await?;
    Ok((202, document(&presence)?))
}

async fn unpause(desk: &Desk) -> Answer {
    let now = desk.now();
    if now.view.presence.state == PresenceState::Ready {
        return ok(&Presence::from(&now.view.presence));
    }
    let presence = desk
        .carry_out(Command::Unpause, |view| {
            let presence = &view.presence;
            let ready = presence.state == PresenceState::Ready;
            (presence.pending || ready).then(|| Presence::from(presence))
        })
        .await?;
    Ok((202, document(&presence)?))
}

/// The named call in whatever state, else the oldest one in these states.
fn named_or(
    desk: &Desk,
    found: &Found,
    states: &[CallState],
    none: &str,
) -> Result<CallView, Problem> {
    let now = desk.now();
    let call = match found.call()? {
        Some(id) => known(&now.view, id)?,
        None => states
            .iter()
            .find_map(|state| oldest(&now.view, &[*state]))
            .ok_or_else(|| Problem::conflict(none))?,
    };
    Ok(call.clone())
}

fn known(view: &View, id: CallId) -> Result<&CallView, Problem> {
    find(view, id).ok_or_else(Problem::unknown_call)
}

fn in_state(
    desk: &Desk,
    id: CallId,
    states: &[CallState],
    otherwise: &str,
) -> Result<CallView, Problem> {
    let now = desk.now();
    let call = known(&now.view, id)?;
    if states.contains(&call.state) {
        Ok(call.clone())
    } else {
        Err(Problem::conflict(otherwise))
    }
}

/// The call, once it is in none of these states any more.
fn moved_on(view: &View, id: CallId, states: &[CallState]) -> Option<CallView> {
    find(view, id)
        .filter(|call| !states.contains(&call.state))
        .cloned()
}

fn handed_over(view: &View, id: CallId) -> Option<CallView> {
    let call = find(view, id)?;
    let over = matches!(call.state, CallState::Ending | CallState::Ended);
    (over || call.transfer.is_some()).then(|| call.clone())
}

fn old_calls(view: &View) -> Value {
    let calls = view.calls.iter();
    calls.map(|call| json!(OldCall::from(call))).collect()
}

fn old(call: &CallView) -> Answer {
    ok(&OldCall::from(call))
}

fn new(call: &CallView) -> Answer {
    ok(&Call::from(call))
}

fn ok(value: &impl serde::Serialize) -> Answer {
    Ok((200, document(value)?))
}

fn document(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value)
        .map_err(|_| Problem::new(500, "internal", "The answer cannot be written."))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|fault| {
        Problem::malformed(format!("The body is not what this path takes: {fault}."))
    })
}
