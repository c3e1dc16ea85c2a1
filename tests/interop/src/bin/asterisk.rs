//! Starts the tests' Asterisk for a try by hand: `sudo asterisk [COMMAND ...]` runs COMMAND (a shell when there
//! is none) in the namespace, with `ASTERISK_WSS`, `ASTERISK_CA`, `ASTERISK_AMI`, `ASTERISK_LOG` and the accounts'
//! secrets (`SECRET_201` …) in its environment; Asterisk ends with it.

use std::process::{Command, ExitCode};

use sidetone_interop::asterisk::{self, ACCOUNTS, AMI_ADDRESS, AMI_USER, Asterisk};
use sidetone_interop::{WorkDir, namespace, speech};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if !namespace::is_inside() {
        // Inside there is no network to fetch it from.
        asterisk::root()?;
        let status = namespace::inside(std::env::current_exe()?.as_os_str())
            .args(arguments)
            .status()?;
        return Ok(if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let mut folder = WorkDir::new("asterisk")?;
    let speech = speech::customer()?;
    let asterisk = Asterisk::start(folder.path(), &speech)?;
    let mut command = match arguments.split_first() {
        Some((program, rest)) => {
            let mut command = Command::new(program);
            command.args(rest);
            command
        }
        None => Command::new("bash"),
    };
    command
        .env("ASTERISK_WSS", asterisk.wss_url())
        .env("ASTERISK_CA", asterisk.ca())
        .env("ASTERISK_AMI", AMI_ADDRESS.to_string())
        .env("ASTERISK_AMI_USER", AMI_USER)
        .env("ASTERISK_AMI_SECRET", asterisk.secret("AMI"))
        .env("ASTERISK_SPEECH", &speech)
        .env("ASTERISK_LOG", folder.file("log/full"));
    for account in ACCOUNTS {
        command.env(format!("SECRET_{account}"), asterisk.secret(account));
    }
    let status = command.status()?;
    if !status.success() {
        folder.keep();
    }
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
