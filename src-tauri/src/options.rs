//! The command line.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use clap::Parser;
use sidetone_profile::Secret;

/// Softphone and agent bar for contact-centre agents.
#[derive(Debug, Parser)]
#[command(name = "sidetone", version, about)]
pub(crate) struct Options {
    /// Base address of the contact-centre server; with --name and --password-fd, signs in at once
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Sign-in name
    #[arg(long, value_name = "USER")]
    pub(crate) name: Option<String>,
    /// PEM file with a CA to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Read the password from the first line of this file descriptor (0 is standard input)
    #[arg(long, value_name = "N", requires = "server", requires = "name")]
    pub(crate) password_fd: Option<u32>,
    /// IT's policy file, instead of the one at the system's place
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A click-to-dial address, as the desktop hands it over; not used yet by this version
    #[arg(hide = true)]
    pub(crate) address: Option<String>,
}

impl Options {
    /// The password, when one was announced.
    ///
    /// # Errors
    /// A sentence when the descriptor cannot be read or its first line is empty.
    pub(crate) fn password(&self) -> Result<Option<Secret>, String> {
        let Some(descriptor) = self.password_fd else {
            return Ok(None);
        };
        let mut line = String::new();
        let read = if descriptor == 0 {
            std::io::stdin().lock().read_line(&mut line)
        } else {
            // The descriptor's own path: opening it needs no unsafe code. Where there is none, only 0 works.
            std::fs::File::open(format!("/dev/fd/{descriptor}"))
                .and_then(|file| BufReader::new(file).read_line(&mut line))
        };
        let secret = Secret::new(line.trim_end_matches(['\r', '\n']));
        match read {
            Ok(_) if secret.reveal().is_empty() => Err(format!(
                "--password-fd {descriptor}: the first line holds no password"
            )),
            Ok(_) => Ok(Some(secret)),
            Err(fault) => Err(format!(
                "--password-fd {descriptor} cannot be read: {fault}"
            )),
        }
    }
}
