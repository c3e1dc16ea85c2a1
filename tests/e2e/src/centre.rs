//! The embedded contact centre, as its own process, with the customers that a test sends in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sidetone_interop::compare::Sound;
use sidetone_interop::program::{Program, beside};
use sidetone_interop::workspace_root;

/// The longest that the contact centre may take for anything on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The running contact centre.
#[derive(Debug)]
pub struct Centre {
    /// Base address for the sign-in screen.
    pub server: String,
    /// PEM file of its CA.
    pub ca: PathBuf,
    http: reqwest::Client,
    program: Program,
    folder: PathBuf,
}

/// Why the contact centre could not be used.
#[derive(Debug, thiserror::Error)]
pub enum CentreError {
    /// It could not be started, or a file could not be kept.
    #[error("sidetone-sandbox: {0}")]
    Io(#[from] std::io::Error),
    /// It did not say what was waited for.
    #[error("{0}")]
    NeverSaid(String),
    /// Its interface.
    #[error("the contact centre's interface: {0}")]
    Http(#[from] reqwest::Error),
    /// A recording.
    #[error("the recording of what the customer heard: {0}")]
    Sound(String),
}

/// A customer whose call is on its way.
#[derive(Clone, Debug)]
pub struct Customer {
    id: u64,
    speech: &'static str,
}

impl Centre {
    /// Starts it on loopback and waits until it serves.
    ///
    /// # Errors
    /// [`CentreError`] when it is not built or does not get ready.
    pub fn open(folder: &Path, arguments: &[&str]) -> Result<Self, CentreError> {
        // Fails only when a provider is installed already, which is then this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = folder.join("sandbox-ca.pem");
        let mut command = Command::new(beside("sidetone-sandbox"));
        command
            .args(["--json", "--ca-out"])
            .arg(&ca)
            .args(arguments);
        let errors = crate::process::log_file("sidetone-sandbox", "err")
            .unwrap_or_else(|| folder.join("sidetone-sandbox.log"));
        let mut program = Program::start(&mut command, &errors)?;
        let ready = program
            .wait_for("the contact centre to be ready", PATIENCE, |line| {
                line["event"] == "ready"
            })
            .map_err(CentreError::NeverSaid)?;
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&std::fs::read(&ca)?)?])
            .build()?;
        let server = ready["server"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            server,
            ca,
            http,
            program,
            folder: folder.to_owned(),
        })
    }

    /// Lets a customer call the queue, who plays a recorded voice and hangs up after `talk_seconds`.
    ///
    /// # Errors
    /// [`CentreError`] when the interface refuses.
    pub async fn customer_calls(
        &mut self,
        name: &str,
        number: &str,
        talk_seconds: u32,
    ) -> Result<Customer, CentreError> {
        let speech = "en-female";
        let call = json!({
            "name": name, "number": number, "speech": speech, "talkSeconds": talk_seconds,
            "queue": "support", "headers": {}
        });
        let answer: Value = self
            .http
            .post(format!("{}/admin/api/customers", self.server))
            .header("Content-Type", "application/json")
            .body(call.to_string())
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        Ok(Customer {
            id: answer["id"].as_u64().unwrap_or_default(),
            speech,
        })
    }

    /// Changes settings of an agent, as the administrator's page does; fields by the server's names.
    ///
    /// # Errors
    /// [`CentreError`] when the interface refuses.
    pub async fn configure(&self, name: &str, settings: &Value) -> Result<(), CentreError> {
        self.http
            .patch(format!("{}/admin/api/agents/{name}", self.server))
            .header("Content-Type", "application/json")
            .body(json!({ "settings": settings }).to_string())
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// Changes what holds for all agents, as the administrator's page does; fields by the contract's names.
    ///
    /// # Errors
    /// [`CentreError`] when the interface refuses.
    pub async fn configure_all(&self, settings: &Value) -> Result<(), CentreError> {
        self.http
            .patch(format!("{}/admin/api/settings", self.server))
            .header("Content-Type", "application/json")
            .body(settings.to_string())
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// What an agent said that calls were about, as the contact centre keeps it.
    ///
    /// # Errors
    /// [`CentreError`] when the interface refuses.
    pub async fn disposed_by(&self, name: &str) -> Result<Value, CentreError> {
        let address = format!("{}/admin/api/agents/{name}/dispositions", self.server);
        let answer = self.http.get(address).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Waits until an agent speaks with the customer.
    ///
    /// # Errors
    /// [`CentreError::NeverSaid`] with what was said instead.
    pub fn wait_for_talk(&mut self, customer: &Customer) -> Result<Value, CentreError> {
        let id = customer.id;
        self.program
            .wait_for("the customer's call to be answered", PATIENCE, |line| {
                line["event"] == "call" && line["id"] == id && line["state"] == "talking"
            })
            .map_err(CentreError::NeverSaid)
    }

    /// Waits until the customer's call is over; its record, as `GET /admin/api/calls/{id}` gives it.
    ///
    /// # Errors
    /// [`CentreError::NeverSaid`] with what was said instead.
    pub fn wait_for_end(&mut self, customer: &Customer) -> Result<Value, CentreError> {
        let id = customer.id;
        self.program
            .wait_for("the customer's call to end", PATIENCE, |line| {
                line["event"] == "call" && line["id"] == id && line["state"] == "ended"
            })
            .map_err(CentreError::NeverSaid)
    }

    /// What the customer heard of the agent.
    ///
    /// # Errors
    /// [`CentreError`] when nothing was recorded.
    pub async fn heard_by(&self, customer: &Customer) -> Result<Sound, CentreError> {
        let wav = self
            .http
            .get(format!(
                "{}/admin/api/calls/{}/heard.wav",
                self.server, customer.id
            ))
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        let file = self
            .folder
            .join(format!("heard-by-customer-{}.wav", customer.id));
        std::fs::write(&file, wav)?;
        Sound::read(&file).map_err(|fault| CentreError::Sound(fault.to_string()))
    }
}

impl Customer {
    /// The recording that the customer plays.
    #[must_use]
    pub fn speech(&self) -> PathBuf {
        workspace_root().join(format!("tests/sandbox/speech/{}.wav", self.speech))
    }
}
