//! The parsers of outside bytes, as the targets in `tests/fuzz` call them: bytes in, nothing out but a panic.

pub use crate::core::fuzzing::{
    challenge, core, dialog_info, message, message_summary, origin, sipfrag,
};
pub use crate::transport::fuzzing::stream;
