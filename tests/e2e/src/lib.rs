//! Drives the real window: a private desk (display, session bus, sound server), the real `sidetone` binary under
//! WebDriver, and the embedded contact centre beside it.
//!
//! Only what a test needs to see and hear the product from outside; nothing of the product's own code.

pub mod bar;
pub mod centre;
pub mod desk;
pub mod process;
