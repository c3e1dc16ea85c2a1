//! `cargo xtask bundle`, and the test of what it makes.

use std::process::Command;

use crate::checks::Checks;
use crate::failure::Failure;
use crate::needs::{Need, Purpose};
use crate::setup::{self, Consent};
use crate::steps::{Output, Steps};
use crate::system;
use crate::workspace::{npm, npm_is_current, released, root};

pub(crate) fn bundle(consent: Consent) -> Result<(), Failure> {
    setup::setup(Purpose::Bar, consent)?;
    let fetch = !npm_is_current();
    let mut steps = Steps::new(1 + usize::from(fetch));
    if fetch {
        steps.run(
            "fetching the user interface's packages",
            &mut npm(["ci", "--no-audit", "--no-fund"]),
            Output::Kept,
            "Is the npm registry reachable?",
        )?;
    }
    steps.run(
        "building and packing the bar with optimisations",
        &mut tauri_build(),
        Output::Kept,
        "Read what the bundler says above.",
    )?;
    println!("{}", released("bundle").display());
    Ok(())
}

/// The packages, and the .deb installed and started in a clean Debian.
pub(crate) fn add_checks(checks: &mut Checks, missing: &[&Need]) {
    const NAME: &str = "the .deb installed and started in a clean Debian";
    checks.add(
        "packing the bar",
        tauri_build(),
        "Read what the bundler says above.",
    );
    if !system::is_root() {
        return checks.leave_out(NAME, "a clean Debian root needs root");
    }
    if missing
        .iter()
        .any(|need| need.name.starts_with("debootstrap"))
    {
        return checks.leave_out(NAME, "debootstrap is missing");
    }
    let mut try_it = Command::new("bash");
    try_it
        .arg(root().join("packaging/linux/try-deb.sh"))
        .arg(released("bundle/deb"));
    checks.add_shown(NAME, try_it, "Read what it says above.");
}

fn tauri_build() -> Command {
    let mut command = Command::new("node");
    command
        .arg(root().join("ui/node_modules/@tauri-apps/cli/tauri.js"))
        .args(["build", "--ci"])
        .args(if cfg!(target_os = "linux") {
            ["--bundles", "deb,rpm"].as_slice()
        } else {
            &[]
        })
        .current_dir(root());
    command
}
