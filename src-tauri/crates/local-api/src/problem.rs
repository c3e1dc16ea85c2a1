use serde_json::{Value, json};

/// Why a request is not carried out, in the server contract's own form (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    /// Methods that the path knows, for a 405.
    pub(crate) allow: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            allow: None,
        }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed_request", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not_found", "There is nothing at this path.")
    }

    pub(crate) fn unknown_call() -> Self {
        Self::new(404, "unknown_call", "There is no call with this number.")
    }

    /// The call, or the phone, is in no state for this.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "wrong_state", detail)
    }

    /// The phone said no, in its own words.
    pub(crate) fn refused(words: &str) -> Self {
        Self::new(409, "refused", words)
    }

    pub(crate) fn stopped() -> Self {
        Self::new(503, "stopped", "The phone has stopped.")
    }

    pub(crate) fn no_effect() -> Self {
        Self::new(
            503,
            "no_effect",
            "The phone was asked, and nothing came of it.",
        )
    }

    pub(crate) fn document(&self) -> Value {
        json!({
            "type": format!("urn:sidetone:problem:{}", self.code),
            "title": title(self.status),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        })
    }
}

fn title(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Error")
}
