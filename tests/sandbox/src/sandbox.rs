//! Starting and stopping it all.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use serde_json::Value;
use sidetone_profile::Secret;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::calls::CallLog;
use crate::centre::{Centre, Rules, SipAddresses};
use crate::listener::TlsListener;
use crate::pbx::{Asterisk, AsteriskConfig, SmallConfig, SmallPbx, Switch};
use crate::problem::Problem;
use crate::store::Store;
use crate::tls::Identity;
use crate::{admin, contract, password, seed};

/// The agents' password where nobody else can reach the sandbox and none was given.
pub const DEMO_PASSWORD: &str = "sidetone-demo";

/// The embedded contact centre.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

/// How it is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address of HTTPS and SIP.
    pub listen: IpAddr,
    /// Port of HTTPS; 0 takes a free one.
    pub port: u16,
    /// Names and addresses besides `localhost` that the certificate is good for; the first one stands in the URLs.
    pub names: Vec<String>,
    /// Where data and certificate are kept; `None` keeps them in memory.
    pub data: Option<PathBuf>,
    /// The agents' password; `None`: [`DEMO_PASSWORD`] on loopback, else one is made.
    pub password: Option<Secret>,
    /// Opens the administration from elsewhere; `None`: one is made unless bound to loopback, where none is needed.
    pub admin_token: Option<Secret>,
    /// How long a sign-in is good for.
    pub token_life: Duration,
    /// How long a sign-in can be renewed without the password.
    pub refresh_life: Duration,
    /// How long a code of the browser sign-in is good for.
    pub code_life: Duration,
    /// An agent without a realtime socket is logged out of the queues after this time.
    pub grace: Duration,
    /// ICE servers given to agents, as objects of the contract.
    pub ice_servers: Vec<Value>,
    /// The telephone system.
    pub pbx: PbxConfig,
}

/// Which telephone system stands behind the contract.
#[derive(Clone, Debug)]
pub enum PbxConfig {
    /// The sandbox's own.
    Small(SmallConfig),
    /// A real Asterisk.
    Asterisk(AsteriskConfig),
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A listening socket could not be opened.
    #[error("cannot listen on {0}: {1}; is another sandbox running there?")]
    Bind(SocketAddr, String),
    /// The certificate could not be made, kept or read.
    #[error("the certificate could not be prepared: {0}")]
    Certificate(String),
    /// The database could not be opened.
    #[error("the database could not be opened: {0}")]
    Database(#[from] rusqlite::Error),
    /// A file or folder could not be used.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The small telephone system did not start.
    #[error("the telephone system did not start: {0}")]
    Sip(#[from] sidetone_sip::SipError),
    /// Asterisk's manager interface refused or could not be reached.
    #[error("Asterisk's manager interface at {0}: {1}")]
    Asterisk(String, String),
}

/// A running sandbox; stops when dropped.
pub struct Handle {
    /// What agents type as the server's address.
    pub https_url: String,
    /// The administration; its interface is below `/api`.
    pub admin_url: String,
    /// SIP over WebSocket.
    pub wss_url: String,
    /// SIP over UDP, for agents of typology phonebar.
    pub sip_udp: Option<SocketAddr>,
    /// The certificate authority, PEM.
    pub ca_pem: String,
    /// The agents' password, when this start set it.
    pub password: Option<Secret>,
    /// The administrator's token, when one is needed.
    pub admin_token: Option<Secret>,
    centre: Arc<Centre>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            names: Vec::new(),
            data: None,
            password: None,
            admin_token: None,
            token_life: Duration::from_secs(8 * 3600),
            refresh_life: Duration::from_secs(30 * 86_400),
            code_life: Duration::from_secs(60),
            grace: Duration::from_secs(300),
            ice_servers: Vec::new(),
            pbx: PbxConfig::Small(SmallConfig::default()),
        }
    }
}

impl Sandbox {
    /// Starts it, without a stream of call events.
    ///
    /// # Errors
    /// [`SandboxError`] when something it needs is not there.
    pub async fn start(config: Config) -> Result<Handle, SandboxError> {
        start(config, None).await
    }

    /// Starts it; every change of a call comes as a JSON object.
    ///
    /// # Errors
    /// [`SandboxError`] when something it needs is not there.
    pub async fn start_with_events(
        config: Config,
    ) -> Result<(Handle, mpsc::UnboundedReceiver<Value>), SandboxError> {
        let (sender, events) = mpsc::unbounded_channel();
        Ok((start(config, Some(sender)).await?, events))
    }
}

impl Handle {
    /// Stops serving; phones see their connections close.
    pub async fn shutdown(mut self) {
        self.stop_now();
        let _ = tokio::time::timeout(Duration::from_secs(3), &mut self.serving).await;
    }

    /// Lets a simulated customer call a queue now.
    ///
    /// # Errors
    /// A sentence when the call cannot be made.
    pub fn call_in(&self, call: crate::CustomerCall) -> Result<crate::CallId, String> {
        match self.centre.switch.get() {
            Some(Switch::Small(pbx)) => pbx.call_in(call).map_err(|problem| problem.detail),
            _ => Err("customers call the sandbox's own telephone system only".to_owned()),
        }
    }

    fn stop_now(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        match self.centre.switch.get() {
            Some(Switch::Small(pbx)) => pbx.stop(),
            Some(Switch::Asterisk(asterisk)) => asterisk.stop(),
            None => {}
        }
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("https_url", &self.https_url)
            .field("wss_url", &self.wss_url)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop_now();
        self.serving.abort();
    }
}

async fn start(
    config: Config,
    events: Option<mpsc::UnboundedSender<Value>>,
) -> Result<Handle, SandboxError> {
    if let Some(folder) = &config.data {
        std::fs::create_dir_all(folder).map_err(|e| SandboxError::File(folder.clone(), e))?;
    }
    let loopback = config.listen.is_loopback();
    // The voices are ready before the first call, without keeping the start waiting.
    tokio::task::spawn_blocking(|| crate::sound::speech("en-male"));
    let identity = Identity::open(config.data.as_deref(), &config.names)?;
    let mut store = Store::open(config.data.as_deref())?;
    let password = if store.is_empty()? {
        let password = config.password.clone().unwrap_or_else(|| {
            if loopback {
                Secret::new(DEMO_PASSWORD)
            } else {
                password::readable()
            }
        });
        let sip_secret = |extension: &str| match &config.pbx {
            PbxConfig::Asterisk(asterisk) => asterisk.sip_secrets.get(extension).cloned(),
            PbxConfig::Small(_) => None,
        };
        seed::plant(&mut store, &password, sip_secret)?;
        Some(password)
    } else {
        None
    };
    let admin_token = config
        .admin_token
        .clone()
        .or_else(|| (!loopback).then(password::readable));

    let address = SocketAddr::new(config.listen, config.port);
    let bind = |error: std::io::Error| SandboxError::Bind(address, error.to_string());
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let port = listener.local_addr().map_err(bind)?.port();
    let name = public_name(&config);

    let rules = Rules {
        token_life: config.token_life,
        refresh_life: config.refresh_life,
        code_life: config.code_life,
        grace: config.grace,
        admin_token: admin_token.clone(),
        domain: match &config.pbx {
            PbxConfig::Small(_) => "sandbox.example".to_owned(),
            PbxConfig::Asterisk(asterisk) => asterisk.domain.clone(),
        },
        ice_servers: config.ice_servers.clone(),
    };
    let centre = Centre::new(rules, store, CallLog::new(events));
    let mut sip_udp = None;
    let (switch, sip) = match config.pbx {
        PbxConfig::Small(small) => {
            let (pbx, wss, udp) = SmallPbx::start(
                centre.clone(),
                config.listen,
                identity.server.clone(),
                small,
            )
            .await?;
            sip_udp = Some(udp);
            let sip = SipAddresses {
                wss_url: format!("wss://{name}:{}/ws", wss.port()),
                udp: Some((udp_host(&config.listen, &name), udp.port())),
            };
            (Switch::Small(pbx), sip)
        }
        PbxConfig::Asterisk(asterisk) => {
            let sip = SipAddresses {
                wss_url: asterisk.wss_url.clone(),
                udp: None,
            };
            let asterisk = Asterisk::start(&centre, asterisk).await?;
            (Switch::Asterisk(asterisk), sip)
        }
    };
    let wss_url = sip.wss_url.clone();
    let _ = centre.sip.set(sip);
    let _ = centre.switch.set(switch);

    let listener = TlsListener::start(listener, https(&identity.server)).map_err(bind)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = router(&centre);
    let serving = tokio::spawn(async move {
        let server = std::future::IntoFuture::into_future(axum::serve(listener, app));
        tokio::select! {
            // Realtime sockets would hold a graceful end up for ever.
            _ = stopped => {}
            result = server => {
                if let Err(error) = result {
                    tracing::error!(%error, "HTTPS server");
                }
            }
        }
    });
    let https_url = format!("https://{name}:{port}");
    Ok(Handle {
        admin_url: format!("{https_url}/admin"),
        https_url,
        wss_url,
        sip_udp,
        ca_pem: identity.ca_pem,
        password,
        admin_token,
        centre,
        stop: Some(stop),
        serving,
    })
}

fn router(centre: &Arc<Centre>) -> Router {
    contract::router()
        .merge(admin::router(centre))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(axum::middleware::map_response(no_store))
        .with_state(centre.clone())
}

/// Answers carry secrets and live state: no cache may keep them.
async fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// WebSockets start from HTTP/1.1 here.
fn https(server: &Arc<rustls::ServerConfig>) -> Arc<rustls::ServerConfig> {
    let mut server = rustls::ServerConfig::clone(server);
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(server)
}

fn public_name(config: &Config) -> String {
    match config.names.first() {
        Some(name) => name.clone(),
        None if config.listen.is_loopback() => "localhost".to_owned(),
        None => match config.listen {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        },
    }
}

fn udp_host(listen: &IpAddr, name: &str) -> String {
    if listen.is_unspecified() {
        name.to_owned()
    } else {
        listen.to_string()
    }
}
