//! Installs what is missing, after saying what and asking.

use std::io::Write;
use std::process::Command;

use crate::failure::Failure;
use crate::needs::{self, Need, Purpose};
use crate::steps::{Output, Steps};
use crate::system::{self, Manager};

const STEP: &str = "looking for what is missing on this machine";

/// Whether installing needs a question first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Given on the command line, or nobody is there to be asked.
    Given,
    /// Somebody is at the terminal.
    Ask,
}

impl Consent {
    pub(crate) fn from_flag(yes: bool) -> Self {
        if yes || !system::can_ask() {
            Self::Given
        } else {
            Self::Ask
        }
    }

    /// Asks, when that is needed.
    pub(crate) fn to(self, question: &str) -> bool {
        if self == Self::Given {
            return true;
        }
        eprint!("{question} [Y/n] ");
        let mut answer = String::new();
        std::io::stderr().flush().is_ok()
            && std::io::stdin()
                .read_line(&mut answer)
                .is_ok_and(|read| read > 0)
            && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
    }
}

/// Installs what is missing; an error when something is missing still.
pub(crate) fn setup(purpose: Purpose, consent: Consent) -> Result<(), Failure> {
    let left = provide(purpose, consent)?;
    match left.as_slice() {
        [] => Ok(()),
        left => Err(Failure::missing(
            STEP,
            format!("missing: {}", names(left)),
            remedies(left),
        )),
    }
}

/// Installs what is missing and can be installed, and returns what is missing still.
pub(crate) fn provide(purpose: Purpose, consent: Consent) -> Result<Vec<&'static Need>, Failure> {
    let missing = needs::missing(purpose);
    if missing.is_empty() {
        eprintln!("Nothing is missing on this machine.");
        return Ok(missing);
    }
    eprintln!("Missing on this machine:");
    for need in &missing {
        eprintln!("  {}", need.name);
    }
    let Some(manager) = Manager::detect() else {
        eprintln!("Its package manager is not known here.");
        return Ok(missing);
    };
    let mut packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages(manager))
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(missing);
    }
    let services: Vec<&str> = missing.iter().flat_map(|need| need.services()).collect();
    let lines: Vec<_> = Manager::keep_stopped(&services)
        .into_iter()
        .chain(manager.install(&packages))
        .collect();
    eprintln!("To be run:");
    for line in &lines {
        eprintln!("  {}", line.words().join(" "));
    }
    if !consent.to("Install them now?") {
        return Ok(missing);
    }
    let mut steps = Steps::new(lines.len());
    for line in lines {
        let words = line.words();
        let (program, arguments) = words.split_first().expect("every line names its program");
        steps.run(
            line.name(),
            Command::new(program).args(arguments),
            // sudo may ask for a password.
            if program == "sudo" {
                Output::Shown
            } else {
                Output::Kept
            },
            &format!("Run it by hand and read what it says: {}", words.join(" ")),
        )?;
    }
    Ok(needs::missing(purpose))
}

/// The names of needs, for a sentence.
pub(crate) fn names(needs: &[&Need]) -> String {
    needs
        .iter()
        .map(|need| need.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// How to get them.
pub(crate) fn remedies(needs: &[&Need]) -> String {
    let mut all: Vec<String> = needs
        .iter()
        .map(
            |need| match Manager::detect().map(|manager| need.packages(manager)) {
                Some(packages) if !packages.is_empty() => {
                    format!("Install {}.", packages.join(" "))
                }
                _ => need.by_hand(),
            },
        )
        .collect();
    all.push("Then run the same command again.".to_owned());
    all.join("\n         ")
}
