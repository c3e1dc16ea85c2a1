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
    /// Real servers, networks and windows are in it: one failure may be theirs, two are ours.
    pub(crate) second_try: bool,
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
            second_try: false,
        });
    }

    /// Adds a check whose output is shown.
    pub(crate) fn add_shown(&mut self, name: &'static str, command: Command, remedy: &'static str) {
        self.checks.push(Check {
            name,
            command,
            output: Output::Shown,
            remedy,
            second_try: false,
        });
    }

    /// Adds a check with real counterparts in it, whose output is shown: it has a second try, which is said loudly.
    pub(crate) fn add_with_counterparts(
        &mut self,
        name: &'static str,
        command: Command,
        remedy: &'static str,
    ) {
        self.checks.push(Check {
            name,
            command,
            output: Output::Shown,
            remedy,
            second_try: true,
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
        let mut unsteady = Vec::new();
        for mut check in self.checks {
            let mut run = |steps: &mut Steps| {
                steps.run(check.name, &mut check.command, check.output, check.remedy)
            };
            let mut outcome = run(&mut steps);
            if outcome.is_err() && check.second_try {
                steps.repeat("the same once more, since real counterparts are in it");
                outcome = run(&mut steps);
                if outcome.is_ok() {
                    unsteady.push(check.name);
                }
            }
            match outcome {
                Ok(()) => passed += 1,
                Err(failure) => failures.push(failure),
            }
        }
        eprintln!();
        for failure in &failures {
            eprintln!("{failure}\n");
        }
        for name in &unsteady {
            eprintln!(
                "UNSTEADY: {name}: failed first, passed at the second try. What failed is above; it wants mending."
            );
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Fails the first time, passes afterwards.
    fn fails_once(folder: &std::path::Path) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "test -e \"$0\" || { touch \"$0\"; exit 1; }"])
            .arg(folder.join("was-here"));
        shell
    }

    #[test]
    fn only_what_has_counterparts_gets_a_second_try() {
        let folder = std::env::temp_dir().join(format!("sidetone-checks-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut steady = Checks::default();
        steady.add_shown("no second try", fails_once(&folder), "none");
        assert!(steady.run().is_err());
        std::fs::remove_file(folder.join("was-here")).expect("it ran");
        let mut unsteady = Checks::default();
        unsteady.add_with_counterparts("a second try", fails_once(&folder), "none");
        assert!(unsteady.run().is_ok());
        let mut broken = Checks::default();
        broken.add_with_counterparts("broken", Command::new("false"), "none");
        assert!(broken.run().is_err());
        std::fs::remove_dir_all(folder).expect("it is ours");
    }
}
