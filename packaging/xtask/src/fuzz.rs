//! Fuzzing of every parser of outside bytes, a minute each: part of the long tests.

use std::process::Command;

use crate::checks::Checks;
use crate::system;
use crate::workspace::{cache, cargo, root};

const CARGO_FUZZ: &str = "0.13.2";

/// One check for each target of `tests/fuzz`.
pub(crate) fn add_checks(checks: &mut Checks) {
    const NAME: &str = "fuzzing the parsers";
    if !cfg!(target_os = "linux") {
        return checks.leave_out(NAME, "libFuzzer's sanitizers are there on Linux only");
    }
    if system::find("cargo-fuzz").is_none() {
        let mut install = cargo(["install", "--quiet", "--locked", "cargo-fuzz", "--version"]);
        install
            .args([CARGO_FUZZ, "--root"])
            .arg(cache().join("tools"));
        install.env("CARGO_TARGET_DIR", cache().join("tools-target"));
        checks.add(
            "installing cargo-fuzz",
            install,
            "Install cargo-fuzz by hand: cargo install --locked cargo-fuzz",
        );
    }
    let mut fuzz = Command::new("bash");
    fuzz.arg(root().join("tests/fuzz/run-all.sh"))
        .arg(cache().join("fuzz"))
        .env("PATH", path_with_tools());
    checks.add_shown(
        NAME,
        fuzz,
        "The file named above makes the parser fail: tests/fuzz/README.md says how to run it again.",
    );
}

fn path_with_tools() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(cache().join("tools/bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}
