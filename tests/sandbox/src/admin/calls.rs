//! Simulated customers, calls and what was heard in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::calls::CallId;
use crate::centre::Centre;
use crate::contract::{Body, Params};
use crate::pbx::{CustomerCall, Switch};
use crate::problem::Problem;
use crate::sound;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    speech: String,
}

/// Lets a simulated customer call a queue now.
pub(crate) async fn customer(
    State(centre): State<Arc<Centre>>,
    Body(call): Body<CustomerCall>,
) -> Result<Response, Problem> {
    let Some(Switch::Small(pbx)) = centre.switch.get() else {
        return Err(Problem::switch_unavailable()
            .because("Customers call the sandbox's own telephone system only."));
    };
    let id = pbx.call_in(call)?;
    let call = centre.calls.one(id).ok_or_else(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(call.document())).into_response())
}

pub(crate) async fn speeches() -> Json<Value> {
    let rows: Vec<Value> = sound::speech_names()
        .map(|name| json!({"name": name}))
        .collect();
    Json(json!({"count": rows.len(), "rows": rows}))
}

pub(crate) async fn speech(Path(name): Path<String>) -> Result<Response, Problem> {
    let name = name.strip_suffix(".wav").unwrap_or(&name);
    let wav = sound::speech_wav(name).ok_or_else(unknown_speech)?;
    Ok(([(CONTENT_TYPE, "audio/wav")], wav).into_response())
}

pub(crate) async fn list(State(centre): State<Arc<Centre>>) -> Json<Value> {
    let rows = centre.calls.all();
    Json(json!({"count": rows.len(), "rows": rows}))
}

pub(crate) async fn one(State(centre): State<Arc<Centre>>, Path(id): Path<String>) -> Answer {
    let call = call_id(&id)
        .and_then(|id| centre.calls.one(id))
        .ok_or_else(unknown_call)?;
    Ok(Json(call.document()))
}

/// What the far end heard of the agent: 48 kHz, mono, 16 bit.
pub(crate) async fn heard(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let heard = recording(&centre, &id)?;
    Ok(([(CONTENT_TYPE, "audio/wav")], sound::write_wav(&heard)).into_response())
}

/// How alike what was heard is to one of the recorded voices.
pub(crate) async fn likeness(
    State(centre): State<Arc<Centre>>,
    Path(id): Path<String>,
    Params(wanted): Params<Wanted>,
) -> Answer {
    let heard = recording(&centre, &id)?;
    let original = sound::speech(&wanted.speech).ok_or_else(unknown_speech)?;
    let likeness = tokio::task::spawn_blocking(move || sound::likeness(&heard, &original))
        .await
        .map_err(|_| Problem::internal())?;
    Ok(Json(json!({"speech": wanted.speech, "likeness": likeness})))
}

fn recording(centre: &Centre, id: &str) -> Result<Arc<Vec<f32>>, Problem> {
    call_id(id)
        .and_then(|id| centre.calls.heard(id))
        .ok_or_else(|| {
            Problem::not_found().because("Nothing was recorded in this call, or it is not over.")
        })
}

fn call_id(id: &str) -> Option<CallId> {
    id.parse().ok()
}

fn unknown_call() -> Problem {
    Problem::not_found().because("There is no such call.")
}

fn unknown_speech() -> Problem {
    let names: Vec<&str> = sound::speech_names().collect();
    Problem::not_found().because(format!("The recorded voices are {}.", names.join(", ")))
}
