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
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(crate) struct LoginRequest {
    /// What the agent calls this device.
    device: Option<String>,
    take_over: bool,
}

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

pub(crate) async fn login(
    State(centre): State<Arc<Centre>>,
    signed_in: SignedIn,
    Body(wanted): Body<LoginRequest>,
) -> Answer {
    let device = wanted
        .device
        .as_deref()
        .map(str::trim)
        .filter(|d| !d.is_empty());
    if device.is_some_and(|d| d.chars().count() > 120 || d.contains(char::is_control)) {
        return Err(Problem::malformed_body()
            .because("device is a name of at most 120 letters without control characters."));
    }
    centre.take_queues(
        &signed_in.agent,
        &signed_in.session,
        device,
        wanted.take_over,
    )?;
    let logged_in = centre.log_in(&signed_in.agent).await;
    if logged_in.is_err() {
        centre.sessions.release(signed_in.agent.id);
    }
    Ok(Json(logged_in?))
}

/// A sign-in that has lost the queues to another one leaves them alone.
pub(crate) async fn logout(State(centre): State<Arc<Centre>>, signed_in: SignedIn) -> Answer {
    if centre.held_elsewhere(signed_in.agent.id, &signed_in.session) {
        return Ok(Json(centre.presence(signed_in.agent.id).document()));
    }
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
