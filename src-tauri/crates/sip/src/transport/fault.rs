//! What went wrong with a connection, in words for people.

use std::io;

use rustls::CertificateError;
use rustls_pki_types::UnixTime;

use crate::core::{Fault, FaultKind};

impl Fault {
    pub(crate) fn of_io(error: &io::Error, server: &str) -> Self {
        let inner = error
            .get_ref()
            .and_then(|e| e.downcast_ref::<rustls::Error>());
        if let Some(tls) = inner {
            return Self::of_tls(tls, server);
        }
        Self::network(match error.kind() {
            io::ErrorKind::ConnectionRefused => {
                format!("the server at {server} refuses connections")
            }
            io::ErrorKind::TimedOut => format!("the server at {server} does not answer"),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                format!("there is no network path to {server}")
            }
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => {
                format!("the server at {server} closed the connection")
            }
            _ => format!("no connection to {server}: {error}"),
        })
    }

    fn of_tls(error: &rustls::Error, server: &str) -> Self {
        let rustls::Error::InvalidCertificate(fault) = error else {
            return Self::server(format!("no secure connection to {server}: {error}"));
        };
        let words = match fault {
            CertificateError::ExpiredContext { not_after, .. } => format!(
                "the certificate of {server} expired on {}",
                date(*not_after)
            ),
            CertificateError::Expired => format!("the certificate of {server} has expired"),
            CertificateError::NotValidYetContext { not_before, .. } => format!(
                "the certificate of {server} is valid only from {}; is the clock right?",
                date(*not_before)
            ),
            CertificateError::NotValidYet => {
                format!("the certificate of {server} is not valid yet; is the clock right?")
            }
            CertificateError::UnknownIssuer => {
                format!("the certificate of {server} is self-signed or its issuer is unknown")
            }
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => format!(
                "the certificate of {server} is not for {} but for {}",
                expected.to_str(),
                if presented.is_empty() {
                    "no name".to_owned()
                } else {
                    presented
                        .iter()
                        .map(|n| plain_name(n))
                        .collect::<Vec<_>>()
                        .join(", ")
                }
            ),
            CertificateError::NotValidForName => {
                format!("the certificate of {server} is for another name")
            }
            // A reinstalled server often brings a new authority under the old name.
            CertificateError::BadSignature => format!(
                "the certificate of {server} was not signed by the trusted authority of that name"
            ),
            CertificateError::Revoked => format!("the certificate of {server} was revoked"),
            other => format!("the certificate of {server} cannot be trusted: {other}"),
        };
        Self {
            kind: FaultKind::Certificate,
            words,
        }
    }
}

/// rustls names a presented name as `DnsName("x")`.
fn plain_name(presented: &str) -> &str {
    presented.split('"').nth(1).unwrap_or(presented)
}

/// Day of a time as `2026-03-01` (Gregorian, UTC).
fn date(time: UnixTime) -> String {
    let days = i64::try_from(time.as_secs() / 86_400).unwrap_or(0) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_798_761_599, "2026-12-31"),
        ] {
            assert_eq!(
                date(UnixTime::since_unix_epoch(Duration::from_secs(seconds))),
                day
            );
        }
    }
}
