//! Fake manager interface.
