//! Login to the queues, pause, and presence.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::access::{Body, SignedIn};
use crate::centre::Centre;
use crate::presence::channel_named;
use crate::problem::Problem;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(crate) struct PauseRequest {
    reason: String,
    #[serde(default)]
    channel: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct UnpauseRequest {
    #[serde(default)]
    channel: Option<String>,
}

pub(crate) async fn login(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.log_in(&signed_in.agent).await?))
}

pub(crate) async fn logout(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.log_out(&signed_in.agent).await?))
}

pub(crate) async fn pause(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Body(wanted): Body<PauseRequest>,
) -> Answer {
    let channel = channel(wanted.channel.as_deref())?;
    let presence = centre
        .pause(&signed_in.agent, channel, &wanted.reason)
        .await?;
    Ok(Json(presence))
}

pub(crate) async fn unpause(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Body(wanted): Body<UnpauseRequest>,
) -> Answer {
    let channel = channel(wanted.channel.as_deref())?;
    Ok(Json(centre.unpause(&signed_in.agent, channel).await?))
}

pub(crate) async fn presence(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    Ok(Json(centre.presence(signed_in.agent.id).document()))
}

pub(crate) async fn pauses(State(centre): State<Arc<Centre>>, _: SignedIn) -> Answer {
    Ok(Json(centre.pauses()?))
}

fn channel(name: Option<&str>) -> Result<Option<&'static str>, Problem> {
    name.map(|name| channel_named(name).ok_or_else(Problem::unknown_channel))
        .transpose()
}
