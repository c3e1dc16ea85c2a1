//! Where a run keeps its files, and where things are kept between runs.

use std::io;
use std::path::{Path, PathBuf};

/// A folder for one run. It is removed at the end, and kept (its path printed) when a test failed.
#[derive(Debug)]
pub struct WorkDir {
    path: PathBuf,
    keep: bool,
}

impl WorkDir {
    /// Makes a new, empty folder whose name starts with `name`.
    ///
    /// # Errors
    /// When the system's folder for temporary files cannot be written.
    pub fn new(name: &str) -> io::Result<Self> {
        let unique: u32 = rand::random();
        let path = std::env::temp_dir().join(format!("sidetone-{name}-{unique:08x}"));
        std::fs::create_dir_all(&path)?;
        Ok(Self {
            path,
            keep: std::env::var_os("SIDETONE_KEEP").is_some(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Keeps the folder at the end.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if self.keep || std::thread::panicking() {
            eprintln!("kept for a look: {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}

/// `$XDG_CACHE_HOME/sidetone` or `~/.cache/sidetone`: what is slow to make and safe to remove.
#[must_use]
pub fn cache_dir() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("sidetone")
}

/// The top folder of the checkout this was built from.
#[must_use]
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
