//! Pause reasons and queues.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::centre::Centre;
use crate::contract::Body;
use crate::pbx::Switch;
use crate::problem::Problem;
use crate::store::Strategy;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(crate) struct Pauses {
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueueChange {
    strategy: Option<Strategy>,
    ring_seconds: Option<u32>,
    /// Identifiers of agents.
    members: Option<Vec<i64>>,
}

pub(crate) async fn pauses(State(centre): State<Arc<Centre>>) -> Answer {
    Ok(Json(centre.pauses()?))
}

pub(crate) async fn set_pauses(
    State(centre): State<Arc<Centre>>,
    Body(wanted): Body<Pauses>,
) -> Answer {
    let names: Vec<String> = wanted
        .names
        .iter()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.len() != wanted.names.len() || names.iter().any(|name| name.len() > 80) {
        return Err(
            Problem::invalid_setting().because("A pause reason has a name of 1 to 80 letters.")
        );
    }
    centre.store().set_pauses(&names)?;
    let pauses = centre.pauses()?;
    let agents = centre.store().agents()?;
    for agent in agents {
        centre.hub.push(agent.id, "pauses", &pauses);
    }
    Ok(Json(pauses))
}

pub(crate) async fn queues(State(centre): State<Arc<Centre>>) -> Answer {
    let queues = centre.store().queues()?;
    let mut rows = Vec::new();
    for queue in &queues {
        let mut row = centre.queue_row(queue)?;
        row["memberIds"] = json!(centre.store().members(queue.id)?);
        rows.push(row);
    }
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

pub(crate) async fn save_queue(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Body(change): Body<QueueChange>,
) -> Answer {
    let queue = centre
        .store()
        .queues()?
        .into_iter()
        .find(|queue| queue.id.to_string() == id)
        .ok_or_else(|| Problem::not_found().because("There is no such queue."))?;
    let ring_s = change.ring_seconds.unwrap_or(queue.ring_s);
    if !(1..=300).contains(&ring_s) {
        return Err(Problem::invalid_setting().because("ringSeconds is from 1 to 300."));
    }
    let strategy = change.strategy.unwrap_or(queue.strategy);
    if let Some(members) = &change.members {
        for agent in members {
            if centre.store().agent(*agent)?.is_none() {
                return Err(Problem::invalid_setting()
                    .because(format!("members: there is no agent {agent}.")));
            }
        }
    }
    centre.store().set_strategy(queue.id, strategy, ring_s)?;
    if let Some(members) = &change.members {
        centre.set_members(&queue, members).await?;
    }
    if let Some(Switch::Small(pbx)) = centre.switch.get() {
        pbx.look_again();
    }
    centre.tell_queues();
    queues(State(centre)).await
}
