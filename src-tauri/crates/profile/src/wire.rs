//! The mapping from the server's field names to the domain: the only place where they are written down.

use serde_json::{Map, Value};

use crate::Profile;

/// One field of the server's agent object that could not be used; the rest of the profile still is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value} cannot be used; allowed: {allowed}")]
pub struct FieldError {
    /// The server's field name.
    pub field: &'static str,
    /// What the server sent, shortened.
    pub value: String,
    /// What is allowed there, in words.
    pub allowed: &'static str,
}

/// Why an agent object is of no use at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The document is not a JSON object.
    #[error("the server's agent document is not a JSON object but {0}")]
    NotAnObject(&'static str),
    /// A field without which nothing works is missing.
    #[error("the server's agent document has no usable {0}")]
    Missing(&'static str),
}

/// Reads the server's agent object; wrong fields keep their default and are reported.
///
/// # Errors
/// [`WireError`] when the document is of no use at all.
pub fn read(document: &Value) -> Result<(Profile, Vec<FieldError>), WireError> {
    let _ = document;
    unimplemented!()
}

/// Writes a profile with the server's field names: the inverse of [`read`], used by the sandbox.
#[must_use]
pub fn write(profile: &Profile) -> Map<String, Value> {
    let _ = profile;
    unimplemented!()
}
