//! `sidetone-headless`: the softphone without a window, for testers, IT and monitoring.
//!
//! It takes commands on standard input and tells what happens on standard output, one line each. No rule of
//! the phone is written here: it only translates between lines and the engine.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that panics has failed")
)]

mod command;
mod options;
mod password;
mod report;
mod run;
mod select;

use std::process::ExitCode;

use clap::Parser;
use options::Options;

fn main() -> ExitCode {
    let options = Options::parse();
    sidetone_engine::logging::start(&options.log);
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        // Somebody installed one before; every connection names its provider itself.
        tracing::debug!("a TLS provider was installed before");
    }
    // One worker: waking a second one for every datagram costs more than all that there is to do.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(fault) => {
            eprintln!("sidetone-headless: the system gives no threads: {fault}");
            return ExitCode::from(run::Exit::CannotStart as u8);
        }
    };
    let exit = runtime.block_on(run::run(options));
    // A blocking read of standard input must not keep the process alive.
    runtime.shutdown_background();
    ExitCode::from(exit as u8)
}
