//! A program of this machine that uses the phone's local interface.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use serde_json::Value;

use crate::phone::PATIENCE;

/// Where the interface is.
#[derive(Clone, Debug)]
pub struct Local {
    port: u16,
    headers: String,
}

impl Local {
    /// At this port.
    #[must_use]
    pub fn at(port: u16) -> Self {
        Self {
            port,
            headers: String::new(),
        }
    }

    /// The same with one more header in each request.
    #[must_use]
    pub fn with(&self, header: &str) -> Self {
        Self {
            port: self.port,
            headers: format!("{}{header}\r\n", self.headers),
        }
    }

    /// Whether anybody listens there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }

    /// What GET answers: status and document.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, Value) {
        self.send(&format!("GET {path}"), "")
    }

    /// What POST answers: status and document.
    #[must_use]
    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.send(&format!("POST {path}"), body)
    }

    /// The states that the interface streams.
    ///
    /// # Panics
    /// When nobody listens.
    #[must_use]
    pub fn states(&self) -> States {
        let mut stream = self.connect();
        let request = self.request("GET /api/v2/events", "");
        stream.write_all(request.as_bytes()).expect("it reads");
        States(BufReader::new(stream).lines())
    }

    fn send(&self, line: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connect();
        let request = self.request(line, body);
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer's head");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let document = serde_json::from_str(body).unwrap_or_default();
        (status.expect("a status"), document)
    }

    fn request(&self, line: &str, body: &str) -> String {
        let kind = if body.is_empty() {
            ""
        } else {
            "Content-Type: application/json\r\n"
        };
        format!(
            "{line} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{}{kind}Content-Length: {}\r\n\r\n{body}",
            self.port,
            self.headers,
            body.len(),
        )
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a limit for reading");
        stream
    }
}

/// States as they come.
#[derive(Debug)]
pub struct States(Lines<BufReader<TcpStream>>);

impl States {
    /// The next one that is wanted.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for line in self.0.by_ref() {
            let line = line.unwrap_or_else(|error| panic!("waited for {what}: {error}: {last}"));
            if let Some(data) = line.strip_prefix("data: ") {
                last = serde_json::from_str(data).expect("a state");
                if wanted(&last) {
                    return last;
                }
            }
        }
        panic!("waited for {what}: the stream ended: {last}")
    }
}

/// A port that nobody has at the moment.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}
