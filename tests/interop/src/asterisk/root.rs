//! The root folder with a real Asterisk: made once from Debian's next release, then kept in the cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::AsteriskError;

/// Debian's release that has Asterisk 22 (Debian 12 and 13 have none).
const SUITE: &str = "forky";

/// The root folder, made with debootstrap when it is not there (about a minute and a half, 500 MB).
///
/// # Errors
/// Names the step that failed and where its log is.
pub fn root() -> Result<PathBuf, AsteriskError> {
    let cache = crate::cache_dir();
    let root = cache.join(format!("asterisk-{SUITE}"));
    if root.join("usr/sbin/asterisk").exists() {
        return Ok(root);
    }
    std::fs::create_dir_all(&cache)?;
    // Two test programs may come here at the same time: one makes it, the other waits.
    let lock = std::fs::File::create(cache.join(format!("asterisk-{SUITE}.lock")))?;
    lock.lock()?;
    if root.join("usr/sbin/asterisk").exists() {
        return Ok(root);
    }
    let unfinished = cache.join(format!("asterisk-{SUITE}.part"));
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    eprintln!(
        "making a root folder with a real Asterisk from Debian {SUITE} (about two minutes, once)"
    );
    bootstrap(&unfinished, &cache.join(format!("asterisk-{SUITE}.log")))?;
    std::fs::rename(&unfinished, &root)?;
    Ok(root)
}

fn bootstrap(folder: &Path, log: &Path) -> Result<(), AsteriskError> {
    let mirror = debian_mirror()?;
    let output = std::fs::File::create(log)?;
    let status = Command::new("debootstrap")
        .args([
            "--variant=minbase",
            "--include=asterisk,ca-certificates",
            SUITE,
        ])
        .arg(folder)
        .arg(mirror)
        // The scripts of all later releases are sid's; an older debootstrap does not know this one's name.
        .arg("/usr/share/debootstrap/scripts/sid")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .map_err(|error| {
            AsteriskError::Bootstrap(format!("debootstrap does not start: {error}"))
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(AsteriskError::Bootstrap(format!(
            "debootstrap ended with {status}; its log is {}",
            log.display()
        )))
    }
}

/// The mirror this machine's own apt uses for Debian.
fn debian_mirror() -> Result<String, AsteriskError> {
    let output = Command::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
        ])
        .output()
        .map_err(|error| AsteriskError::Bootstrap(format!("apt-get does not start: {error}")))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.trim_end_matches('/'))
        .find(|line| line.ends_with("/debian"))
        .map(str::to_owned)
        .ok_or_else(|| {
            AsteriskError::Bootstrap("this machine's apt names no Debian mirror".to_owned())
        })
}
