//! `cargo xtask bench`: figures about speed; they are printed, not judged.

use std::process::Command;

use crate::failure::Failure;
use crate::needs::Purpose;
use crate::setup::{self, Consent};
use crate::steps::{Output, Steps};
use crate::workspace::cargo;

pub(crate) fn bench(consent: Consent) -> Result<(), Failure> {
    setup::setup(Purpose::Test, consent)?;
    let mut steps = Steps::new(5);
    steps.run(
        "building with optimisations",
        &mut cargo([
            "build",
            "--locked",
            "--release",
            "-p",
            "sidetone-sandbox",
            "-p",
            "sidetone-headless",
            "-p",
            "sidetone-interop",
        ]),
        Output::Kept,
        "Read what the compiler says above.",
    )?;
    steps.run(
        "measuring each stage of the voice",
        &mut cargo([
            "bench",
            "--locked",
            "-p",
            "sidetone-media",
            "--bench",
            "stages",
        ]),
        Output::Shown,
        "Read what it says above.",
    )?;
    steps.run(
        "measuring SIP without a network (a build, then half a minute)",
        &mut cargo([
            "bench",
            "--locked",
            "-p",
            "sidetone-sip",
            "--features",
            "measuring",
            "--bench",
            "speed",
        ]),
        Output::Shown,
        "Read what the compiler says above.",
    )?;
    steps.run(
        "measuring sessions per core, and from mouth to ear through sound devices (a build, then six minutes)",
        &mut cargo([
            "bench",
            "--locked",
            "-p",
            "sidetone-loopback",
            "--bench",
            "sessions",
            "--bench",
            "mouth_to_ear",
        ]),
        Output::Shown,
        "Read what it says above.",
    )?;
    let program = crate::workspace::released("bench");
    let mut command = if crate::system::is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.arg("--preserve-env").arg(program);
        command
    };
    steps.run(
        "measuring (about four minutes)",
        &mut command,
        Output::Shown,
        "Read what it says above; it needs root for a network namespace.",
    )
}
