//! Callbacks, preview calls and interactions of the agent that asks.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Body, SignedIn};
use crate::centre::Centre;
use crate::clock;
use crate::problem::Problem;
use crate::store::{Item, Store};
use crate::work::Kind;

type Answer = Result<Json<Value>, Problem>;
type Done = Result<StatusCode, Problem>;

#[derive(Deserialize)]
pub(crate) struct Finish {
    done: bool,
}

pub(crate) async fn callbacks(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.work(signed_in.agent.id, Kind::Callbacks)?))
}

pub(crate) async fn previews(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.work(signed_in.agent.id, Kind::Previews)?))
}

pub(crate) async fn interactions(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.work(signed_in.agent.id, Kind::Interactions)?))
}

pub(crate) async fn start_callback(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Done {
    let mut item = own(&centre, &signed_in, Kind::Callbacks, &id)?;
    item.document
        .insert("startedAt".to_owned(), json!(clock::now_text()));
    centre.store().save_item(item.id, &item.document)?;
    told(&centre, &signed_in, Kind::Callbacks)
}

/// Done: it leaves the list. Not done: it waits again.
pub(crate) async fn finish_callback(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    Body(finish): Body<Finish>,
) -> Done {
    let mut item = own(&centre, &signed_in, Kind::Callbacks, &id)?;
    if finish.done {
        centre.store().remove_item(item.id)?;
    } else {
        item.document.remove("startedAt");
        centre.store().save_item(item.id, &item.document)?;
    }
    told(&centre, &signed_in, Kind::Callbacks)
}

/// The agent calls now: the preview leaves the list.
pub(crate) async fn start_preview(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Done {
    let item = own(&centre, &signed_in, Kind::Previews, &id)?;
    let paused = centre.presence(signed_in.agent.id).voice_paused();
    if paused && !signed_in.agent.is("phoneBarIgnoreBreakPreview") {
        return Err(Problem::paused());
    }
    centre.store().remove_item(item.id)?;
    told(&centre, &signed_in, Kind::Previews)
}

/// Takes an offered interaction; it is withdrawn from the others that it was offered to.
pub(crate) async fn accept(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Done {
    let others: Vec<Item> = {
        // In one go: of two that accept at the same moment, one is too late.
        let store = centre.store();
        let mut item = own_in(&store, &signed_in, Kind::Interactions, &id)?;
        let group = item.document.remove("group");
        item.document.insert("offered".to_owned(), json!(false));
        store.save_item(item.id, &item.document)?;
        let others = store
            .all_items(Kind::Interactions.name())?
            .into_iter()
            .filter(|other| group.is_some() && other.document.get("group") == group.as_ref())
            .collect::<Vec<_>>();
        for other in &others {
            store.remove_item(other.id)?;
        }
        others
    };
    for other in others {
        centre.tell_work(other.agent, Kind::Interactions)?;
    }
    told(&centre, &signed_in, Kind::Interactions)
}

pub(crate) async fn decline(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Done {
    let item = own(&centre, &signed_in, Kind::Interactions, &id)?;
    if item.document.get("offered") == Some(&json!(false)) {
        return Err(Problem::gone().because("The interaction is taken already: it is open."));
    }
    centre.store().remove_item(item.id)?;
    told(&centre, &signed_in, Kind::Interactions)
}

/// One of the agent's own; one that has been and is no more is gone.
fn own(centre: &Centre, signed_in: &SignedIn, kind: Kind, id: &str) -> Result<Item, Problem> {
    own_in(&centre.store(), signed_in, kind, id)
}

fn own_in(store: &Store, signed_in: &SignedIn, kind: Kind, id: &str) -> Result<Item, Problem> {
    let unknown = || Problem::not_found().because("There is nothing of this number on the list.");
    let id: i64 = id.parse().map_err(|_| unknown())?;
    let found = store
        .items(signed_in.agent.id, kind.name())?
        .into_iter()
        .find(|item| item.id == id);
    match found {
        Some(item) => Ok(item),
        None if kind == Kind::Interactions && store.item_was(id)? => Err(Problem::gone()),
        None => Err(unknown()),
    }
}

fn told(centre: &Centre, signed_in: &SignedIn, kind: Kind) -> Done {
    centre.tell_work(signed_in.agent.id, kind)?;
    Ok(StatusCode::NO_CONTENT)
}
