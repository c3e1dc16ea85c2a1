//! Times as the contract writes them: RFC 3339, UTC, milliseconds.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Now.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Now, as text.
pub(crate) fn now_text() -> String {
    text(now())
}

/// RFC 3339 with milliseconds.
pub(crate) fn text(at: OffsetDateTime) -> String {
    at.replace_millisecond(at.millisecond())
        .unwrap_or(at)
        .format(&Rfc3339)
        .unwrap_or_default()
}
