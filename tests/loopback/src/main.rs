//! `sidetone-loopback`: calls through simulated networks, scored, faster than real time.

mod options;
mod run;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let options = options::Options::parse();
    match run::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => {
            eprintln!("sidetone-loopback: {fault}");
            ExitCode::from(2)
        }
    }
}
