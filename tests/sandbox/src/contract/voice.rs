//! Voice queues and their members.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Value, json};

use super::access::SignedIn;
use super::listing::Listing;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::store::Queue;

type Answer = Result<Json<Value>, Problem>;

pub(crate) async fn list(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    RawQuery(query): RawQuery,
) -> Answer {
    let own = url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "member" && value == "me");
    let listing = Listing::read(query.as_deref())?;
    let queues = if own {
        centre.queues_of(signed_in.agent.id)?
    } else {
        centre.store().queues()?
    };
    let rows = queues
        .iter()
        .map(|queue| centre.queue_row(queue))
        .collect::<Result<_, _>>()?;
    Ok(Json(listing.apply(rows)))
}

pub(crate) async fn one(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Answer {
    Ok(Json(centre.queue_row(&queue(&centre, &id)?)?))
}

pub(crate) async fn users(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let listing = Listing::read(query.as_deref())?;
    let queue = queue(&centre, &id)?;
    let members = centre.store().members(queue.id)?;
    let rows = centre
        .store()
        .agents()?
        .iter()
        .filter(|agent| members.contains(&agent.id))
        .map(|agent| Value::Object(Centre::public_document(agent)))
        .collect();
    Ok(Json(listing.apply(rows)))
}

pub(crate) async fn teams(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Answer {
    let queue = queue(&centre, &id)?;
    let store = centre.store();
    let members = store.members(queue.id)?;
    let names: BTreeSet<String> = store
        .agents()?
        .iter()
        .filter(|agent| members.contains(&agent.id))
        .flat_map(|agent| agent.texts("teams").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let rows = names
        .iter()
        .map(|name| Ok(json!({"id": store.team(name)?, "name": name})))
        .collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

fn queue(centre: &Centre, id: &str) -> Result<Queue, Problem> {
    centre
        .store()
        .queues()?
        .into_iter()
        .find(|queue| queue.id.to_string() == id)
        .ok_or_else(|| Problem::not_found().because("There is no such queue."))
}
