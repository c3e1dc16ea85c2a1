//! Asterisk's manager interface, as much of it as the tests need.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// One message: its fields in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, String)>);

impl Message {
    /// The first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether it is this event.
    #[must_use]
    pub fn is_event(&self, name: &str) -> bool {
        self.get("Event") == Some(name)
    }
}

/// A signed-in connection.
#[derive(Debug)]
pub struct Ami {
    reader: BufReader<TcpStream>,
    seen: Vec<Message>,
}

impl Ami {
    /// Connects, signs in and waits until Asterisk is fully started.
    ///
    /// # Errors
    /// When that does not happen within `patience`.
    pub fn connect(
        address: SocketAddr,
        user: &str,
        secret: &str,
        patience: Duration,
    ) -> io::Result<Self> {
        let end = Instant::now() + patience;
        let stream = loop {
            match TcpStream::connect(address) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > end => return Err(error),
                // The port opens when Asterisk is ready for it; there is no event before that to wait for.
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        stream.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut ami = Self {
            reader: BufReader::new(stream),
            seen: Vec::new(),
        };
        ami.action(&[("Action", "Login"), ("Username", user), ("Secret", secret)])?;
        ami.wait_for(end.saturating_duration_since(Instant::now()), |message| {
            message.is_event("FullyBooted")
        })?;
        Ok(ami)
    }

    /// Sends an action and returns its response.
    ///
    /// # Errors
    /// When the connection is lost, or Asterisk answers with an error (its message is in the error).
    pub fn action(&mut self, fields: &[(&str, &str)]) -> io::Result<Message> {
        let mut text = String::new();
        for (key, value) in fields {
            text.push_str(&format!("{key}: {value}\r\n"));
        }
        text.push_str("ActionID: interop\r\n\r\n");
        self.reader.get_mut().write_all(text.as_bytes())?;
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let message = self.read(end)?;
            if message.get("Response").is_some() {
                return if message.get("Response") == Some("Error") {
                    Err(io::Error::other(
                        message
                            .get("Message")
                            .unwrap_or("refused without a reason")
                            .to_owned(),
                    ))
                } else {
                    Ok(message)
                };
            }
            self.seen.push(message);
        }
    }

    /// The first event, from those that came already on, that `wanted` accepts; earlier ones are dropped.
    ///
    /// # Errors
    /// When none came within `patience`.
    pub fn wait_for(
        &mut self,
        patience: Duration,
        wanted: impl Fn(&Message) -> bool,
    ) -> io::Result<Message> {
        let end = Instant::now() + patience;
        let seen = std::mem::take(&mut self.seen);
        let mut seen = seen.into_iter();
        if let Some(found) = seen.by_ref().find(&wanted) {
            self.seen = seen.collect();
            return Ok(found);
        }
        loop {
            let message = self.read(end)?;
            if wanted(&message) {
                return Ok(message);
            }
        }
    }

    /// Whether an event comes within `time` that `wanted` accepts.
    pub fn comes(&mut self, time: Duration, wanted: impl Fn(&Message) -> bool) -> bool {
        self.wait_for(time, wanted).is_ok()
    }

    fn read(&mut self, end: Instant) -> io::Result<Message> {
        let mut message = Message::default();
        let mut line = Vec::new();
        loop {
            match self.reader.read_until(b'\n', &mut line) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "Asterisk closed the connection",
                    ));
                }
                Ok(_) if line.last() == Some(&b'\n') => {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    line.clear();
                    if text.is_empty() && !message.0.is_empty() {
                        return Ok(message);
                    }
                    if let Some((key, value)) = text.split_once(':') {
                        message
                            .0
                            .push((key.trim().to_owned(), value.trim().to_owned()));
                    }
                }
                Ok(_) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    if Instant::now() > end {
                        return Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "the awaited event did not come",
                        ));
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}
