use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;
use sidetone_profile::PasswordRules;

/// Why a request to the contact-centre server did not give what it should; each is one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum Fault {
    /// What was typed is no server address.
    #[error("{typed:?} is not a server address: {why}")]
    BadAddress {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The certificate cannot be trusted.
    #[error("{0}")]
    Certificate(#[from] CertificateFault),
    /// The server could not be reached.
    #[error("{0}")]
    Unreachable(#[from] Unreachable),
    /// The address answers, but not as a contact-centre server (404 and no problem document).
    #[error("{host} is not a contact-centre server: it knows no {path}")]
    NotSuchServer {
        /// Who answered.
        host: String,
        /// What was asked for.
        path: String,
    },
    /// Something else than JSON came back, for example a proxy's sign-in page.
    #[error("{host} answered {job} with {got} instead of JSON; a proxy may be in the way")]
    NotJson {
        /// Who answered.
        host: String,
        /// What was asked for.
        job: &'static str,
        /// What came, in words.
        got: String,
    },
    /// The JSON is malformed, or a field is missing or of the wrong kind.
    #[error(
        "the server's answer for {job} cannot be read at line {line}, column {column}: {fault}"
    )]
    BadJson {
        /// What was asked for.
        job: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        fault: String,
    },
    /// The agent object is of no use.
    #[error("{0}")]
    BadProfile(String),
    /// The server refused and said why.
    #[error("{detail}")]
    Refused {
        /// HTTP status, for the details.
        status: u16,
        /// The server's code, for example `unknown_reason`.
        code: String,
        /// The server's sentence.
        detail: String,
    },
    /// The password is too old: a new one is needed before anything else.
    #[error("the password is too old; a new one is needed")]
    PasswordExpired(PasswordRules),
    /// The server answered with a status and no reason.
    #[error("the server could not answer {job}: status {status}")]
    Status {
        /// What was asked for.
        job: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// The token is no longer good: the agent must sign in again.
    #[error("{detail}")]
    SessionEnded {
        /// The server's code, for example `token_expired`.
        code: String,
        /// The server's sentence.
        detail: String,
    },
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// Its time is over.
    #[error("the certificate of {host} has expired; the administrator must renew it")]
    Expired {
        /// Whose.
        host: String,
    },
    /// Its time has not begun, or this computer's clock is wrong.
    #[error("the certificate of {host} is not valid yet; check this computer's clock")]
    NotYetValid {
        /// Whose.
        host: String,
    },
    /// Self-signed, or signed by somebody this computer does not trust.
    #[error(
        "the certificate of {host} is self-signed or from an unknown issuer; the administrator must install its authority on this computer"
    )]
    UnknownIssuer {
        /// Whose.
        host: String,
    },
    /// It belongs to other names.
    #[error("the certificate was not made for {host}{}; check the server address", names(.valid_for))]
    WrongHost {
        /// Who was asked.
        host: String,
        /// Names that it was made for, when known.
        valid_for: Vec<String>,
    },
    /// Taken back by its issuer.
    #[error("the certificate of {host} was revoked by its issuer")]
    Revoked {
        /// Whose.
        host: String,
    },
    /// Another fault.
    #[error("the certificate of {host} cannot be trusted: {fault}")]
    Other {
        /// Whose.
        host: String,
        /// What the verifier said.
        fault: String,
    },
}

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nothing listens there.
    #[error("{host} refuses connections on port {port}")]
    Refused {
        /// Who was asked.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// The name does not exist, or no name server answers.
    #[error("the name {host} was not found; check the server address and the network")]
    NameNotFound {
        /// Who was asked.
        host: String,
    },
    /// The network leads nowhere, for example because the cable is out.
    #[error("there is no network path to {host}; check this computer's network")]
    NoRoute {
        /// Who was asked.
        host: String,
    },
    /// No answer in time.
    #[error("{host} did not answer in time")]
    Timeout {
        /// Who was asked.
        host: String,
    },
    /// What listens there speaks no TLS, or none in common with us.
    #[error("{host} does not speak HTTPS on port {port}: {fault}")]
    Tls {
        /// Who was asked.
        host: String,
        /// TCP port.
        port: u16,
        /// What happened.
        fault: String,
    },
    /// The connection broke.
    #[error("the connection to {host} was lost: {fault}")]
    Lost {
        /// Who was asked.
        host: String,
        /// What happened.
        fault: String,
    },
}

/// Whom a connection was for, to be named in a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl Fault {
    /// The server does not know the route at all: a feature that it does not have.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::NotSuchServer { .. } => true,
            Self::Refused { status, .. } | Self::Status { status, .. } => {
                matches!(status, 404 | 405 | 501)
            }
            _ => false,
        }
    }

    /// The server is away, not against: nothing of it answers, or something before it that says so.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Status { status, .. } | Self::Refused { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Names the fault of a connection by the first known cause in a chain of errors.
    pub(crate) fn of_connection(peer: Peer<'_>, error: &(dyn StdError + 'static)) -> Self {
        let host = || peer.host.to_owned();
        let mut last = error.to_string();
        let mut link = Some(error);
        while let Some(error) = link {
            last = error.to_string();
            if let Some(io) = error.downcast_ref::<io::Error>() {
                if let Some(tls) = tls_inside(io) {
                    return Self::of_tls(peer, tls);
                }
                match io.kind() {
                    io::ErrorKind::ConnectionRefused => {
                        return Unreachable::Refused {
                            host: host(),
                            port: peer.port,
                        }
                        .into();
                    }
                    io::ErrorKind::TimedOut => {
                        return Unreachable::Timeout { host: host() }.into();
                    }
                    io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe => {
                        return Unreachable::Lost {
                            host: host(),
                            fault: CLOSED.to_owned(),
                        }
                        .into();
                    }
                    io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                        return Unreachable::NoRoute { host: host() }.into();
                    }
                    _ => {}
                }
            }
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::of_tls(peer, tls);
            }
            if is_name_lookup(&last) {
                return Unreachable::NameNotFound { host: host() }.into();
            }
            link = error.source();
        }
        Unreachable::Lost {
            host: host(),
            fault: last,
        }
        .into()
    }

    fn of_tls(peer: Peer<'_>, error: &rustls::Error) -> Self {
        let host = peer.host.to_owned();
        match error {
            rustls::Error::InvalidCertificate(fault) => {
                CertificateFault::of(peer.host, fault).into()
            }
            other => Unreachable::Tls {
                host,
                port: peer.port,
                fault: other.to_string(),
            }
            .into(),
        }
    }
}

impl CertificateFault {
    /// Puts a verifier's verdict on the certificate of `host` in words.
    #[must_use]
    pub fn of(host: &str, error: &CertificateError) -> Self {
        let host = host.to_owned();
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Self::Expired { host }
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid { host }
            }
            // A bad signature is what an authority of the same name but another key looks like.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Self::UnknownIssuer { host }
            }
            CertificateError::NotValidForName => Self::WrongHost {
                host,
                valid_for: Vec::new(),
            },
            CertificateError::NotValidForNameContext { presented, .. } => Self::WrongHost {
                host,
                valid_for: presented.iter().map(|name| bare_name(name)).collect(),
            },
            CertificateError::Revoked => Self::Revoked { host },
            // A self-signed authority that is served as the server's own certificate.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                Self::UnknownIssuer { host }
            }
            other => Self::Other {
                host,
                fault: other.to_string(),
            },
        }
    }
}

/// How every sudden end of a connection is worded, whichever side of TLS noticed it.
pub(crate) const CLOSED: &str = "the server closed it";

/// `io::Error::source` skips what it wraps itself, and connectors wrap more than once.
fn tls_inside(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<rustls::Error>() {
        Some(tls) => Some(tls),
        None => tls_inside(inner.downcast_ref::<io::Error>()?),
    }
}

/// The resolver's error has no type of its own; hyper-util and tokio word it like this.
fn is_name_lookup(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("failed to lookup address")
        || words.contains("dns error")
        || words.contains("no such host")
        || words.contains("nodename nor servname")
}

/// `DnsName("a.example")` as webpki prints it, without its wrapping.
fn bare_name(presented: &str) -> String {
    let inside = presented
        .split_once('(')
        .map_or(presented, |(_, rest)| rest.trim_end_matches(')'));
    inside.trim_matches('"').to_owned()
}

fn names(valid_for: &[String]) -> String {
    if valid_for.is_empty() {
        String::new()
    } else {
        format!(" but for {}", valid_for.join(", "))
    }
}
