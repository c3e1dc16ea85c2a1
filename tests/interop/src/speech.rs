//! The speech of the made-up people, shared with the sandbox.

use std::io;
use std::path::PathBuf;

use crate::workspace_root;

/// The recordings, in the order of their names: 16 kHz, mono, 16 bit.
///
/// # Errors
/// When the folder cannot be read or has fewer than two.
pub fn recordings() -> io::Result<Vec<PathBuf>> {
    let folder = workspace_root().join("tests/sandbox/speech");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "wav"))
        .collect();
    files.sort();
    if files.len() < 2 {
        return Err(io::Error::other(format!(
            "{} needs two recordings or more",
            folder.display()
        )));
    }
    Ok(files)
}

/// What customers say.
///
/// # Errors
/// See [`recordings`].
pub fn customer() -> io::Result<PathBuf> {
    recordings().map(|files| files[0].clone())
}

/// What the agent says: not what customers say, so that neither is taken for the other.
///
/// # Errors
/// See [`recordings`].
pub fn agent() -> io::Result<PathBuf> {
    recordings().map(|files| files[files.len() - 1].clone())
}

/// The recording of this name, with or without its ending.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> io::Result<PathBuf> {
    recordings()?
        .into_iter()
        .find(|file| {
            file.file_stem()
                .is_some_and(|stem| stem == name.trim_end_matches(".wav"))
        })
        .ok_or_else(|| io::Error::other(format!("there is no recording {name}")))
}
