//! What waits for an agent, and what it disposed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::agents::find;
use crate::centre::Centre;
use crate::contract::Body;
use crate::dispositions::{self, Wanted};
use crate::problem::Problem;
use crate::store::Item;
use crate::work::{self, Kind};

type Answer = Result<Json<Value>, Problem>;

/// The tree as a list, or in the form of the contract.
#[derive(serde::Deserialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    Rows { rows: Vec<Wanted> },
    Bare(Vec<Wanted>),
}

pub(crate) async fn list(
    State(centre): State<Arc<Centre>>,
    Path((id, kind)): Path<(String, String)>,
) -> Answer {
    let agent = find(&centre, &id)?;
    Ok(Json(centre.work(agent.id, named(&kind)?)?))
}

/// Gives an agent something to do; its programs hear of it at once.
pub(crate) async fn add(
    State(centre): State<Arc<Centre>>,
    Path((id, kind)): Path<(String, String)>,
    Body(wanted): Body<Map<String, Value>>,
) -> Result<Response, Problem> {
    let agent = find(&centre, &id)?;
    let kind = named(&kind)?;
    let document = kind.read(wanted)?;
    let id = centre.store().add_item(agent.id, kind.name(), &document)?;
    centre.tell_work(agent.id, kind)?;
    let row = work::row(&Item {
        id,
        agent: agent.id,
        document,
    });
    Ok((StatusCode::CREATED, Json(row)).into_response())
}

pub(crate) async fn remove(
    State(centre): State<Arc<Centre>>,
    Path((id, kind, item)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let agent = find(&centre, &id)?;
    let kind = named(&kind)?;
    {
        let store = centre.store();
        let found = store
            .items(agent.id, kind.name())?
            .into_iter()
            .find(|known| known.id.to_string() == item)
            .ok_or_else(|| {
                Problem::not_found().because("There is nothing of this number on the list.")
            })?;
        store.remove_item(found.id)?;
    }
    centre.tell_work(agent.id, kind)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an agent said that its calls were about.
pub(crate) async fn disposed(State(centre): State<Arc<Centre>>, Path(id): Path<String>) -> Answer {
    let agent = find(&centre, &id)?;
    let rows = centre.store().disposed(agent.id)?;
    Ok(Json(json!({"count": rows.len(), "rows": rows})))
}

pub(crate) async fn tree(State(centre): State<Arc<Centre>>) -> Answer {
    Ok(Json(dispositions::list(&centre.dispositions()?)))
}

pub(crate) async fn set_tree(
    State(centre): State<Arc<Centre>>,
    Body(wanted): Body<Tree>,
) -> Answer {
    let (Tree::Rows { rows } | Tree::Bare(rows)) = wanted;
    let tree = dispositions::read(rows)?;
    centre
        .store()
        .save_centre_document(dispositions::DOCUMENT, &json!(tree))?;
    let list = dispositions::list(&tree);
    centre.push_to_all("dispositions", &list)?;
    Ok(Json(list))
}

fn named(kind: &str) -> Result<Kind, Problem> {
    Kind::named(kind).ok_or_else(Problem::not_found)
}
