//! The contact centre of a test, and its administrator.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use sidetone_interop::WorkDir;
use sidetone_interop::sandbox::Sandbox;

use crate::desk::Desk;

/// A running sandbox with a folder of its own.
pub(crate) struct Centre {
    sandbox: Sandbox,
    folder: WorkDir,
}

impl Centre {
    pub(crate) fn open(arguments: &[&str]) -> Self {
        let folder = WorkDir::new("bad-input").expect("a folder for the test");
        let sandbox =
            Sandbox::open(folder.path(), arguments).unwrap_or_else(|said| panic!("{said}"));
        Self { sandbox, folder }
    }

    pub(crate) fn server(&self) -> &str {
        &self.sandbox.server
    }

    /// Its port of HTTPS.
    pub(crate) fn port(&self) -> u16 {
        port_of(self.server())
    }

    pub(crate) fn password(&self) -> &str {
        &self.sandbox.password
    }

    pub(crate) fn ca(&self) -> &str {
        self.sandbox
            .ca
            .to_str()
            .expect("a folder with a plain name")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Signs an agent in who hears and says nothing by a device.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        self.desk_at(self.server(), name, self.password())
    }

    /// The same at another address, or with another password.
    pub(crate) fn desk_at(&self, server: &str, name: &str, password: &str) -> Desk {
        let arguments = [
            ["--server", server],
            ["--user", name],
            ["--password-fd", "0"],
            ["--audio", "null"],
            ["--ca", self.ca()],
        ];
        Desk::start(self.folder(), password, &arguments.concat())
    }

    /// An agent at the green light.
    pub(crate) fn ready(&self, name: &str) -> Desk {
        let mut desk = self.desk(name);
        desk.green();
        desk
    }

    /// Changes an agent's settings, usable or not.
    pub(crate) fn set(&self, name: &str, settings: Value) {
        let path = format!("/admin/api/agents/{name}?unchecked=true");
        self.ask(Method::PATCH, &path, Some(json!({ "settings": settings })));
    }

    pub(crate) fn set_password(&self, name: &str, password: &str) {
        let path = format!("/admin/api/agents/{name}/password");
        self.ask(Method::PUT, &path, Some(json!({ "password": password })));
    }

    /// Switches the one-time code on; gives its secret in base32.
    pub(crate) fn require_code(&self, name: &str) -> String {
        let path = format!("/admin/api/agents/{name}/code");
        let answer = self.ask(Method::PUT, &path, Some(json!({ "on": true })));
        answer["secret"].as_str().expect("a secret").to_owned()
    }

    /// A customer calls the queue now; gives the call's number.
    pub(crate) fn customer(&self, call: Value) -> u64 {
        let answer = self.ask(Method::POST, "/admin/api/customers", Some(call));
        answer["id"].as_u64().expect("the call's number")
    }

    /// The newest call that the far end knows, once it has this result.
    pub(crate) fn last_call(&self) -> Value {
        let list = self.ask(Method::GET, "/admin/api/calls", None);
        let rows = list["rows"].as_array().expect("rows");
        let newest = rows.iter().max_by_key(|call| call["id"].as_u64());
        newest.cloned().expect("a call")
    }

    pub(crate) fn call(&self, id: u64) -> Value {
        self.ask(Method::GET, &format!("/admin/api/calls/{id}"), None)
    }

    /// The agent's SIP account, as a phone fetches it.
    pub(crate) fn sip_account(&self, name: &str) -> Value {
        self.ask_as(Some(name), Method::GET, "/api/users/me/sip", None)
    }

    /// How often this agent has signed in, by the server's log.
    pub(crate) fn sign_ins(&self, name: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.file("sandbox.log")).expect("its log");
        log.lines()
            .filter(|line| line.contains("signed in") && line.contains(name))
            .count()
    }

    fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.ask_as(None, method, path, body)
    }

    fn ask_as(&self, user: Option<&str>, method: Method, path: &str, body: Option<Value>) -> Value {
        // Fails only when a provider is installed already, which is then this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(&self.sandbox.ca).expect("the CA");
        let ca = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let asked = async {
            let client = reqwest::Client::builder().tls_certs_only([ca]).build()?;
            let mut request = client.request(method, format!("{}{path}", self.server()));
            if let Some(user) = user {
                request = request.basic_auth(user, Some(self.password()));
            }
            if let Some(body) = body {
                request = request.json(&body);
            }
            request.send().await?.error_for_status()?.json().await
        };
        runtime
            .block_on(asked)
            .unwrap_or_else(|error: reqwest::Error| panic!("{path}: {error}"))
    }
}

/// The port at the end of an address, with or without a path behind it.
pub(crate) fn port_of(address: &str) -> u16 {
    let after = address.rsplit(':').next().unwrap_or_default();
    let digits = after.split('/').next().unwrap_or_default();
    digits.parse().expect("an address with a port")
}
