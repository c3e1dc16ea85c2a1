//! The embedded contact centre, as its own process.

use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command};

use serde_json::Value;

use crate::process::{Process, ProcessError};

/// The running contact centre.
#[derive(Debug)]
pub struct Centre {
    /// Base address for the sign-in screen.
    pub server: String,
    /// Base address of the admin page and its interface.
    pub admin: String,
    /// PEM file of its CA.
    pub ca: PathBuf,
    _process: Process,
    _events: std::io::BufReader<ChildStdout>,
}

impl Centre {
    /// Starts it on loopback and waits until it serves.
    ///
    /// # Errors
    /// [`ProcessError`] when it is not built or does not get ready.
    pub fn open(folder: &Path, arguments: &[&str]) -> Result<Self, ProcessError> {
        let ca = folder.join("sandbox-ca.pem");
        let (process, line, events) = Process::start_and_read_line(
            "sidetone-sandbox",
            Command::new(binary("sidetone-sandbox"))
                .args(["--json", "--ca-out"])
                .arg(&ca)
                .args(arguments),
        )?;
        let ready: Value = serde_json::from_str(&line)
            .map_err(|_| ProcessError::NotReady(format!("sidetone-sandbox said {line:?};")))?;
        let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            server: text("server"),
            admin: text("admin"),
            ca,
            _process: process,
            _events: events,
        })
    }
}

/// A binary of this workspace, beside the running test.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors()
        .skip(1)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(name))
}
