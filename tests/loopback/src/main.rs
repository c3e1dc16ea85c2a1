//! `sidetone-loopback`: calls through simulated networks, scored, faster than real time; and through sound devices and
//! against a real server in real time.

mod fault;
mod live_run;
mod options;
mod run;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let options = options::Options::parse();
    // A second provider in a process is an error of rustls alone; there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("sidetone-loopback: {fault}");
            ExitCode::from(2)
        }
    }
}
