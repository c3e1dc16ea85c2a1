//! Comes with openapi.json.
