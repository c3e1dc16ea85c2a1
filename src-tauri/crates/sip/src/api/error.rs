//! Why a request could not be made.

use std::net::SocketAddr;

/// Why a SIP request could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SipError {
    /// No such dialog, or it is over.
    #[error("this call is over")]
    NoSuchDialog,
    /// Not possible in the dialog's state.
    #[error("not possible now: {0}")]
    WrongState(&'static str),
    /// What was given is not a SIP address.
    #[error("{0} is not a SIP address")]
    BadAddress(String),
    /// No account to call through.
    #[error("no SIP account is set")]
    NoAccount,
    /// The socket could not be opened.
    #[error("cannot open {0}: {1}")]
    Bind(SocketAddr, String),
    /// The endpoint has stopped.
    #[error("the SIP endpoint has stopped")]
    Stopped,
}
