//! Settings of the centre, and what calls can be about.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::access::{Body, SignedIn};
use crate::centre::Centre;
use crate::dispositions;
use crate::problem::Problem;
use crate::store::Disposed;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(crate) struct Disposal {
    path: Vec<i64>,
    #[serde(default)]
    note: Option<String>,
}

pub(crate) async fn settings(State(centre): State<Arc<Centre>>, _: SignedIn) -> Answer {
    Ok(Json(centre.settings_document()?))
}

pub(crate) async fn dispositions(State(centre): State<Arc<Centre>>, _: SignedIn) -> Answer {
    Ok(Json(dispositions::list(&centre.dispositions()?)))
}

/// Notes what a call was about; said again, the later one holds.
pub(crate) async fn dispose(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(reference): Path<String>,
    Body(given): Body<Disposal>,
) -> Result<StatusCode, Problem> {
    let names = dispositions::names(&centre.dispositions()?, &given.path)
        .ok_or_else(Problem::unknown_disposition)?;
    let note = given.note.unwrap_or_default();
    if note.chars().count() > 2000 {
        return Err(Problem::invalid_item().because("note: it is longer than 2000 letters."));
    }
    if reference.len() > 255 || reference.contains(char::is_control) {
        return Err(Problem::not_found().because("There is no such call."));
    }
    centre.store().dispose(&Disposed {
        agent: signed_in.agent.id,
        reference: &reference,
        path: &given.path,
        names: &names,
        note: &note,
    })?;
    Ok(StatusCode::NO_CONTENT)
}
