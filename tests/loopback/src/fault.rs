//! Why nothing could be measured.

use std::path::PathBuf;

use sidetone_loopback::against::ServerError;
use sidetone_loopback::devices::DeskError;
use sidetone_loopback::speech::SpeechError;
use sidetone_loopback::thresholds::ThresholdError;
use sidetone_motion::trust::TrustError;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// A file could not be read or written.
    #[error("{}: {fault}", path.display())]
    File {
        path: PathBuf,
        fault: std::io::Error,
    },
    /// A file of results is none.
    #[error("{}: this is no file of results: {fault}", path.display())]
    Results {
        path: PathBuf,
        fault: serde_json::Error,
    },
    /// A file of thresholds cannot be used.
    #[error("{}: {fault}", path.display())]
    Thresholds {
        path: PathBuf,
        fault: ThresholdError,
    },
    /// A WAV file could not be written.
    #[error("{}: {fault}", path.display())]
    Wav { path: PathBuf, fault: hound::Error },
    /// The results could not be put into words.
    #[error("the results cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The report could not be made.
    #[error("the report cannot be made: {0}")]
    Picture(#[from] png::EncodingError),
    /// The shipped speech is broken.
    #[error(transparent)]
    Speech(#[from] SpeechError),
    /// A certificate authority cannot be used.
    #[error("{}: {fault}", path.display())]
    Authority { path: PathBuf, fault: TrustError },
    /// There is nobody to trust.
    #[error("no certificate authority can be used: {0}")]
    Trust(TrustError),
    /// The address of the server is none.
    #[error("--against {0}: this is not wss://HOST[:PORT]/path")]
    Address(url::Url),
    /// The password is neither in the environment nor typed.
    #[error("no password: set {variable}, or start this at a terminal ({fault})")]
    Password { variable: String, fault: String },
    /// Tunings of Opus are for virtual time.
    #[error("{0} is measured in virtual time only")]
    VirtualOnly(String),
    /// The system gives no threads.
    #[error("the harness cannot start: {0}")]
    Start(std::io::Error),
    /// The sound devices.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The server.
    #[error(transparent)]
    Server(#[from] ServerError),
}
