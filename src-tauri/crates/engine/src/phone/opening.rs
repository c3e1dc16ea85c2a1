//! What opens beside the phone: screen pops and pages of the web desktop.

use sidetone_agent::Input;
use sidetone_profile::PopTarget;

use super::Phone;
use crate::api::EngineEvent;
use crate::screen_pop::{self, Opening};

impl Phone {
    /// Opens what a screen pop says, where IT allows it.
    pub(super) fn screen_pop(&mut self, target: PopTarget) {
        let opened = match self.gate.check(target) {
            Ok(Opening::Address(address)) => {
                self.announce(EngineEvent::OpenAddress {
                    address: address.into(),
                });
                Ok(())
            }
            Ok(Opening::Program { path, args }) => {
                screen_pop::start(&path, &args).map_err(Input::Failed)
            }
            Err(refusal) => Err(Input::NotAllowed(refusal)),
        };
        if let Err(refusal) = opened {
            tracing::warn!(?refusal, "screen pop");
            self.handle(refusal);
        }
    }

    /// Opens a page of the web desktop.
    pub(super) fn open_page(&mut self, address: &str) {
        match self.gate.page(address) {
            Ok(page) => self.announce(EngineEvent::OpenAddress {
                address: page.into(),
            }),
            Err(refusal) => self.handle(Input::NotAllowed(refusal)),
        }
    }
}
