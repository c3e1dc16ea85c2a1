//! What the shell itself remembers: where the bar was and whether it stays on top.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Kept in `window.json`, in physical pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Preferences {
    /// Top left corner of the bar.
    pub(crate) position: Option<(i32, i32)>,
    /// Width of the bar in logical pixels.
    pub(crate) width: Option<u32>,
    /// The bar stays above other windows.
    pub(crate) always_on_top: bool,
}

/// Where they are kept.
#[derive(Clone, Debug)]
pub(crate) struct PreferencesFile(PathBuf);

impl PreferencesFile {
    /// In this folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.join("window.json"))
    }

    /// What was kept; a missing or broken file is a first start.
    pub(crate) fn read(&self) -> Preferences {
        std::fs::read(&self.0)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps them; a folder that cannot be written costs the bar its place, nothing else.
    pub(crate) fn write(&self, preferences: Preferences) {
        let written = self
            .0
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| Ok(serde_json::to_vec_pretty(&preferences)?))
            .and_then(|text| std::fs::write(&self.0, text));
        if let Err(fault) = written {
            tracing::warn!(%fault, "the bar's place could not be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_broken_file_is_a_first_start() {
        let folder = std::env::temp_dir().join(format!("sidetone-place-{}", std::process::id()));
        let file = PreferencesFile::in_folder(&folder);
        assert_eq!(file.read(), Preferences::default());
        let kept = Preferences {
            position: Some((-1920, 40)),
            width: Some(800),
            always_on_top: true,
        };
        file.write(kept);
        assert_eq!(file.read(), kept);
        std::fs::write(folder.join("window.json"), "{").expect("the folder is there");
        assert_eq!(file.read(), Preferences::default());
        std::fs::remove_dir_all(folder).expect("the folder is there");
    }
}
