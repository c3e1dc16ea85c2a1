//! A real Kamailio with rtpengine: WSS and DTLS-SRTP on one side, plain SIP and RTP on the other.

use std::fs::File;
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::baresip;
use crate::certificates::{self, CertificateError};
use crate::counterpart::{secret, tail};
use crate::namespace::{self, ADDRESS};
use crate::phone::PATIENCE;
use crate::workspace_root;

/// Its accounts.
pub const ACCOUNTS: [&str; 2] = ["201", "202"];
/// Where rtpengine takes its commands.
const CONTROL: &str = "127.0.0.1:2223";
/// rtpengine's control protocol: a cookie, and a dictionary of strings.
const PING: &[u8] = b"1 d7:command4:pinge";

/// Why there is no Kamailio.
#[derive(Debug, thiserror::Error)]
pub enum KamailioError {
    /// Files and processes.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its certificate.
    #[error("no certificate for Kamailio: {0}")]
    Certificate(#[from] CertificateError),
    /// It ended, or did not get ready.
    #[error("{name} did not start; the end of its log:\n{log}")]
    Start {
        /// Which of the two.
        name: &'static str,
        /// The last lines.
        log: String,
    },
}

/// A running Kamailio and its rtpengine; ended when dropped.
#[derive(Debug)]
pub struct Kamailio {
    // Dropped in this order: rtpengine last.
    proxy: Option<Server>,
    _media: Server,
    folder: PathBuf,
    secrets: [String; 2],
}

impl Kamailio {
    /// Starts both with what they write in `folder`. Calls of 600 go to a [`baresip::Baresip`] at [`ADDRESS`].
    ///
    /// # Errors
    /// [`KamailioError`] with the end of the log.
    pub fn start(folder: &Path) -> Result<Self, KamailioError> {
        assert!(
            namespace::is_inside(),
            "Kamailio is started in a namespace of its own only"
        );
        let folder = folder.join("kamailio");
        std::fs::create_dir_all(&folder)?;
        certificates::write(&folder.join("ca.pem"), &folder)?;
        let secrets = [secret(), secret()];
        let template = workspace_root().join("tests/interop/kamailio/kamailio.cfg");
        let mut config = std::fs::read_to_string(template)?
            .replace("@ADDRESS@", ADDRESS)
            .replace("@FOLDER@", &folder.to_string_lossy())
            .replace("@PLAIN_PORT@", &baresip::PORT.to_string());
        for (account, secret) in ACCOUNTS.iter().zip(&secrets) {
            config = config.replace(&format!("@SECRET_{account}@"), secret);
        }
        std::fs::write(folder.join("kamailio.cfg"), config)?;
        let mut command = Command::new("rtpengine");
        // In user space: the kernel's module is not asked for.
        command.args(["--config-file=none", "--foreground", "--log-stderr"]);
        command.args(["--log-level=5", "--table=-1", "--num-threads=2"]);
        command.arg(format!("--interface={ADDRESS}"));
        command.arg(format!("--listen-ng={CONTROL}"));
        command.args(["--port-min=30000", "--port-max=30200", "--timeout=60"]);
        let control = UdpSocket::bind("127.0.0.1:0")?;
        control.set_read_timeout(Some(Duration::from_millis(100)))?;
        let media = Server::start("rtpengine", command, &folder, || {
            let mut answer = [0; 64];
            control.send_to(PING, CONTROL).is_ok() && control.recv(&mut answer).is_ok()
        })?;
        let mut this = Self {
            proxy: None,
            _media: media,
            folder,
            secrets,
        };
        this.open()?;
        Ok(this)
    }

    /// Starts Kamailio again after [`Self::close`]: it knows nobody.
    ///
    /// # Errors
    /// [`KamailioError`] with the end of the log.
    pub fn open(&mut self) -> Result<(), KamailioError> {
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-f"]);
        command.arg(self.folder.join("kamailio.cfg"));
        command.arg("-Y").arg(&self.folder);
        command.arg("-P").arg(self.folder.join("pid"));
        let proxy = Server::start("kamailio", command, &self.folder, || {
            TcpStream::connect((ADDRESS, 8443)).is_ok()
        })?;
        self.proxy = Some(proxy);
        Ok(())
    }

    /// Ends Kamailio, and every WebSocket with it; rtpengine carries on.
    pub fn close(&mut self) {
        self.proxy = None;
    }

    /// The address for SIP over WSS.
    #[must_use]
    pub fn wss_url(&self) -> String {
        format!("wss://{ADDRESS}:8443/")
    }

    /// The certificate of the authority that signed its certificate (PEM).
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The SIP secret of one of [`ACCOUNTS`].
    ///
    /// # Panics
    /// When it is none of them.
    #[must_use]
    pub fn secret(&self, account: &str) -> &str {
        let at = ACCOUNTS.iter().position(|name| *name == account);
        &self.secrets[at.expect("one of the accounts")]
    }
}

/// One of the two programs.
#[derive(Debug)]
struct Server(Child);

impl Server {
    /// Starts it and waits until `ready`.
    fn start(
        name: &'static str,
        mut command: Command,
        folder: &Path,
        ready: impl Fn() -> bool,
    ) -> Result<Self, KamailioError> {
        let log = folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut this = Self(command.spawn()?);
        let end = Instant::now() + PATIENCE;
        while !ready() {
            if this.0.try_wait()?.is_some() || Instant::now() > end {
                let log = tail(&log, 30);
                return Err(KamailioError::Start { name, log });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(this)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked, so that it ends the processes it started itself.
        let _ = Command::new("kill")
            .args(["-TERM", &self.0.id().to_string()])
            .status();
        let end = Instant::now() + Duration::from_secs(10);
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
