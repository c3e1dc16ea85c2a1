//! Child processes that end with the test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A child process that is killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

/// Why a counterpart could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("{0} could not be started: {1}")]
    Start(String, std::io::Error),
    /// It said nothing, or ended.
    #[error("{0} ended or said nothing before it was ready")]
    NotReady(String),
}

impl Process {
    /// Starts a command with its output thrown away, or kept in `SIDETONE_E2E_LOGS` when that is set.
    ///
    /// # Errors
    /// [`ProcessError::Start`] when it cannot be started.
    pub fn start(name: &str, command: &mut Command) -> Result<Self, ProcessError> {
        let (out, err) = (log(name, "out"), log(name, "err"));
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = command
            .spawn()
            .map_err(|fault| ProcessError::Start(name.to_owned(), fault))?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    /// Starts a command and waits for the first line that it prints.
    ///
    /// # Errors
    /// [`ProcessError`] when it cannot be started or ends first.
    pub fn start_and_read_line(
        name: &str,
        command: &mut Command,
    ) -> Result<(Self, String, BufReader<ChildStdout>), ProcessError> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log(name, "err"));
        let mut child = command
            .spawn()
            .map_err(|fault| ProcessError::Start(name.to_owned(), fault))?;
        let not_ready = || ProcessError::NotReady(name.to_owned());
        let mut out = BufReader::new(child.stdout.take().ok_or_else(not_ready)?);
        let mut line = String::new();
        let read = out.read_line(&mut line);
        let process = Self {
            name: name.to_owned(),
            child,
        };
        match read {
            Ok(read) if read > 0 => Ok((process, line.trim().to_owned(), out)),
            _ => Err(ProcessError::NotReady(process.name.clone())),
        }
    }

    /// Whether it still runs.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A polite end first: sound server and contact centre have something to put in order.
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let until = Instant::now() + Duration::from_secs(3);
        while Instant::now() < until {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program's output is kept: in `SIDETONE_E2E_LOGS`, when that is set.
#[must_use]
pub fn log_file(name: &str, stream: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("SIDETONE_E2E_LOGS")?);
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join(format!("{name}.{stream}.log")))
}

fn log(name: &str, stream: &str) -> Stdio {
    log_file(name, stream)
        .and_then(|path| std::fs::File::create(path).ok())
        .map_or_else(Stdio::null, Stdio::from)
}
