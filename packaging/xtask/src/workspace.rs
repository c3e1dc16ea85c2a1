//! Where things are in the checkout, and how its programs are called.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top folder.
pub(crate) fn root() -> PathBuf {
    // What `cargo run` says comes first: a folder of builds that several checkouts share may hold another one's program.
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_owned()
}

/// The folder with the debug build's programs: this program is one of them.
pub(crate) fn debug_folder() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(Path::to_owned))
        .unwrap_or_else(|| root().join("target/debug"))
}

/// A program of the debug build.
pub(crate) fn built(name: &str) -> PathBuf {
    debug_folder().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A program, or the packages, of the optimised build.
pub(crate) fn released(name: &str) -> PathBuf {
    let folder = debug_folder().with_file_name("release");
    let suffix = if name.starts_with("bundle") {
        ""
    } else {
        std::env::consts::EXE_SUFFIX
    };
    folder.join(format!("{name}{suffix}"))
}

/// `$XDG_CACHE_HOME/sidetone` or `~/.cache/sidetone`: what is slow to make and safe to remove.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("sidetone")
}

/// `cargo ARGUMENTS` in the top folder.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// `npm ARGUMENTS` in `ui`.
pub(crate) fn npm<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(root().join("ui"));
    command
}

/// Whether the user interface's packages are those of its lock file.
pub(crate) fn npm_is_current() -> bool {
    let time = |path: &str| {
        std::fs::metadata(root().join("ui").join(path))
            .and_then(|data| data.modified())
            .ok()
    };
    // npm writes this file last.
    match (
        time("node_modules/.package-lock.json"),
        time("package-lock.json"),
    ) {
        (Some(installed), Some(locked)) => installed >= locked,
        _ => false,
    }
}
