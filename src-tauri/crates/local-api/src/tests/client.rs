//! Bytes to the port and bytes back.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// It is a refusal with a sentence, and gives no page any right.
    pub(super) fn is_refusal(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        self.grants_nothing();
        assert!(self.head.contains("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(' ') && detail.ends_with('.'), "{detail}");
    }

    pub(super) fn grants_nothing(&self) {
        assert!(!self.head.contains("access-control-"), "{self:?}");
    }
}

/// What the client that is not a browser sends.
pub(super) async fn get(port: u16, path: &str) -> Answered {
    raw(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"),
    )
    .await
}

pub(super) async fn post(port: u16, path: &str, body: &str) -> Answered {
    let length = body.len();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    raw(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
    .await
}

/// A request with headers of one's own.
pub(super) async fn with(port: u16, line: &str, headers: &[&str]) -> Answered {
    let headers = headers.join("\r\n");
    raw(
        port,
        &format!(
            "{line} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n\r\n"
        ),
    )
    .await
}

pub(super) async fn raw(port: u16, request: &str) -> Answered {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // The far end may reset what it did not read.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Answered {
        status: status.unwrap_or_else(|| panic!("no answer to {request:?}: {text:?}")),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}
