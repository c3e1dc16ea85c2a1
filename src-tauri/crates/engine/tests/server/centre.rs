//! The contact centre, the way to it, and the phones under test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sidetone_engine::agent::{Command, Notice};
use sidetone_engine::{
    AudioSetup, Command as EngineCommand, Engine, EngineConfig, MemorySecrets, SecretStore,
    Snapshot,
};
use sidetone_profile::Secret;
use sidetone_sandbox::{Config, DEMO_PASSWORD, Handle, Sandbox};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Only a broken test waits this long.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// A contact centre behind a door that can be shut: SIP goes past the door.
pub(crate) struct Centre {
    pub(crate) sandbox: Handle,
    pub(crate) folder: PathBuf,
    inside: u16,
    pub(crate) port: u16,
    door: Option<JoinHandle<()>>,
    pub(crate) http: reqwest::Client,
}

impl Centre {
    pub(crate) async fn start(name: &str, config: Config) -> Self {
        // Each process of a test does it once; the second time is no fault.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(config).await.unwrap();
        let folder =
            std::env::temp_dir().join(format!("sidetone-server-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), &sandbox.ca_pem).unwrap();
        let inside = sandbox
            .https_url
            .parse::<url::Url>()
            .unwrap()
            .port()
            .unwrap();
        let authority = reqwest::Certificate::from_pem(sandbox.ca_pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let mut centre = Self {
            sandbox,
            folder,
            inside,
            port: 0,
            door: None,
            http,
        };
        centre.open().await;
        centre
    }

    /// What agents type as the server's address.
    pub(crate) fn address(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The web server can be reached, at the same port as before.
    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let inside = self.inside;
        self.door = Some(tokio::spawn(async move {
            let mut through = tokio::task::JoinSet::new();
            while let Ok((mut outer, _)) = listener.accept().await {
                through.spawn(async move {
                    let mut inner = TcpStream::connect(("127.0.0.1", inside)).await.unwrap();
                    // Either end may close first.
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        }));
    }

    /// The web server is away: nothing listens, and what was open is closed.
    pub(crate) async fn shut(&mut self) {
        let door = self.door.take().unwrap();
        door.abort();
        let _ = door.await;
    }

    /// Asks the administration, past the door.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/api{path}", self.sandbox.admin_url);
        let mut request = self.http.request(method.parse().unwrap(), url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {response:?}");
        response.json().await.unwrap_or_default()
    }

    /// A phone with a data folder and a keychain of its own.
    pub(crate) async fn phone(&self, name: &str) -> Phone {
        self.phone_with(name, Arc::new(MemorySecrets::default()), "")
            .await
    }

    pub(crate) async fn phone_with(
        &self,
        name: &str,
        secrets: Arc<MemorySecrets>,
        policy: &str,
    ) -> Phone {
        let file = self.folder.join(format!("{name}.toml"));
        std::fs::write(&file, policy).unwrap();
        let engine = Engine::start(EngineConfig {
            audio: AudioSetup::Null,
            ca: Some(self.folder.join("ca.pem")),
            settings_dir: Some(self.folder.join(name)),
            secrets: Arc::clone(&secrets) as Arc<dyn SecretStore>,
            standalone: None,
            policy: Some(file),
        })
        .await
        .unwrap();
        Phone { engine }
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// An agent as the administration shows it.
pub(crate) async fn agent(centre: &Centre, name: &str) -> Value {
    let agents = centre.admin("GET", "/agents", Value::Null).await;
    let rows = agents["rows"].as_array().unwrap();
    rows.iter()
        .find(|agent| agent["name"] == name)
        .unwrap()
        .clone()
}

/// A phone under test.
pub(crate) struct Phone {
    pub(crate) engine: Engine,
}

impl Phone {
    pub(crate) fn ask(&self, command: Command) {
        self.engine.command(EngineCommand::Agent(command));
    }

    pub(crate) fn sign_in(&self, centre: &Centre, name: &str) {
        self.sign_in_as(centre, name, DEMO_PASSWORD);
    }

    pub(crate) fn sign_in_as(&self, centre: &Centre, name: &str, password: &str) {
        self.ask(Command::SignIn {
            server: centre.address(),
            name: name.to_owned(),
            password: Secret::new(password),
            code: None,
        });
    }

    pub(crate) async fn until<T>(&self, what: &str, pick: impl Fn(&Snapshot) -> Option<T>) -> T {
        let mut snapshots = self.engine.snapshots();
        let found = timeout(LONG, async {
            loop {
                if let Some(found) = pick(&snapshots.borrow_and_update()) {
                    return found;
                }
                snapshots.changed().await.expect("the engine runs");
            }
        })
        .await;
        found
            .unwrap_or_else(|_| panic!("waited for {what}: {:?}", self.engine.snapshots().borrow()))
    }

    pub(crate) async fn until_green(&self) {
        self.until("green light", |s| s.view.light.green.then_some(()))
            .await;
    }

    /// Waits for a notice on the sign-in screen.
    pub(crate) async fn until_told(&self, what: &str, which: impl Fn(&Notice) -> bool) {
        self.until(what, |s| {
            s.view.sign_in_notice.as_ref().filter(|n| which(n))?;
            Some(())
        })
        .await;
    }
}
