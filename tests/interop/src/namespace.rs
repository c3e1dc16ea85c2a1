//! Runs a test in network, mount and process namespaces of its own.
//!
//! The network has a loopback interface only, with [`ADDRESS`] on it besides 127.0.0.1, so a counterpart can
//! use its usual ports and nothing leaves the machine. The process namespace ends every process that the test
//! started, however the test ended. Needs Linux and root.

use std::process::Command;

/// On `lo` inside: Asterisk gathers no ICE candidate from 127.0.0.0/8. From a range reserved for documentation.
pub const ADDRESS: &str = "198.51.100.1";

const MARK: &str = "SIDETONE_NAMESPACE";

/// Whether this process is inside already.
#[must_use]
pub fn is_inside() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs `body` inside: the test program starts itself again in new namespaces, for the one test `name`.
///
/// # Panics
/// When the namespaces cannot be made, or when the test failed inside.
pub fn isolated(name: &str, body: impl FnOnce()) {
    if is_inside() {
        return body();
    }
    let program = std::env::current_exe().expect("a running test program has a path");
    let status = inside(program.as_os_str())
        .args([
            name,
            "--exact",
            "--nocapture",
            "--include-ignored",
            "--test-threads=1",
        ])
        .status()
        .expect("unshare (util-linux) starts: `cargo xtask setup` installs it");
    assert!(
        status.success(),
        "{name} failed in its namespace ({status}); its output is above"
    );
}

/// A command that runs `program` in new namespaces.
#[must_use]
pub fn inside(program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new("unshare");
    command
        .args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            "sh",
            "-ec",
        ])
        .arg(format!(
            "ip link set lo up; ip addr add {ADDRESS}/32 dev lo; exec \"$0\" \"$@\""
        ))
        .arg(program)
        .env(MARK, "1");
    command
}
