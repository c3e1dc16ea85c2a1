//! Errors as `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// One refusal: a code that programs read and a sentence that people read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// More members of the document.
    pub(crate) more: Map<String, Value>,
}

macro_rules! problems {
    ($($name:ident, $code:literal, $status:ident, $title:literal, $detail:literal;)*) => {
        impl Problem {
            $(pub(crate) fn $name() -> Self {
                Self { status: StatusCode::$status, code: $code, title: $title, detail: $detail.to_owned(), more: Map::new() }
            })*
        }
    };
}

problems! {
    wrong_password, "wrong_password", UNAUTHORIZED, "Wrong name or password", "The name or the password is wrong.";
    code_required, "code_required", UNAUTHORIZED, "One-time code needed", "This agent signs in with a one-time code as well: send it as code.";
    wrong_code, "wrong_code", UNAUTHORIZED, "Wrong one-time code", "The one-time code is wrong or too old.";
    account_locked, "account_locked", LOCKED, "Account locked", "This account is locked after five wrong passwords; an administrator can unlock it.";
    account_disabled, "account_disabled", FORBIDDEN, "Account disabled", "This account is switched off; an administrator can switch it on.";
    malformed_body, "malformed_body", BAD_REQUEST, "Malformed request", "The request's body is not the JSON object that this call takes.";
    malformed_query, "malformed_query", BAD_REQUEST, "Malformed query", "A parameter of the request's address is not valid.";
    token_expired, "token_expired", UNAUTHORIZED, "Sign in again", "The token is missing, unknown or has expired: sign in again.";
    unknown_reason, "unknown_reason", UNPROCESSABLE_ENTITY, "Unknown pause reason", "This is not one of the pause reasons of the contact centre.";
    unknown_channel, "unknown_channel", UNPROCESSABLE_ENTITY, "Unknown channel", "The channel is none of voice, chat, email, sms, openchannel, fax and whatsapp.";
    not_logged_in, "not_logged_in", CONFLICT, "Not logged in", "The agent is not logged in to the queues.";
    not_found, "not_found", NOT_FOUND, "Not found", "There is nothing at this address.";
    method_not_allowed, "method_not_allowed", METHOD_NOT_ALLOWED, "Method not allowed", "This address does not take this kind of request.";
    no_websocket, "no_websocket", UPGRADE_REQUIRED, "WebSocket needed", "This address speaks WebSocket only.";
    invalid_setting, "invalid_setting", UNPROCESSABLE_ENTITY, "Setting refused", "A setting has a value that is not allowed.";
    admin_only, "admin_only", FORBIDDEN, "Administrators only", "The administration is open to this machine, or with the administrator's token, only.";
    switch_unavailable, "switch_unavailable", BAD_GATEWAY, "Telephone system unavailable", "The telephone system did not carry out the request.";
    bad_code, "bad_code", BAD_REQUEST, "Sign-in code refused", "The code of the browser sign-in is unknown, used, older than a minute or does not belong to this program.";
    password_expired, "password_expired", FORBIDDEN, "Password expired", "The password is older than 90 days and has to be changed.";
    password_refused, "password_refused", UNPROCESSABLE_ENTITY, "Password refused", "The new password does not keep the rules.";
    not_allowed, "not_allowed", FORBIDDEN, "Not allowed", "The contact centre does not allow this.";
    paused, "paused", CONFLICT, "In pause", "A preview call cannot be started during a pause.";
    gone, "gone", CONFLICT, "Gone", "Somebody else has taken it, or it was withdrawn.";
    signed_in_elsewhere, "signed_in_elsewhere", CONFLICT, "Signed in elsewhere", "This agent is signed in on another device.";
    unknown_disposition, "unknown_disposition", UNPROCESSABLE_ENTITY, "Unknown disposition", "The path is not one of the contact centre's dispositions.";
    invalid_item, "invalid_item", UNPROCESSABLE_ENTITY, "Value refused", "A field has a value that is not allowed.";
    internal, "internal", INTERNAL_SERVER_ERROR, "Internal error", "The server could not read or write its data.";
}

impl Problem {
    /// The same refusal with a sentence of its own.
    pub(crate) fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same refusal with one more member.
    pub(crate) fn with(mut self, member: &str, value: Value) -> Self {
        self.more.insert(member.to_owned(), value);
        self
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "database");
        Self::internal()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = self.more;
        for (member, value) in [
            ("type", json!(format!("urn:sidetone:problem:{}", self.code))),
            ("title", json!(self.title)),
            ("status", json!(self.status.as_u16())),
            ("detail", json!(self.detail)),
            ("code", json!(self.code)),
        ] {
            body.insert(member.to_owned(), value);
        }
        let mut response = (self.status, Value::Object(body).to_string()).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
