//! A real Asterisk 22: its root folder, its start and stop, its manager interface.

mod ami;
mod root;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use ami::{Ami, Message};
pub use root::root;

use crate::certificates::{self, CertificateError};
use crate::counterpart::{secret, tail};
use crate::namespace::{self, ADDRESS};
use crate::workspace_root;

/// Where the manager interface listens.
pub const AMI_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5038);
/// Its user.
pub const AMI_USER: &str = "sandbox";
/// The accounts of `conf/pjsip.conf`.
pub const ACCOUNTS: [&str; 5] = ["201", "202", "210", "220", "230"];
/// The account that only [`Asterisk::start_with_rsa`] makes.
pub const RSA_ACCOUNT: &str = "203";

/// Why there is no Asterisk.
#[derive(Debug, thiserror::Error)]
pub enum AsteriskError {
    /// The root folder.
    #[error("no root folder with Asterisk: {0}")]
    Bootstrap(String),
    /// Files, processes, sockets.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its certificate.
    #[error("no certificate for Asterisk: {0}")]
    Certificate(#[from] CertificateError),
    /// The speech it plays.
    #[error("no speech for Asterisk: {0}")]
    Speech(#[from] hound::Error),
    /// It ended, or did not get ready.
    #[error("Asterisk did not start: {reason}; the end of its log:\n{log}")]
    Start {
        /// What was seen.
        reason: String,
        /// The last lines.
        log: String,
    },
}

/// [`namespace::isolated`] for a test that starts an Asterisk: its root folder is made before, where there still is a
/// network to fetch it from.
///
/// # Panics
/// When there is no root folder, and as [`namespace::isolated`] does.
pub fn isolated(name: &str, body: impl FnOnce()) {
    if !namespace::is_inside() {
        root().unwrap_or_else(|error| panic!("{error}"));
    }
    namespace::isolated(name, body);
}

/// A running Asterisk; stopped when dropped.
#[derive(Debug)]
pub struct Asterisk {
    child: Child,
    mount: PathBuf,
    folder: PathBuf,
    secrets: HashMap<&'static str, String>,
    /// The signed-in manager connection.
    pub ami: Ami,
}

impl Asterisk {
    /// Starts it with everything it writes in `folder`; `speech` (mono WAV, 16, 24 or 48 kHz) is what its customers say.
    ///
    /// Needs [`namespace::isolated`]: it binds the folder into its root.
    ///
    /// # Errors
    /// [`AsteriskError`] with the end of the log.
    pub fn start(folder: &Path, speech: &Path) -> Result<Self, AsteriskError> {
        assert!(
            namespace::is_inside(),
            "Asterisk is started in a namespace of its own only"
        );
        let root = root()?;
        let secrets = ["AMI"]
            .into_iter()
            .chain(ACCOUNTS)
            .map(|name| (name, secret()))
            .collect::<HashMap<_, _>>();
        for part in ["etc", "var", "spool", "run", "log", "sounds/hold"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        write_config(&folder.join("etc"), &secrets)?;
        certificates::write(&folder.join("ca.pem"), &folder.join("etc"))?;
        write_sounds(speech, &folder.join("sounds"))?;
        let mount = root.join("mnt");
        run(Command::new("mount").arg("--bind").arg(folder).arg(&mount))?;
        let log = std::fs::File::create(folder.join("log/console"))?;
        let mut child = Command::new("chroot")
            .arg(&root)
            .args(["asterisk", "-C", "/mnt/etc/asterisk.conf", "-f"])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        match Ami::connect(
            AMI_ADDRESS,
            AMI_USER,
            &secrets["AMI"],
            Duration::from_secs(90),
        ) {
            Ok(ami) => Ok(Self {
                child,
                mount,
                folder: folder.to_owned(),
                secrets,
                ami,
            }),
            Err(error) => {
                let reason = match child.try_wait() {
                    Ok(Some(status)) => format!("it ended with {status}"),
                    _ => format!("its manager interface did not answer ({error})"),
                };
                let _ = child.kill();
                let _ = child.wait();
                Err(AsteriskError::Start {
                    reason,
                    log: tail(&folder.join("log/console"), 30),
                })
            }
        }
    }

    /// The same with an account [`RSA_ACCOUNT`] whose media certificate is RSA; the others' are ECDSA.
    ///
    /// # Errors
    /// As [`Self::start`], and when `openssl` is not there.
    pub fn start_with_rsa(folder: &Path, speech: &Path) -> Result<Self, AsteriskError> {
        let etc = folder.join("etc");
        std::fs::create_dir_all(&etc)?;
        run(Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=rsa",
            ])
            .args(["-days", "2", "-keyout"])
            .arg(etc.join("rsa.key"))
            .arg("-out")
            .arg(etc.join("rsa.pem"))
            .stderr(Stdio::null()))?;
        let secret = secret();
        std::fs::write(
            etc.join("pjsip_rsa.conf"),
            format!(
                "[{RSA_ACCOUNT}](agent)\nauth = {RSA_ACCOUNT}\naors = {RSA_ACCOUNT}\ndtls_auto_generate_cert = no\n\
                 dtls_cert_file = /mnt/etc/rsa.pem\ndtls_private_key = /mnt/etc/rsa.key\n\n\
                 [{RSA_ACCOUNT}](contact)\n\n\
                 [{RSA_ACCOUNT}]\ntype = auth\nauth_type = digest\nusername = {RSA_ACCOUNT}\npassword = {secret}\n\
                 supported_algorithms_uas = MD5\n"
            ),
        )?;
        let mut asterisk = Self::start(folder, speech)?;
        asterisk.secrets.insert(RSA_ACCOUNT, secret);
        Ok(asterisk)
    }

    /// The SIP secret of an account, or the manager's for `AMI`.
    #[must_use]
    pub fn secret(&self, account: &str) -> &str {
        &self.secrets[account]
    }

    /// The address for SIP over WSS.
    #[must_use]
    pub fn wss_url(&self) -> String {
        format!("wss://{ADDRESS}:8089/ws")
    }

    /// The certificate of the authority that signed its certificate (PEM).
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// What the last customer of [`Self::call_queue`] heard.
    #[must_use]
    pub fn customer_heard(&self) -> PathBuf {
        self.folder.join("spool/customer-heard.wav")
    }

    /// What the last customer at `Local/other@customers` heard.
    #[must_use]
    pub fn other_heard(&self) -> PathBuf {
        self.folder.join("spool/other-heard.wav")
    }

    /// A customer calls the queue `support`, speaks until hung up, and is recorded.
    ///
    /// # Errors
    /// When Asterisk refuses.
    pub fn call_queue(&mut self, name: &str, number: &str) -> io::Result<()> {
        self.ami
            .action(&[
                ("Action", "Originate"),
                ("Channel", "Local/talk@customers/n"),
                ("Context", "agents"),
                ("Exten", "604"),
                ("Priority", "1"),
                ("CallerID", &format!("\"{name}\" <{number}>")),
                ("Async", "true"),
            ])
            .map(drop)
    }

    /// Hangs up every channel.
    ///
    /// # Errors
    /// When Asterisk refuses.
    pub fn hang_up_all(&mut self) -> io::Result<()> {
        self.ami
            .action(&[("Action", "Hangup"), ("Channel", "/.*/")])
            .map(drop)
    }

    /// Waits until a line of the log contains `text`, and returns the line.
    ///
    /// # Errors
    /// The end of the log when it does not come.
    pub fn log_line(&self, text: &str, patience: Duration) -> Result<String, String> {
        let file = self.folder.join("log/full");
        let end = Instant::now() + patience;
        loop {
            let log = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            if Instant::now() > end {
                return Err(format!(
                    "\"{text}\" is not in Asterisk's log; its end:\n{}",
                    tail(&file, 25)
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = Command::new("umount").arg(&self.mount).status();
    }
}

fn write_config(etc: &Path, secrets: &HashMap<&'static str, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(workspace_root().join("tests/interop/asterisk/conf"))? {
        let entry = entry?;
        let mut text = std::fs::read_to_string(entry.path())?;
        for (account, secret) in secrets {
            let mark = if *account == "AMI" {
                "@AMI_SECRET@".to_owned()
            } else {
                format!("@SECRET_{account}@")
            };
            text = text.replace(&mark, secret);
        }
        std::fs::write(etc.join(entry.file_name()), text)?;
    }
    Ok(())
}

/// Asterisk's own raw form of wideband sound; its WAV reader knows 8 and 16 kHz only.
fn write_sounds(speech: &Path, sounds: &Path) -> Result<(), AsteriskError> {
    let mut reader = hound::WavReader::open(speech)?;
    let form = format!("sln{}", reader.spec().sample_rate / 1000);
    let bytes = reader.samples::<i16>().collect::<Result<Vec<_>, _>>()?;
    let bytes: Vec<u8> = bytes.into_iter().flat_map(i16::to_le_bytes).collect();
    std::fs::write(sounds.join(format!("customer.{form}")), &bytes)?;
    std::fs::write(sounds.join("hold/silence.sln48"), vec![0; 96_000])?;
    Ok(())
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{command:?} ended with {status}")))
    }
}
