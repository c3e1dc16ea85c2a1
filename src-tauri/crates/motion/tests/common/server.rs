//! A contact-centre server of a test: one answer a request, by method and path, over real TLS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use sidetone_motion::{Client, trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::Authority;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// For example `GET /api/users/me`, without the query.
    pub(crate) line: String,
    /// Header fields, names in small letters.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    kind: &'static str,
    headers: String,
    body: String,
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        Self {
            status: 200,
            kind: "application/json",
            headers: String::new(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            kind: "text/html",
            headers: String::new(),
            body: String::new(),
        }
    }

    pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Self {
        let body = serde_json::json!({ "code": code, "title": "t", "detail": detail });
        Self {
            status,
            kind: "application/problem+json",
            headers: String::new(),
            body: body.to_string(),
        }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self.headers.push_str("\r\n");
        self
    }
}

/// Decides what each request is answered with.
type Rule = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// The running server.
pub(crate) struct TestServer {
    pub(crate) client: Client,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl TestServer {
    pub(crate) async fn start(rule: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let authority = Authority::new();
        let acceptor = authority.issue("localhost", -1, 30).acceptor();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = trust::client_config(vec![authority.der()]).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (rule, log): (Rule, _) = (Arc::new(rule), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, rule, log) = (acceptor.clone(), Arc::clone(&rule), Arc::clone(&log));
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let Some(request) = read(&mut tls).await else {
                        return;
                    };
                    let answer = rule(&request);
                    log.lock().unwrap().push(request);
                    let text = format!(
                        "HTTP/1.1 {} Said\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n{}",
                        answer.status,
                        answer.kind,
                        answer.body.len(),
                        answer.headers,
                        answer.body
                    );
                    let _ = tls.write_all(text.as_bytes()).await;
                    let _ = tls.shutdown().await;
                });
            }
        });
        Self {
            client: Client::new(&format!("https://localhost:{port}"), tls).unwrap(),
            seen,
        }
    }

    /// The requests of this line so far.
    pub(crate) fn requests(&self, line: &str) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|r| r.line == line).cloned().collect()
    }
}

async fn read(from: &mut (impl AsyncReadExt + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let mut part = [0; 2048];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let mut words = lines.next()?.split(' ');
            let (method, target) = (words.next()?, words.next()?);
            let path = target.split('?').next()?;
            let headers: HashMap<String, String> = lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect();
            let length = headers
                .get("content-length")
                .and_then(|length| length.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                return Some(Request {
                    line: format!("{method} {path}"),
                    headers,
                    body: serde_json::from_str(body).unwrap_or_default(),
                });
            }
        }
        match from.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
        }
    }
}
