//! The administration: a page, and the interface behind it, which tests use too.

mod agents;
mod avatar;
mod calls;
mod centre;
mod guard;
mod membership;
mod settings;
mod work;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{delete, get, post, put};

use crate::centre::Centre;

/// Every route of the administration's interface: method and path as OpenAPI writes it.
pub const ROUTES: &[(&str, &str)] = &[
    ("get", "/admin/api/settings"),
    ("patch", "/admin/api/settings"),
    ("get", "/admin/api/dispositions"),
    ("put", "/admin/api/dispositions"),
    ("get", "/admin/api/agents"),
    ("get", "/admin/api/agents/{id}"),
    ("patch", "/admin/api/agents/{id}"),
    ("put", "/admin/api/agents/{id}/password"),
    ("put", "/admin/api/agents/{id}/code"),
    ("post", "/admin/api/agents/{id}/sign-out"),
    ("post", "/admin/api/agents/{id}/expire-password"),
    ("put", "/admin/api/agents/{id}/sip-secret"),
    ("put", "/admin/api/agents/{id}/avatar"),
    ("get", "/admin/api/agents/{id}/dispositions"),
    ("get", "/admin/api/agents/{id}/{list}"),
    ("post", "/admin/api/agents/{id}/{list}"),
    ("delete", "/admin/api/agents/{id}/{list}/{item}"),
    ("get", "/admin/api/pauses"),
    ("put", "/admin/api/pauses"),
    ("get", "/admin/api/queues"),
    ("patch", "/admin/api/queues/{id}"),
    ("post", "/admin/api/customers"),
    ("get", "/admin/api/speech"),
    ("get", "/admin/api/speech/{name}"),
    ("get", "/admin/api/calls"),
    ("get", "/admin/api/calls/{id}"),
    ("get", "/admin/api/calls/{id}/heard.wav"),
    ("get", "/admin/api/calls/{id}/likeness"),
];

pub(crate) fn router(centre: &Arc<Centre>) -> Router<Arc<Centre>> {
    let interface = Router::new()
        .route(
            "/admin/api/settings",
            get(settings::list).patch(settings::save),
        )
        .route(
            "/admin/api/dispositions",
            get(work::tree).put(work::set_tree),
        )
        .route("/admin/api/agents", get(agents::list))
        .route(
            "/admin/api/agents/{id}",
            get(agents::one).patch(agents::save),
        )
        .route("/admin/api/agents/{id}/password", put(agents::set_password))
        .route("/admin/api/agents/{id}/code", put(agents::set_code))
        .route("/admin/api/agents/{id}/sign-out", post(agents::sign_out))
        .route(
            "/admin/api/agents/{id}/expire-password",
            post(agents::expire_password),
        )
        .route(
            "/admin/api/agents/{id}/sip-secret",
            put(agents::set_sip_secret),
        )
        .route("/admin/api/agents/{id}/avatar", put(avatar::set))
        .route("/admin/api/agents/{id}/dispositions", get(work::disposed))
        .route(
            "/admin/api/agents/{id}/{list}",
            get(work::list).post(work::add),
        )
        .route("/admin/api/agents/{id}/{list}/{item}", delete(work::remove))
        .route(
            "/admin/api/pauses",
            get(centre::pauses).put(centre::set_pauses),
        )
        .route("/admin/api/queues", get(centre::queues))
        .route(
            "/admin/api/queues/{id}",
            axum::routing::patch(centre::save_queue),
        )
        .route("/admin/api/customers", post(calls::customer))
        .route("/admin/api/speech", get(calls::speeches))
        .route("/admin/api/speech/{name}", get(calls::speech))
        .route("/admin/api/calls", get(calls::list))
        .route("/admin/api/calls/{id}", get(calls::one))
        .route("/admin/api/calls/{id}/heard.wav", get(calls::heard))
        .route("/admin/api/calls/{id}/likeness", get(calls::likeness))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(from_fn_with_state(centre.clone(), guard::check));
    Router::new()
        .route("/", get(async || Redirect::temporary("/admin")))
        .route(
            "/admin",
            get(async || asset("text/html; charset=utf-8", include_str!("page.html"))),
        )
        .route(
            "/admin/page.css",
            get(async || asset("text/css; charset=utf-8", include_str!("page.css"))),
        )
        .route(
            "/admin/page.js",
            get(async || asset("text/javascript; charset=utf-8", include_str!("page.js"))),
        )
        .route(
            "/admin/centre.js",
            get(async || asset("text/javascript; charset=utf-8", include_str!("centre.js"))),
        )
        .merge(interface)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    (
        [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, policy)],
        text,
    )
        .into_response()
}
