//! `cargo xtask …`: set-up, run, test, lint, bench and bundle.
//!
//! What belongs here: starting other programs in the right order and saying what happens meanwhile. What must
//! not enter: anything of the phone, and any dependency that makes the first build on a fresh machine slow.
//!
//! Exit codes: 0 all is well; 1 a step failed; 2 the command line is wrong; 3 something is missing on this
//! machine and was not installed.

mod bench;
mod bundle;
mod checks;
mod failure;
mod fuzz;
mod needs;
mod run;
mod setup;
mod steps;
mod system;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::Failure;
use crate::setup::Consent;

fn main() -> ExitCode {
    let arguments = command_line().get_matches();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(arguments: &ArgMatches) -> Result<(), Failure> {
    match arguments.subcommand() {
        Some(("setup", given)) => setup::setup(purpose(given), consent(given)),
        Some(("run", given)) if given.get_flag("headless") => run::headless(consent(given)),
        Some(("run", given)) => run::bar(consent(given), given.get_flag("release")),
        Some(("test", given)) => test::test(
            given.get_one::<String>("only").map(String::as_str),
            given.get_flag("long"),
            consent(given),
        ),
        Some(("lint", given)) => test::lint(given.get_flag("long"), consent(given)),
        Some(("bench", given)) => bench::bench(consent(given)),
        Some(("bundle", given)) => bundle::bundle(consent(given)),
        _ => unreachable!("clap asks for a sub-command"),
    }
}

fn command_line() -> Command {
    let yes = Arg::new("yes")
        .long("yes")
        .short('y')
        .action(ArgAction::SetTrue)
        .help("Install what is missing without asking");
    let long = Arg::new("long").long("long").action(ArgAction::SetTrue);
    Command::new("cargo xtask")
        .about("Sets up, runs, tests and bundles Sidetone")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("setup")
                .about("Installs what is missing on this machine, with its own package manager")
                .arg(
                    Arg::new("for")
                        .long("for")
                        .value_name("WHAT")
                        .value_parser(["headless", "bar", "test"])
                        .default_value("test")
                        .help("What it is needed for; each includes the ones before"),
                )
                .arg(yes.clone()),
        )
        .subcommand(
            Command::new("run")
                .about("Starts an embedded contact centre and the bar, signed in, with customers calling")
                .arg(
                    Arg::new("headless")
                        .long("headless")
                        .action(ArgAction::SetTrue)
                        .help("No window: takes one queue call and says in JSON how its sound compared"),
                )
                .arg(
                    Arg::new("release")
                        .long("release")
                        .action(ArgAction::SetTrue)
                        .help("With the compiler's optimisations (a longer build)"),
                )
                .arg(yes.clone()),
        )
        .subcommand(
            Command::new("test")
                .about("Checks everything that can be checked on this machine")
                .arg(
                    Arg::new("only")
                        .long("only")
                        .value_name("PART")
                        .value_parser(["unit", "interop", "e2e"])
                        .help("One part"),
                )
                .arg(long.clone().help("Also what takes long: packages installed in a clean system"))
                .arg(yes.clone()),
        )
        .subcommand(
            Command::new("lint")
                .about("Formatting, clippy, licences and bans")
                .arg(long.help("Also the advisories (fetches their database)"))
                .arg(yes.clone()),
        )
        .subcommand(
            Command::new("bench")
                .about("Measures start, answer, CPU and memory, beside baresip")
                .arg(yes.clone()),
        )
        .subcommand(
            Command::new("bundle").about("Makes the packages (.deb and .rpm)").arg(yes),
        )
}

fn consent(given: &ArgMatches) -> Consent {
    Consent::from_flag(given.get_flag("yes"))
}

fn purpose(given: &ArgMatches) -> needs::Purpose {
    match given.get_one::<String>("for").map(String::as_str) {
        Some("headless") => needs::Purpose::Headless,
        Some("bar") => needs::Purpose::Bar,
        _ => needs::Purpose::Test,
    }
}
