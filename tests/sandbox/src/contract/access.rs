//! Who asks, and with what body.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;

use super::auth;
use crate::centre::Centre;
use crate::problem::Problem;
use crate::sessions::BASIC;
use crate::store::Agent;
use crate::{clock, password};

/// Largest body that is read where a call says nothing else.
const BODY_LIMIT: usize = 64 * 1024;

/// The agent that a request comes from.
pub(crate) struct SignedIn {
    pub(crate) agent: Agent,
    /// The sign-in; all requests with HTTP Basic are one.
    pub(crate) session: String,
    /// When the token expires, in Unix seconds; never with HTTP Basic.
    pub(crate) expires: Option<i64>,
}

impl FromRequestParts<Arc<Centre>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, centre: &Arc<Centre>) -> Result<Self, Problem> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(Problem::token_expired)?;
        let (scheme, value) = header.split_once(' ').ok_or_else(Problem::token_expired)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            Self::by_token(centre, value.trim())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD
                .decode(value.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(Problem::wrong_password)?;
            let (name, password) = decoded
                .split_once(':')
                .ok_or_else(Problem::wrong_password)?;
            let agent = auth::check(centre, name, password, None).await?;
            centre.sessions.heard(BASIC);
            Ok(Self {
                agent,
                session: BASIC.to_owned(),
                expires: None,
            })
        } else {
            Err(Problem::token_expired())
        }
    }
}

impl SignedIn {
    fn by_token(centre: &Centre, token: &str) -> Result<Self, Problem> {
        let store = centre.store();
        let token = store
            .token(&password::digest(token))?
            .filter(|token| token.expires > clock::now().unix_timestamp())
            .ok_or_else(Problem::token_expired)?;
        let agent = store
            .agent(token.agent)?
            .ok_or_else(Problem::token_expired)?;
        auth::usable(&agent)?;
        centre.sessions.heard(&token.session);
        Ok(Self {
            agent,
            session: token.session,
            expires: Some(token.expires),
        })
    }
}

/// The parameters of the address; what does not fit is refused.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<Centre>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Centre>) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|error| Problem::malformed_query().because(format!("{error}.")))
    }
}

/// A JSON body of at most so many bytes; anything else is refused as malformed.
pub(crate) struct Body<T, const LIMIT: usize = BODY_LIMIT>(pub(crate) T);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<Arc<Centre>> for Body<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Centre>) -> Result<Self, Problem> {
        let bytes = axum::body::to_bytes(request.into_body(), LIMIT)
            .await
            .map_err(|_| {
                Problem::malformed_body()
                    .because("The request's body is too large or was cut short.")
            })?;
        // No body at all is an empty object: the calls without fields need none.
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            Problem::malformed_body().because(format!(
                "The request's body is not the JSON object that this call takes: {error}."
            ))
        })
    }
}
