//! Runs a test in network, mount and process namespaces of its own.
//!
//! The network has a loopback interface only, with [`ADDRESS`] on it besides 127.0.0.1, so a counterpart can
//! use its usual ports and nothing leaves the machine. The process namespace ends every process that the test
//! started, however the test ended. Needs Linux and root.

use std::ffi::OsStr;
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
pub fn inside(program: &OsStr) -> Command {
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

/// A second computer: a network namespace inside this one, at the other end of a cable, with one address.
#[derive(Debug)]
pub struct Computer;

impl Computer {
    const NAME: &str = "agent";
    /// At our end of the cable, and its way to [`ADDRESS`].
    const ROUTER: &str = "192.0.2.1";

    /// Plugs it in at an address of 192.0.2.0/24.
    ///
    /// # Panics
    /// Outside of [`isolated`], and when the namespace cannot be made.
    #[must_use]
    pub fn plugged_in(address: &str) -> Self {
        assert!(is_inside(), "the network of this machine is left alone");
        shell(&format!(
            "mount -t tmpfs none /run; ip netns add {name}; ip -n {name} link set lo up
            ip link add cable type veth peer name card netns {name}
            ip addr add {router}/24 dev cable; ip link set cable up",
            name = Self::NAME,
            router = Self::ROUTER,
        ));
        let computer = Self;
        computer.move_to(address);
        computer
    }

    /// As if the agent walked from the desk to a meeting room: the address is another one, and the one before is nobody's.
    ///
    /// # Panics
    /// When it cannot be changed.
    pub fn move_to(&self, address: &str) {
        shell(&format!(
            "ip -n {name} addr flush dev card; ip -n {name} addr add {address}/24 dev card
            ip -n {name} link set card up; ip -n {name} route replace default via {router}",
            name = Self::NAME,
            router = Self::ROUTER,
        ));
    }

    /// A command that runs `program` there.
    #[must_use]
    pub fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", Self::NAME]).arg(program);
        command
    }
}

fn shell(script: &str) {
    let status = Command::new("sh").args(["-ec", script]).status();
    let status = status.expect("a shell starts");
    assert!(status.success(), "{status}: {script}");
}
