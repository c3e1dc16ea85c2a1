//! Live state of agents and queues.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::access::SignedIn;
use crate::centre::Centre;
use crate::presence::OTHER_CHANNELS;
use crate::problem::Problem;
use crate::store::Agent;

pub(crate) async fn agents(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
) -> Result<Json<Value>, Problem> {
    let rows: Vec<Value> = centre
        .store()
        .agents()?
        .iter()
        .map(|agent| agent_row(&centre, agent))
        .collect();
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

pub(crate) async fn queues(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
) -> Result<Json<Value>, Problem> {
    let queues = centre.store().queues()?;
    let rows = queues
        .iter()
        .map(|queue| centre.queue_row(queue))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

/// Live state of one agent.
pub(crate) fn agent_row(centre: &Centre, agent: &Agent) -> Value {
    let presence = centre.presence(agent.id);
    let phone = centre.phone(agent.id);
    let status = match () {
        () if !presence.online() => "offline",
        () if presence.pause.is_some() => "pause",
        () if phone.calls > 0 => "busy",
        () if phone.ringing > 0 => "ringing",
        () => "ready",
    };
    let phone_status = match () {
        () if !phone.registered => "unregistered",
        () if phone.calls > 0 => "inuse",
        () if phone.ringing > 0 => "ringing",
        () => "registered",
    };
    let mut row = json!({
        "id": agent.id,
        "name": agent.name,
        "fullname": agent.text("fullname"),
        "internal": agent.extension(),
        "online": presence.online(),
        "status": status,
        "pause": presence.pause.is_some(),
        "pauseType": presence.pause.as_ref().map(|pause| &pause.reason),
        "lastLoginAt": centre.last_login(agent.id),
        "phoneStatus": phone_status,
        "connected": centre.hub.connected(agent.id),
    });
    for channel in OTHER_CHANNELS {
        let paused = presence.pause.is_some() || presence.partial.contains_key(channel);
        row[format!("{channel}Status")] = json!(match () {
            () if !presence.online() => "offline",
            () if paused => "pause",
            () => "idle",
        });
    }
    row
}
