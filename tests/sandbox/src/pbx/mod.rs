//! The telephone system behind the contract: the sandbox's own small one, or an Asterisk.

pub(crate) mod ami;
mod asterisk;
mod small;

pub(crate) use asterisk::Asterisk;
pub use asterisk::AsteriskConfig;
pub(crate) use small::SmallPbx;
pub use small::{CustomerCall, SmallConfig};

use std::sync::Arc;

/// The telephone system in use.
pub(crate) enum Switch {
    /// Built on the project's own `sip` and `media`.
    Small(Arc<SmallPbx>),
    /// A real Asterisk, by its manager interface.
    Asterisk(Arc<Asterisk>),
}
