//! What `benches/speed.rs` measures: the message layer, and the core without sockets and without a clock.

pub use crate::core::measuring::{Pair, Written, parse};
