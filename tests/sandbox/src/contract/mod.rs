//! The server contract, version 1: what agents' programs call.

mod access;
mod agent;
mod auth;
mod listing;
mod realtime;
mod rpc;
mod users;
mod voice;

pub(crate) use access::{Body, Params};
pub(crate) use rpc::agent_row;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::centre::Centre;

/// Every route of the contract: method and path as OpenAPI writes it.
pub const ROUTES: &[(&str, &str)] = &[
    ("post", "/api/auth/local"),
    ("get", "/api/users/me"),
    ("get", "/api/users/me/sip"),
    ("get", "/api/users"),
    ("get", "/api/users/{id}"),
    ("post", "/api/agent/login"),
    ("post", "/api/agent/logout"),
    ("post", "/api/agent/pause"),
    ("post", "/api/agent/unpause"),
    ("get", "/api/agent/presence"),
    ("get", "/api/pauses"),
    ("get", "/api/voice/queues"),
    ("get", "/api/voice/queues/{id}"),
    ("get", "/api/voice/queues/{id}/users"),
    ("get", "/api/voice/queues/{id}/teams"),
    ("get", "/api/rpc/agents"),
    ("get", "/api/rpc/voice/queues"),
    ("get", "/api/realtime"),
];

pub(crate) fn router() -> Router<Arc<Centre>> {
    Router::new()
        .route("/api/auth/local", post(auth::local))
        .route("/api/users/me", get(users::me))
        .route("/api/users/me/sip", get(users::sip))
        .route("/api/users", get(users::list))
        .route("/api/users/{id}", get(users::one))
        .route("/api/agent/login", post(agent::login))
        .route("/api/agent/logout", post(agent::logout))
        .route("/api/agent/pause", post(agent::pause))
        .route("/api/agent/unpause", post(agent::unpause))
        .route("/api/agent/presence", get(agent::presence))
        .route("/api/pauses", get(agent::pauses))
        .route("/api/voice/queues", get(voice::list))
        .route("/api/voice/queues/{id}", get(voice::one))
        .route("/api/voice/queues/{id}/users", get(voice::users))
        .route("/api/voice/queues/{id}/teams", get(voice::teams))
        .route("/api/rpc/agents", get(rpc::agents))
        .route("/api/rpc/voice/queues", get(rpc::queues))
        .route("/api/realtime", get(realtime::open))
}
