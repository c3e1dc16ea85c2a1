//! `cargo xtask test` and `cargo xtask lint`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bundle;
use crate::checks::Checks;
use crate::failure::Failure;
use crate::fuzz;
use crate::needs::{Need, Purpose};
use crate::setup::{self, Consent};
use crate::steps::{Output, Steps};
use crate::system::{self, Manager};
use crate::workspace::{cache, cargo, debug_folder, npm, npm_is_current, root};

/// Debug builds of it take some minutes once, and it is kept in the cache.
const CARGO_DENY: &str = "0.20.2";

/// Every build of the checks selects the same packages with the same features, so that none is compiled twice.
const SELECTION: [&str; 4] = [
    "--workspace",
    "--locked",
    "--features",
    // Its tests write the user interface's types.
    "sidetone-engine/ts",
];

pub(crate) fn test(only: Option<&str>, long: bool, consent: Consent) -> Result<(), Failure> {
    let purpose = if only == Some("unit") {
        Purpose::Bar
    } else {
        Purpose::Test
    };
    let missing = setup::provide(purpose, consent)?;
    let vital: Vec<&Need> = missing
        .iter()
        .copied()
        .filter(|need| need.purpose < Purpose::Test)
        .collect();
    if !vital.is_empty() {
        return Err(Failure::missing(
            "looking for what the build needs",
            format!("missing: {}", setup::names(&vital)),
            setup::remedies(&vital),
        ));
    }
    let mut checks = Checks::default();
    let wants = |part: &str| only.is_none_or(|only| only == part);
    if wants("unit") {
        tools(&mut checks);
        add_user_interface_build(&mut checks);
        add_lint(&mut checks, false);
        add_unit(&mut checks);
    }
    if wants("interop") {
        add_baresip(&mut checks, &missing);
        add_interop(&mut checks, &missing, long, consent);
    }
    if wants("e2e") {
        add_screens(&mut checks, &missing);
        add_e2e(&mut checks, &missing);
    }
    if long {
        bundle::add_checks(&mut checks, &missing);
        fuzz::add_checks(&mut checks);
    }
    checks.run()
}

pub(crate) fn lint(long: bool, consent: Consent) -> Result<(), Failure> {
    setup::provide(Purpose::Bar, consent)?;
    let mut checks = Checks::default();
    tools(&mut checks);
    add_user_interface_build(&mut checks);
    add_lint(&mut checks, long);
    checks.run()
}

/// Tools that no system packages.
fn tools(checks: &mut Checks) {
    if deny_program().is_none() {
        let mut install = cargo([
            "install",
            "--quiet",
            "--locked",
            "--debug",
            "cargo-deny",
            "--version",
            CARGO_DENY,
            "--root",
        ]);
        install.arg(cache().join("tools"));
        install.env("CARGO_PROFILE_DEV_DEBUG", "false");
        // Not in the project's target folder, whose flags and lock it does not share.
        install.env("CARGO_TARGET_DIR", cache().join("tools-target"));
        checks.add(
            "installing cargo-deny",
            install,
            "Install cargo-deny by hand: cargo install --locked cargo-deny",
        );
    }
}

fn deny_program() -> Option<std::path::PathBuf> {
    let own = cache()
        .join("tools/bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if own.is_file() {
        Some(own)
    } else {
        system::find("cargo-deny")
    }
}

fn add_lint(checks: &mut Checks, advisories: bool) {
    checks.add(
        "formatting",
        cargo(["fmt", "--all", "--check"]),
        "cargo fmt --all",
    );
    let program = deny_program().unwrap_or_else(|| cache().join("tools/bin/cargo-deny"));
    let mut deny = Command::new(&program);
    deny.args(["check", "licenses", "bans", "sources"])
        .current_dir(root());
    checks.add(
        "licences, bans and sources of the dependencies",
        deny,
        "Replace the dependency, or decide about it in deny.toml.",
    );
    if advisories {
        let mut deny = Command::new(&program);
        deny.args(["check", "advisories"]).current_dir(root());
        checks.add(
            "advisories about the dependencies",
            deny,
            "Update the dependency named above.",
        );
    }
    checks.add(
        "clippy",
        selected(["clippy", "--all-targets"], &["--", "-D", "warnings"]),
        "Change the code as clippy says.",
    );
}

/// The shell embeds the built user interface: it comes before anything that compiles the shell.
fn add_user_interface_build(checks: &mut Checks) {
    const NAME: &str = "building the user interface";
    if checks.has(NAME) {
        return;
    }
    if !npm_is_current() {
        checks.add(
            "fetching the user interface's packages",
            npm(["ci", "--no-audit", "--no-fund"]),
            "Is the npm registry reachable?",
        );
    }
    checks.add(
        NAME,
        npm(["run", "build"]),
        "Read what the build says above.",
    );
}

fn add_unit(checks: &mut Checks) {
    checks.add(
        "types of the user interface",
        npm(["run", "check"]),
        "Change the code as the checker says.",
    );
    checks.add(
        "lint of the user interface",
        npm(["run", "lint"]),
        "cd ui && npm run format",
    );
    checks.add_shown(
        "tests of the user interface",
        npm(["test"]),
        "Read what failed above.",
    );
    add_build(checks);
    let generated = debug_folder().join("xtask-logs/generated");
    // What an earlier run wrote says nothing about this one.
    let _ = std::fs::remove_dir_all(&generated);
    let mut tests = selected(["test", "--lib"], &["--bins"]);
    for name in unit_test_targets() {
        tests.args(["--test", &name]);
    }
    tests.env("TS_RS_EXPORT_DIR", &generated);
    checks.add_shown(
        "unit tests",
        tests,
        "Read what failed above; cargo test -p CRATE NAME runs one.",
    );
    let mut compare = Command::new("git");
    compare
        .args(["diff", "--no-index", "--exit-code", "--ignore-space-at-eol"])
        .args([root().join("ui/src/generated"), generated]);
    checks.add(
        "types of the user interface against those of the code",
        compare,
        "cargo test --workspace --features sidetone-engine/ts --lib export_bindings writes ui/src/generated anew; \
         remove what it no longer writes.",
    );
}

/// All programs and all tests, built once for every part.
fn add_build(checks: &mut Checks) {
    const NAME: &str = "building the programs and the tests";
    add_user_interface_build(checks);
    if !checks.has(NAME) {
        checks.add(
            NAME,
            selected(["build", "--bins"], &["--tests"]),
            "Read what the compiler says above.",
        );
    }
}

/// `cargo COMMAND` for the whole workspace.
fn selected(command: [&str; 2], arguments: &[&str]) -> Command {
    let mut all = cargo(command);
    all.args(SELECTION);
    if !cfg!(unix) {
        // Their counterparts and desks are there on Unix only.
        all.args(["--exclude", "sidetone-interop", "--exclude", "sidetone-e2e"]);
    }
    all.args(arguments);
    all
}

/// The test programs of every crate but those with a part of their own.
fn unit_test_targets() -> Vec<String> {
    let crates = std::fs::read_dir(root().join("src-tauri/crates"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let mut names: Vec<String> = crates
        .chain(["tests/sandbox", "tests/loopback"].map(|folder| root().join(folder)))
        .flat_map(|folder| test_targets(&folder))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of a crate's test programs: a file, or a folder with a `main.rs`.
fn test_targets(package: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(package.join("tests"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "rs")
                || path.join("main.rs").is_file()
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort_unstable();
    names
}

/// Runs a crate's test programs one test after the other, the ignored ones too.
fn all_tests_of(package: &str) -> Command {
    let mut run = cargo(["test"]);
    // What one test program says must not hide what the next one would.
    run.args(SELECTION).arg("--no-fail-fast");
    for name in test_targets(&root().join(package)) {
        run.args(["--test", &name]);
    }
    run.args(["--", "--include-ignored", "--test-threads=1"]);
    run
}

fn add_baresip(checks: &mut Checks, missing: &[&Need]) {
    const NAME: &str = "a call with baresip";
    if let Some(reason) = why_not(missing, &["baresip"]) {
        return checks.leave_out(NAME, reason);
    }
    add_build(checks);
    let mut run = cargo(["test"]);
    run.args(SELECTION)
        .args(["--test", "baresip", "--", "--include-ignored"]);
    checks.add_shown(NAME, run, "Read what failed above.");
}

fn add_interop(checks: &mut Checks, missing: &[&Need], long: bool, consent: Consent) {
    const NAME: &str = "interop tests against a real Asterisk, Kamailio and baresip";
    let needed = [
        "ip (",
        "unshare",
        "debootstrap",
        "a keychain",
        "baresip",
        "Kamailio",
        "rtpengine",
        "nft (",
        "openssl (",
    ];
    if let Some(reason) = why_not(missing, &needed) {
        return checks.leave_out(NAME, reason);
    }
    if Manager::detect() != Some(Manager::Apt)
        || system::output("apt-get", &["--version"]).is_none()
    {
        return checks.leave_out(
            NAME,
            "the root folder with Asterisk is made from Debian's packages: needs Debian",
        );
    }
    let mut run = all_tests_of("tests/interop");
    if long {
        // Some of them take minutes then.
        run.env("SIDETONE_LONG", "1");
    }
    if !system::is_root() {
        if system::find("sudo").is_none() {
            return checks.leave_out(NAME, "namespaces need root, and there is no sudo");
        }
        if !consent.to("The interop tests make network namespaces and a root folder, for which they need root. Run them with sudo?") {
            return checks.leave_out(NAME, "namespaces need root, and sudo was not wanted");
        }
        match runner_variable() {
            Some(variable) => run.env(variable, "sudo --preserve-env"),
            None => return checks.leave_out(NAME, "rustc does not say what machine this is"),
        };
    }
    add_build(checks);
    checks.add_with_counterparts(NAME, run, "Read what failed above; the folder it names has every log. SIDETONE_KEEP=1 keeps it always.");
}

/// Every screen in every theme, in a real browser: contrast, overflow and names, without keeping pictures.
fn add_screens(checks: &mut Checks, missing: &[&Need]) {
    const NAME: &str = "every screen looked at in Chromium";
    if let Some(reason) = why_not(missing, &["Chromium"]) {
        return checks.leave_out(NAME, reason);
    }
    add_user_interface_build(checks);
    checks.add(
        NAME,
        npm(["run", "shots", "--", "--check"]),
        "cd ui && npm run shots takes the pictures; what was found is above.",
    );
}

fn add_e2e(checks: &mut Checks, missing: &[&Need]) {
    const NAME: &str = "test of the real window";
    if !cfg!(target_os = "linux") {
        return checks.leave_out(
            NAME,
            "WebDriver and the private desk are there on Linux only",
        );
    }
    let needed = [
        "a display",
        "a window",
        "a session bus",
        "WebKit's",
        "a sound",
        "the sound",
        "ALSA's way",
        "ImageMagick",
        "a notification",
        "a tray host",
        "window keys",
    ];
    if let Some(reason) = why_not(missing, &needed) {
        return checks.leave_out(NAME, reason);
    }
    add_build(checks);
    let mut run = all_tests_of("tests/e2e");
    run.env("SIDETONE_E2E_LOGS", debug_folder().join("xtask-logs/e2e"));
    checks.add_with_counterparts(
        NAME,
        run,
        "Read what failed above; xtask-logs/e2e beside the programs has the logs of what it started.",
    );
}

/// A sentence when one of the needs whose names start so is missing.
fn why_not(missing: &[&Need], names: &[&str]) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("needs Linux".to_owned());
    }
    let lacking: Vec<&Need> = missing
        .iter()
        .copied()
        .filter(|need| names.iter().any(|name| need.name.starts_with(name)))
        .collect();
    (!lacking.is_empty()).then(|| format!("missing: {}", setup::names(&lacking)))
}

/// The variable in which cargo looks for what starts the test programs.
fn runner_variable() -> Option<OsString> {
    let text = system::output("rustc", &["-vV"])?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(
        format!(
            "CARGO_TARGET_{}_RUNNER",
            host.to_uppercase().replace('-', "_")
        )
        .into(),
    )
}

/// Builds what `names` says as one step.
pub(crate) fn build(steps: &mut Steps, name: &str, packages: &[&str]) -> Result<(), Failure> {
    let mut command = cargo(["build", "--locked"]);
    for package in packages {
        command.args(["-p", package]);
    }
    steps.run(
        name,
        &mut command,
        Output::Kept,
        "Read what the compiler says above.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cargo runs every test program of a name: one of the interop or window tests would run among the unit tests,
    /// without what it needs.
    #[test]
    fn no_unit_test_program_has_the_name_of_another_kind() {
        let others: Vec<String> = ["tests/interop", "tests/e2e"]
            .iter()
            .flat_map(|folder| test_targets(&root().join(folder)))
            .collect();
        let clashes: Vec<String> = unit_test_targets()
            .into_iter()
            .filter(|name| others.contains(name))
            .collect();
        assert!(!others.is_empty(), "the test programs were not found");
        assert!(clashes.is_empty(), "rename one of each: {clashes:?}");
    }
}
