//! Who may administrate: this machine, or whoever has the administrator's token.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;

use crate::centre::Centre;
use crate::password;
use crate::problem::Problem;

pub(crate) async fn check(
    State(centre): State<Arc<Centre>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    allowed(&centre, request.headers())?;
    Ok(next.run(request).await)
}

fn allowed(centre: &Centre, headers: &HeaderMap) -> Result<(), Problem> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = header(HOST.as_str()).unwrap_or_default();
    // A page of another site that the administrator has open must not reach in.
    if header(ORIGIN.as_str()).is_some_and(|origin| origin != format!("https://{host}")) {
        return Err(Problem::admin_only());
    }
    let allowed = match &centre.rules.admin_token {
        Some(token) => header(AUTHORIZATION.as_str())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|given| password::digest(given) == password::digest(token.reveal())),
        None => is_loopback(host),
    };
    if !allowed {
        return Err(Problem::admin_only());
    }
    Ok(())
}

/// Whether a Host header names this machine: a name that an attacker's DNS could point here does not.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for (host, expected) in [
            ("localhost:8443", true),
            ("127.0.0.1", true),
            ("127.8.0.1:1", true),
            ("[::1]:8443", true),
            ("localhost.attacker.example", false),
            ("192.0.2.1:8443", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
