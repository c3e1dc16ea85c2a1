//! Agents: oneself, one's telephone, the others.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use sidetone_profile::AvatarKind;

use super::access::SignedIn;
use super::listing::Listing;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::store::Agent;

pub(crate) async fn me(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
) -> Result<Json<Value>, Problem> {
    Ok(Json(centre.agent_document(&signed_in.agent)?))
}

pub(crate) async fn sip(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
) -> Result<Json<Value>, Problem> {
    let agent = signed_in.agent;
    let addresses = centre.sip.get().cloned().unwrap_or_default();
    let mut answer = json!({
        "user": agent.extension(),
        "secret": agent.sip_secret.reveal(),
        "domain": centre.rules.domain,
        "displayName": agent.text("fullname"),
        "wssUrl": addresses.wss_url,
        "iceServers": centre.rules.ice_servers,
    });
    if agent.text("typology") == "phonebar"
        && let Some((host, port)) = addresses.udp
    {
        answer["transport"] = json!("udp");
        answer["host"] = json!(host);
        answer["port"] = json!(port);
    }
    Ok(Json(answer))
}

pub(crate) async fn list(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let listing = Listing::read(query.as_deref())?;
    let rows = centre
        .store()
        .agents()?
        .iter()
        .map(|agent| Value::Object(Centre::public_document(agent)))
        .collect();
    Ok(Json(listing.apply(rows)))
}

pub(crate) async fn one(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let agent = find(&centre, &id)?;
    if agent.id == signed_in.agent.id {
        return Ok(Json(centre.agent_document(&agent)?));
    }
    Ok(Json(Value::Object(Centre::public_document(&agent))))
}

/// An agent's picture.
pub(crate) async fn avatar(
    State(centre): State<Arc<Centre>>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let agent = find(&centre, &id)?;
    let picture = centre
        .store()
        .avatar(agent.id)?
        .ok_or_else(|| Problem::not_found().because("This user has no picture."))?;
    let kind = AvatarKind::of(&picture).map_err(|_| Problem::internal())?;
    let headers = [
        (CONTENT_TYPE, kind.media_type()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, picture).into_response())
}

fn find(centre: &Centre, id: &str) -> Result<Agent, Problem> {
    let found = match id.parse() {
        Ok(id) => centre.store().agent(id)?,
        Err(_) => None,
    };
    found.ok_or_else(|| Problem::not_found().because("There is no such user."))
}
