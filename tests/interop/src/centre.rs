//! The contact centre of a test, and its administrator.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::WorkDir;
use crate::desk::Desk;
use crate::phone::PATIENCE;
#[cfg(unix)]
use crate::program::beside;
use crate::sandbox::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};

/// A running sandbox with a folder of its own.
pub struct Centre {
    sandbox: Sandbox,
    folder: WorkDir,
}

impl Centre {
    /// Starts a contact centre with these arguments.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn open(arguments: &[&str]) -> Self {
        let folder = WorkDir::new("centre").expect("a folder for the test");
        let sandbox =
            Sandbox::open(folder.path(), arguments).unwrap_or_else(|said| panic!("{said}"));
        Self { sandbox, folder }
    }

    /// Its address.
    pub fn server(&self) -> &str {
        &self.sandbox.server
    }

    /// The process of the sandbox.
    pub fn process(&self) -> u32 {
        self.sandbox.id()
    }

    /// Forgets what the sandbox said so far, which is memory of this process.
    pub fn forget(&mut self) {
        self.sandbox.forget();
    }

    /// Its port of HTTPS.
    pub fn port(&self) -> u16 {
        port_of(self.server())
    }

    /// The agents' password.
    pub fn password(&self) -> &str {
        &self.sandbox.password
    }

    /// The certificate of its authority (PEM).
    ///
    /// # Panics
    /// When the folder has no plain name.
    pub fn ca(&self) -> &str {
        self.sandbox
            .ca
            .to_str()
            .expect("a folder with a plain name")
    }

    /// Where its files and its phones' files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Signs an agent in who hears and says nothing by a device.
    pub fn desk(&self, name: &str) -> Desk {
        self.desk_at(self.server(), name, self.password())
    }

    /// The same at another address, or with another password.
    pub fn desk_at(&self, server: &str, name: &str, password: &str) -> Desk {
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
    pub fn ready(&self, name: &str) -> Desk {
        let mut desk = self.desk(name);
        desk.green();
        desk
    }

    /// Signs an agent in with more arguments; its files are in a folder of its own.
    pub fn desk_with(&self, name: &str, more: &[&str]) -> Desk {
        let mut arguments = vec![
            "--server",
            self.server(),
            "--user",
            name,
            "--password-fd",
            "0",
            "--ca",
            self.ca(),
        ];
        if !more.contains(&"--audio") {
            arguments.extend(["--audio", "null"]);
        }
        arguments.extend(more);
        Desk::start(&self.own_folder(name), self.password(), &arguments)
    }

    /// The same, at the green light.
    pub fn ready_with(&self, name: &str, more: &[&str]) -> Desk {
        let mut desk = self.desk_with(name, more);
        desk.green();
        desk
    }

    /// Signs an agent in who finds `file` at descriptor 3.
    #[cfg(unix)]
    pub fn desk_with_file(&self, name: &str, file: &Path, more: &[&str]) -> Desk {
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$FILE\""])
            .arg(beside("sidetone-headless"))
            .args(["--json", "--server", self.server(), "--user", name])
            .args(["--password-fd", "0", "--audio", "null", "--ca", self.ca()])
            .args(more)
            .env("FILE", file);
        Desk::start_command(&self.own_folder(name), Some(self.password()), &mut command)
    }

    /// Opens a phone that asks the browser who signs in.
    pub fn desk_by_browser(&self) -> Desk {
        let arguments = [
            "--server",
            self.server(),
            "--browser",
            "--audio",
            "null",
            "--ca",
            self.ca(),
        ];
        Desk::start_with(self.folder(), None, &arguments, &[])
    }

    /// Where an agent's phone writes.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn own_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.file(name);
        std::fs::create_dir_all(&folder).expect("a folder for the phone");
        folder
    }

    /// Writes IT's policy for a phone; gives its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn policy(&self, toml: &str) -> String {
        let file = self.folder.file("policy.toml");
        std::fs::write(&file, toml).expect("a policy");
        file.display().to_string()
    }

    /// Changes what the centre sets for all agents.
    pub fn set_centre(&self, settings: Value) {
        self.ask(Method::PATCH, "/admin/api/settings", Some(settings));
    }

    /// Changes an agent's settings, usable or not.
    pub fn set(&self, name: &str, settings: Value) {
        let path = format!("/admin/api/agents/{name}?unchecked=true");
        self.ask(Method::PATCH, &path, Some(json!({ "settings": settings })));
    }

    /// Gives an agent another password.
    pub fn set_password(&self, name: &str, password: &str) {
        let path = format!("/admin/api/agents/{name}/password");
        self.ask(Method::PUT, &path, Some(json!({ "password": password })));
    }

    /// Switches the one-time code on; gives its secret in base32.
    pub fn require_code(&self, name: &str) -> String {
        let path = format!("/admin/api/agents/{name}/code");
        let answer = self.ask(Method::PUT, &path, Some(json!({ "on": true })));
        answer["secret"].as_str().expect("a secret").to_owned()
    }

    /// A customer calls the queue now; gives the call's number.
    pub fn customer(&self, call: Value) -> u64 {
        let answer = self.ask(Method::POST, "/admin/api/customers", Some(call));
        answer["id"].as_u64().expect("the call's number")
    }

    fn calls(&self) -> Value {
        self.ask(Method::GET, "/admin/api/calls", None)["rows"].clone()
    }

    /// The newest call that the far end knows, once it has this result.
    pub fn last_call(&self) -> Value {
        let list = self.ask(Method::GET, "/admin/api/calls", None);
        let rows = list["rows"].as_array().expect("rows");
        let newest = rows.iter().max_by_key(|call| call["id"].as_u64());
        newest.cloned().expect("a call")
    }

    /// What is known of a call.
    pub fn call(&self, id: u64) -> Value {
        self.ask(Method::GET, &format!("/admin/api/calls/{id}"), None)
    }

    /// The agent's SIP account, as a phone fetches it.
    pub fn sip_account(&self, name: &str) -> Value {
        self.ask_as(Some(name), Method::GET, "/api/users/me/sip", None)
    }

    /// How often this agent has signed in or renewed that, by the server's log.
    pub fn sign_ins(&self, name: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.file("sandbox.log")).expect("its log");
        log.lines()
            .filter(|line| line.contains("signed in") || line.contains("sign-in renewed"))
            .filter(|line| line.contains(name))
            .count()
    }

    /// Lets an agent's password be too old.
    pub fn expire_password(&self, name: &str) {
        let path = format!("/admin/api/agents/{name}/expire-password");
        self.ask(Method::POST, &path, None);
    }

    /// Puts an item on one of an agent's lists: `callbacks`, `previews` or `interactions`; gives its number.
    ///
    /// # Panics
    /// When it is refused.
    pub fn give(&self, name: &str, list: &str, item: Value) -> String {
        let path = format!("/admin/api/agents/{name}/{list}");
        let id = self.ask(Method::POST, &path, Some(item))["id"].clone();
        id.as_str().map_or_else(|| id.to_string(), str::to_owned)
    }

    /// What is on one of an agent's lists, or `dispositions`: what it said that its calls were about.
    pub fn list(&self, name: &str, list: &str) -> Value {
        let path = format!("/admin/api/agents/{name}/{list}");
        self.ask(Method::GET, &path, None)["rows"].clone()
    }

    /// Sets the tree of dispositions; gives it with its numbers.
    pub fn set_dispositions(&self, tree: Value) -> Value {
        let path = "/admin/api/dispositions";
        self.ask(Method::PUT, path, Some(tree))["rows"].clone()
    }

    /// Changes the queue `support`.
    pub fn set_queue(&self, change: Value) {
        self.ask(Method::PATCH, "/admin/api/queues/1", Some(change));
    }

    /// What the server knows of an agent: its settings, its presence, its queues.
    pub fn agent(&self, name: &str) -> Value {
        self.ask(Method::GET, &format!("/admin/api/agents/{name}"), None)
    }

    /// Waits until the newest call is as wanted.
    ///
    /// # Panics
    /// When it is not after a while.
    pub fn until_last_call(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(what, || Some(self.last_call()).filter(|call| wanted(call)))
    }

    /// Waits until the server shows something.
    ///
    /// # Panics
    /// When it does not after a while.
    pub fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            assert!(Instant::now() < end, "waited for {what}: {}", self.calls());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks the administration, or the contract, for anything else.
    pub fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
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
            let answer = request.send().await?.error_for_status()?;
            let body = answer.bytes().await?;
            // Some answers have no body.
            Ok(serde_json::from_slice(&body).unwrap_or_default())
        };
        runtime
            .block_on(asked)
            .unwrap_or_else(|error: reqwest::Error| panic!("{path}: {error}"))
    }
}

/// The port at the end of an address, with or without a path behind it.
pub fn port_of(address: &str) -> u16 {
    let after = address.rsplit(':').next().unwrap_or_default();
    let digits = after.split('/').next().unwrap_or_default();
    digits.parse().expect("an address with a port")
}
