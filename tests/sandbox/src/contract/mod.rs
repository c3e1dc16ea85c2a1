//! The server contract, version 1: what agents' programs call.

mod access;
mod agent;
mod auth;
mod centre;
mod etag;
mod listing;
mod realtime;
mod rpc;
mod sso;
mod users;
mod voice;
mod work;

pub(crate) use access::{Body, Params};
pub(crate) use auth::set_password;
pub(crate) use rpc::agent_row;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::centre::Centre;

/// Every route of the contract: method and path as OpenAPI writes it.
pub const ROUTES: &[(&str, &str)] = &[
    ("post", "/api/auth/local"),
    ("get", "/api/auth/methods"),
    ("post", "/api/auth/refresh"),
    ("post", "/api/auth/password"),
    ("get", "/api/auth/password-rules"),
    ("get", "/api/auth/sso/authorize"),
    ("post", "/api/auth/sso/authorize"),
    ("post", "/api/auth/sso/token"),
    ("get", "/api/users/me"),
    ("get", "/api/users/me/sip"),
    ("get", "/api/users"),
    ("get", "/api/users/{id}"),
    ("get", "/api/users/{id}/avatar"),
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
    ("get", "/api/settings"),
    ("get", "/api/dispositions"),
    ("post", "/api/calls/{reference}/disposition"),
    ("get", "/api/callbacks"),
    ("post", "/api/callbacks/{id}/start"),
    ("post", "/api/callbacks/{id}/finish"),
    ("get", "/api/previews"),
    ("post", "/api/previews/{id}/start"),
    ("get", "/api/interactions"),
    ("post", "/api/interactions/{id}/accept"),
    ("post", "/api/interactions/{id}/decline"),
    ("get", "/api/realtime"),
];

pub(crate) fn router() -> Router<Arc<Centre>> {
    Router::new()
        .route("/api/auth/local", post(auth::local))
        .route("/api/users/me", get(users::me))
        .route("/api/users/me/sip", get(users::sip))
        .route("/api/users", get(users::list))
        .route("/api/users/{id}", get(users::one))
        .route("/api/users/{id}/avatar", get(users::avatar))
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
        .route("/api/auth/methods", get(auth::methods))
        .route("/api/auth/refresh", post(auth::refresh))
        .route("/api/auth/password", post(auth::change_password))
        .route("/api/auth/password-rules", get(auth::password_rules))
        .route("/api/auth/sso/authorize", get(sso::page).post(sso::sign_in))
        .route("/api/auth/sso/page.css", get(sso::style))
        .route("/api/auth/sso/token", post(sso::token))
        .route("/api/settings", get(centre::settings))
        .route("/api/dispositions", get(centre::dispositions))
        .route("/api/calls/{reference}/disposition", post(centre::dispose))
        .route("/api/callbacks", get(work::callbacks))
        .route("/api/callbacks/{id}/start", post(work::start_callback))
        .route("/api/callbacks/{id}/finish", post(work::finish_callback))
        .route("/api/previews", get(work::previews))
        .route("/api/previews/{id}/start", post(work::start_preview))
        .route("/api/interactions", get(work::interactions))
        .route("/api/interactions/{id}/accept", post(work::accept))
        .route("/api/interactions/{id}/decline", post(work::decline))
        .layer(axum::middleware::from_fn(etag::tag))
        .route("/api/realtime", get(realtime::open))
}
