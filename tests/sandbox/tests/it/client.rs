//! A program that speaks the contract.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, Response, StatusCode};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sidetone_sandbox::{Config, DEMO_PASSWORD, Handle, Sandbox};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// Longer than anything here takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A sandbox and a client that trusts it.
pub(crate) struct Bench {
    pub(crate) handle: Handle,
    pub(crate) http: reqwest::Client,
}

/// A realtime socket.
pub(crate) struct Socket(WebSocketStream<TlsStream<TcpStream>>);

impl Bench {
    pub(crate) async fn start(config: Config) -> Self {
        // A test before this one has installed it, then.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let handle = Sandbox::start(config).await.expect("starts on loopback");
        let ca = reqwest::Certificate::from_pem(handle.ca_pem.as_bytes()).expect("a CA");
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { handle, http }
    }

    pub(crate) async fn sign_in(&self, name: &str) -> String {
        let answer = self
            .call(
                "POST",
                "/api/auth/local",
                None,
                Some(json!({"name": name, "password": DEMO_PASSWORD})),
            )
            .await;
        assert_eq!(answer.0, 200, "{}", answer.1);
        answer.1["token"].as_str().expect("a token").to_owned()
    }

    /// Signs in and logs in to the queues.
    pub(crate) async fn log_in(&self, name: &str) -> String {
        let token = self.sign_in(name).await;
        let (status, presence) = self
            .call("POST", "/api/agent/login", Some(&token), None)
            .await;
        assert_eq!(status, 200, "{presence}");
        token
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let response = self.send(method, path, token, body).await;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.expect("a body");
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Response {
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.handle.https_url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }

    pub(crate) async fn socket(&self, token: &str, since: Option<u64>) -> Socket {
        let address = self.handle.https_url.replace("https://", "");
        let tcp = TcpStream::connect(&address).await.expect("connects");
        let name = rustls_pki_types::ServerName::try_from("localhost").expect("a name");
        let tls = TlsConnector::from(Arc::new(self.tls()))
            .connect(name, tcp)
            .await
            .expect("trusted");
        let query = since.map_or(String::new(), |since| format!("?since={since}"));
        let mut request = format!("wss://{address}/api/realtime{query}")
            .into_client_request()
            .expect("a request");
        request.headers_mut().insert(
            "Authorization",
            format!("Bearer {token}").parse().expect("a header"),
        );
        let (socket, answer) = tokio_tungstenite::client_async(request, tls)
            .await
            .expect("a socket");
        assert_eq!(answer.status().as_u16(), StatusCode::SWITCHING_PROTOCOLS);
        Socket(socket)
    }

    pub(crate) fn tls(&self) -> rustls::ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.handle.ca_pem.as_bytes()).expect("a CA"))
            .expect("a usable CA");
        rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

impl Socket {
    /// Keeps the socket open, unread, until the test's end.
    pub(crate) fn stay(self) {
        tokio::spawn(async move {
            let _open = self;
            std::future::pending::<()>().await;
        });
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("an event in time")
                .expect("the socket is open")
                .expect("a frame");
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// The next event of this type; others are passed over.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await;
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// Reads until the server closes.
    pub(crate) async fn closed(&mut self) {
        while let Some(Ok(message)) = tokio::time::timeout(PATIENCE, self.0.next())
            .await
            .expect("closed in time")
        {
            if message.is_close() {
                return;
            }
        }
    }
}
