//! The command line.

use std::collections::HashMap;
use std::io::Read as _;

use clap::ValueEnum;

use super::{
    AsteriskConfig, Config, Duration, IpAddr, Ipv4Addr, Parser, PathBuf, PbxConfig, Secret,
    SmallConfig,
};

/// The embedded contact centre: server contract, administration, telephone system and simulated customers.
#[derive(Debug, Parser)]
#[command(name = "sidetone-sandbox", version)]
pub(crate) struct Arguments {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// Port of HTTPS; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of SIP over WSS; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    sip_port: u16,
    /// Another name or address for the certificate; the first one stands in the addresses given out.
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Keep data and certificate in this folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the certificate authority to this file (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_out: Option<PathBuf>,
    /// Read the agents' password from this file descriptor.
    #[arg(long, value_name = "N")]
    password_fd: Option<u32>,
    /// Read the administrator's token from this file descriptor.
    #[arg(long, value_name = "N")]
    admin_token_fd: Option<u32>,
    /// Seconds that a sign-in is good for.
    #[arg(long, value_name = "SECONDS", default_value_t = 28_800)]
    token_life: u64,
    /// Seconds without a realtime connection after which an agent is logged out.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    grace: u64,
    /// A simulated customer calls this often.
    #[arg(long, value_name = "SECONDS")]
    customers_every: Option<f64>,
    /// Seconds that customers talk before they hang up.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    talk: f64,
    /// Seconds that customers wait before they hang up.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    patience: f64,
    /// Address that the telephone system names for plain RTP, instead of where it is: as from behind a NAT.
    #[arg(long, value_name = "ADDRESS")]
    rtp_address: Option<Ipv4Addr>,
    /// A STUN or TURN server for the agents, such as stun:192.0.2.1:3478.
    #[arg(long = "ice-server", value_name = "URL")]
    ice_servers: Vec<String>,
    /// One JSON line when ready, then one for each change of a call.
    #[arg(long)]
    pub(crate) json: bool,
    /// The telephone system.
    #[arg(long, value_enum, default_value_t = Pbx::Small)]
    pbx: Pbx,
    /// Asterisk: address of its manager interface.
    #[arg(long, value_name = "HOST:PORT", required_if_eq("pbx", "asterisk"))]
    ami: Option<String>,
    /// Asterisk: manager's name.
    #[arg(long, value_name = "NAME", required_if_eq("pbx", "asterisk"))]
    ami_user: Option<String>,
    /// Asterisk: read the manager's secret from this file descriptor.
    #[arg(long, value_name = "N", required_if_eq("pbx", "asterisk"))]
    ami_secret_fd: Option<u32>,
    /// Asterisk: SIP over WebSocket.
    #[arg(long, value_name = "URL", required_if_eq("pbx", "asterisk"))]
    asterisk_wss: Option<String>,
    /// Asterisk: domain of the SIP addresses; the host of --asterisk-wss when left out.
    #[arg(long, value_name = "DOMAIN")]
    asterisk_domain: Option<String>,
    /// Asterisk: JSON file with the SIP secret of each extension: {"201": "…"}.
    #[arg(long, value_name = "FILE")]
    sip_secrets: Option<PathBuf>,
    /// Asterisk: interface of an agent in queues; {extension} is replaced.
    #[arg(long, value_name = "PATTERN", default_value = "PJSIP/{extension}")]
    member_interface: String,
}

/// Which telephone system stands behind the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pbx {
    /// The sandbox's own.
    Small,
    /// A real Asterisk, by its manager interface.
    Asterisk,
}

impl Arguments {
    pub(crate) fn into_config(self) -> Result<Config, String> {
        let seconds = |name: &str, value: f64| {
            Duration::try_from_secs_f64(value)
                .map_err(|_| format!("--{name} is a number of seconds, not {value}"))
        };
        let pbx = match self.pbx {
            Pbx::Small => PbxConfig::Small(SmallConfig {
                sip_port: self.sip_port,
                customers_every: self
                    .customers_every
                    .map(|every| seconds("customers-every", every))
                    .transpose()?,
                talk: seconds("talk", self.talk)?,
                patience: seconds("patience", self.patience)?,
                rtp_address: self.rtp_address,
                ..SmallConfig::default()
            }),
            Pbx::Asterisk => {
                let wss_url = self.asterisk_wss.unwrap_or_default();
                let url = url::Url::parse(&wss_url)
                    .map_err(|error| format!("--asterisk-wss {wss_url}: {error}"))?;
                PbxConfig::Asterisk(AsteriskConfig {
                    ami: self.ami.unwrap_or_default(),
                    user: self.ami_user.unwrap_or_default(),
                    secret: secret(self.ami_secret_fd)?.unwrap_or_else(|| Secret::new("")),
                    domain: self
                        .asterisk_domain
                        .or_else(|| url.host_str().map(str::to_owned))
                        .unwrap_or_default(),
                    wss_url,
                    sip_secrets: sip_secrets(self.sip_secrets)?,
                    member_interface: self.member_interface,
                })
            }
        };
        Ok(Config {
            listen: self.listen,
            port: self.port,
            names: self.names,
            data: self.data,
            password: secret(self.password_fd)?,
            admin_token: secret(self.admin_token_fd)?,
            token_life: Duration::from_secs(self.token_life),
            grace: Duration::from_secs(self.grace),
            ice_servers: self
                .ice_servers
                .iter()
                .map(|url| serde_json::json!({"urls": [url]}))
                .collect(),
            pbx,
            ..Config::default()
        })
    }
}

fn sip_secrets(path: Option<PathBuf>) -> Result<HashMap<String, Secret>, String> {
    let Some(path) = path else {
        return Ok(HashMap::new());
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The first line of a file descriptor: secrets do not stand on the command line, where everybody reads them.
fn secret(fd: Option<u32>) -> Result<Option<Secret>, String> {
    let Some(fd) = fd else {
        return Ok(None);
    };
    let mut text = String::new();
    let read = if fd == 0 {
        std::io::stdin().read_line(&mut text).map(|_| ())
    } else {
        std::fs::File::open(format!("/dev/fd/{fd}"))
            .and_then(|file| file.take(4096).read_to_string(&mut text))
            .map(|_| ())
    };
    read.map_err(|error| format!("cannot read a secret from file descriptor {fd}: {error}"))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(format!("file descriptor {fd} holds no secret"));
    }
    Ok(Some(Secret::new(line)))
}
