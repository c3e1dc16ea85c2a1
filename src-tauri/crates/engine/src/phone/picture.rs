//! The agent's picture.

use std::sync::Arc;

use sidetone_agent::Input;
use sidetone_profile::Profile;

use super::Phone;
use crate::avatar::Avatar;

/// The picture that is shown, and where it is from.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// Its address in the profile; kept so that nothing is fetched twice.
    address: Option<String>,
    /// Counts the pictures.
    count: u32,
}

impl Phone {
    /// Fetches the picture of this profile when it is another one.
    pub(super) fn follow_picture(&mut self, profile: &Profile) {
        let address = profile.account.avatar.clone().filter(|it| !it.is_empty());
        if address != self.picture.address {
            self.picture.address.clone_from(&address);
            self.show_picture(None);
            if let Some(address) = address {
                self.server.picture(address);
            }
        }
    }

    /// The file came, or could not be had.
    pub(super) fn picture_said(&mut self, address: &str, file: Result<Vec<u8>, String>) {
        if self.picture.address.as_deref() != Some(address) {
            return;
        }
        let picture = file.and_then(|bytes| Avatar::read(bytes).map_err(|e| e.to_string()));
        match picture {
            Ok(picture) => self.show_picture(Some(picture)),
            Err(fault) => self.handle(Input::Failed(fault)),
        }
    }

    /// Nobody is signed in any more.
    pub(super) fn forget_picture(&mut self) {
        self.picture.address = None;
        self.show_picture(None);
    }

    /// Which picture the snapshot names.
    pub(super) fn picture_number(&self) -> Option<u32> {
        self.avatar.borrow().as_ref().map(|_| self.picture.count)
    }

    fn show_picture(&mut self, picture: Option<Avatar>) {
        self.picture.count = self.picture.count.wrapping_add(1);
        self.avatar.send_replace(picture.map(Arc::new));
    }
}
