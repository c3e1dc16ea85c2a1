//! A program of the workspace that says one JSON object a line, driven from outside as a user would.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    said: Vec<Value>,
}

impl Program {
    /// Starts it; what it says on standard error is kept in `errors`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(command: &mut Command, errors: &Path) -> io::Result<Self> {
        let name = Path::new(command.get_program())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(errors)?)
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("{name} does not start: {error}"))
            })?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("no standard output"))?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            name,
            input: child.stdin.take(),
            child,
            lines,
            said: Vec::new(),
        })
    }

    /// Writes a line to its standard input.
    ///
    /// # Errors
    /// When it reads no more.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self
            .input
            .as_mut()
            .ok_or_else(|| io::Error::other("its input is closed"))?;
        writeln!(input, "{line}")?;
        input.flush()
    }

    /// The next line that `wanted` accepts.
    ///
    /// # Errors
    /// What it said instead, when it ended or `patience` ran out.
    pub fn wait_for(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let end = Instant::now() + patience;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.said.push(line.clone());
                    if wanted(&line) {
                        return Ok(line);
                    }
                }
                Err(reason) => {
                    return Err(self.complaint(what, reason == RecvTimeoutError::Timeout));
                }
            }
        }
    }

    /// Whether a line that `wanted` accepts comes within `time`.
    pub fn comes(&mut self, time: Duration, wanted: impl Fn(&Value) -> bool) -> bool {
        self.wait_for("", time, wanted).is_ok()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end within `patience`.
    pub fn wait(&mut self, patience: Duration) -> io::Result<ExitStatus> {
        self.input = None;
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > end {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("{} does not end", self.name),
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything it said so far.
    #[must_use]
    pub fn said(&self) -> &[Value] {
        &self.said
    }

    /// Forgets what it said so far, read or not: its lines are memory of this process.
    pub fn forget(&mut self) {
        while self.lines.try_recv().is_ok() {}
        self.said = Vec::new();
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn complaint(&mut self, what: &str, running: bool) -> String {
        let state = if running {
            "said this instead"
        } else {
            "ended; it had said"
        };
        // The statistics of each second would hide the rest.
        let lines: Vec<String> = self
            .said
            .iter()
            .filter(|line| line["event"] != "media")
            .map(Value::to_string)
            .collect();
        let last = lines[lines.len().saturating_sub(25)..].join("\n  ");
        format!("waited for {what}: {} {state}:\n  {last}", self.name)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of this workspace, beside the running one (or above it, for a test).
#[must_use]
pub fn beside(name: &str) -> PathBuf {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::current_exe()
        .unwrap_or_default()
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(name))
}
