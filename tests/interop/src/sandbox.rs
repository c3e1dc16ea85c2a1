//! `sidetone-sandbox`, started and asked as a tester would.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::asterisk::{AMI_ADDRESS, AMI_USER};
use crate::phone::PATIENCE;
use crate::program::{Program, beside};

/// A running contact centre.
#[derive(Debug)]
pub struct Sandbox {
    program: Program,
    /// Address of the server.
    pub server: String,
    /// The agents' password.
    pub password: String,
    /// The certificate of its authority (PEM).
    pub ca: PathBuf,
}

impl Sandbox {
    /// Starts it on loopback with its files in `folder`.
    ///
    /// # Errors
    /// What it said instead of being ready.
    pub fn open(folder: &Path, arguments: &[&str]) -> Result<Self, String> {
        Self::start(folder, arguments, None)
    }

    /// Starts it in front of the tests' Asterisk.
    ///
    /// # Errors
    /// What it said instead of being ready.
    pub fn open_before_asterisk(
        folder: &Path,
        wss: &str,
        sip_secrets: &str,
        ami_secret: &str,
    ) -> Result<Self, String> {
        let ami = AMI_ADDRESS.to_string();
        let arguments = [
            ["--pbx", "asterisk"],
            ["--ami", &ami],
            ["--ami-user", AMI_USER],
            ["--ami-secret-fd", "0"],
            ["--asterisk-wss", wss],
            ["--sip-secrets", sip_secrets],
        ];
        Self::start(folder, &arguments.concat(), Some(ami_secret))
    }

    fn start(folder: &Path, arguments: &[&str], secret: Option<&str>) -> Result<Self, String> {
        let ca = folder.join("sandbox-ca.pem");
        let mut command = Command::new(beside("sidetone-sandbox"));
        command
            .arg("--json")
            .arg("--ca-out")
            .arg(&ca)
            .args(arguments);
        let mut program = Program::start(&mut command, &folder.join("sandbox.log"))
            .map_err(|error| error.to_string())?;
        if let Some(secret) = secret {
            program.tell(secret).map_err(|error| error.to_string())?;
        }
        let ready = program.wait_for("the sandbox to be ready", PATIENCE, |line| {
            line["event"] == "ready"
        })?;
        let text = |field: &str| ready[field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            program,
            server: text("server"),
            password: text("password"),
            ca,
        })
    }

    /// Waits until a customer's call is in this state (`waiting`, `ringing`, `talking`, `ended`).
    ///
    /// # Errors
    /// What it said instead.
    pub fn customer(&mut self, state: &str) -> Result<Value, String> {
        self.program.wait_for(
            &format!("a customer's call that is {state}"),
            2 * PATIENCE,
            |line| line["event"] == "call" && line["kind"] == "customer" && line["state"] == state,
        )
    }

    /// Forgets what it said so far.
    pub fn forget(&mut self) {
        self.program.forget();
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Asks its administration; gives the JSON of the answer, or null when it has none.
    ///
    /// # Panics
    /// When it does not answer with a success.
    pub fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let bytes = self
            .exchange(method, path, body)
            .unwrap_or_else(|said| panic!("{said}"));
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Fetches a path of its administration.
    ///
    /// # Errors
    /// A sentence when it does not answer with a success.
    pub fn fetch(&self, path: &str) -> Result<Vec<u8>, String> {
        self.exchange("GET", path, None)
    }

    fn exchange(&self, method: &str, path: &str, body: Option<Value>) -> Result<Vec<u8>, String> {
        let method: reqwest::Method = method.parse().map_err(|_| format!("no method: {method}"))?;
        let words = |error: &dyn std::error::Error| format!("{path}: {error}");
        // Fails only when a provider is installed already, which is then this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(&self.ca).map_err(|error| words(&error))?;
        let ca = reqwest::Certificate::from_pem(&pem).map_err(|error| words(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| words(&error))?;
        runtime
            .block_on(async {
                let client = reqwest::Client::builder().tls_certs_only([ca]).build()?;
                let mut request = client.request(method, format!("{}{path}", self.server));
                if let Some(body) = body {
                    request = request.json(&body);
                }
                let answer = request.send().await?.error_for_status()?;
                Ok(answer.bytes().await?.to_vec())
            })
            .map_err(|error: reqwest::Error| words(&error))
    }
}
