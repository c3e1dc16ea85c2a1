//! Checks that are run one after the other, whatever came of the ones before, and are counted.

use std::process::Command;

use crate::failure::Failure;
use crate::steps::{Output, Steps};
use crate::system;

/// One check.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) command: Command,
    pub(crate) output: Output,
    pub(crate) remedy: &'static str,
}

/// What is checked, and what cannot be checked here.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    checks: Vec<Check>,
    left_out: Vec<(&'static str, String)>,
}

impl Checks {
    /// Whether a check of this name is there already.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.name == name)
    }

    /// Adds a check whose output is only shown when it fails.
    pub(crate) fn add(&mut self, name: &'static str, command: Command, remedy: &'static str) {
        self.checks.push(Check {
            name,
            command,
            output: Output::Kept,
            remedy,
        });
    }

    /// Adds a check whose output is shown.
    pub(crate) fn add_shown(&mut self, name: &'static str, command: Command, remedy: &'static str) {
        self.checks.push(Check {
            name,
            command,
            output: Output::Shown,
            remedy,
        });
    }

    /// Says that something is not checked here, and why.
    pub(crate) fn leave_out(&mut self, name: &'static str, reason: impl Into<String>) {
        self.left_out.push((name, reason.into()));
    }

    /// Runs them all and says how they went; with `CI=true` nothing may be left out.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut steps = Steps::new(self.checks.len());
        let mut passed = 0;
        let mut failures = Vec::new();
        for mut check in self.checks {
            match steps.run(check.name, &mut check.command, check.output, check.remedy) {
                Ok(()) => passed += 1,
                Err(failure) => failures.push(failure),
            }
        }
        eprintln!();
        for failure in &failures {
            eprintln!("{failure}\n");
        }
        for (name, reason) in &self.left_out {
            eprintln!("left out: {name}: {reason}");
        }
        eprintln!("Took {}.", steps.elapsed());
        println!(
            "checks: {passed} passed, {} failed, {} skipped",
            failures.len(),
            self.left_out.len()
        );
        if let Some(first) = failures.first() {
            return Err(Failure::new(
                failures
                    .iter()
                    .map(|failure| failure.step.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
                "see above",
                first.remedy.clone(),
            ));
        }
        if system::is_ci() && !self.left_out.is_empty() {
            return Err(Failure::missing(
                "checking everything",
                "CI=true is set and something was left out; its name and reason are above",
                "Give this machine what the reasons ask for.",
            ));
        }
        Ok(())
    }
}
