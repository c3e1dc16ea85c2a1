//! Calls through a TURN server (coturn), over UDP, TCP and TLS.

use std::net::{Ipv6Addr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use rustls::ClientConfig;
use sidetone_profile::Secret;

use super::*;

/// A TURN server of our own that ends with the test.
struct TurnServer {
    process: Child,
    folder: PathBuf,
    listening: IpAddr,
    port: u16,
    tls_port: u16,
    /// Trusts its certificate, which is for `localhost`.
    tls: Arc<ClientConfig>,
}

impl TurnServer {
    /// Listens there and relays from 127.0.0.1; `None` where coturn is not installed.
    fn start(name: &str, listening: IpAddr) -> Option<Self> {
        let [port, tls_port] = free_ports(listening);
        let folder =
            std::env::temp_dir().join(format!("sidetone-turn-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let (certificate, key, tls) = certificate();
        std::fs::write(folder.join("server.pem"), certificate).expect("a certificate");
        std::fs::write(folder.join("server.key"), key).expect("a key");
        let process = Command::new("turnserver")
            .args([
                "-n",
                "--lt-cred-mech",
                "--realm=test",
                "--user=agent:secret",
            ])
            .args(["--relay-ip=127.0.0.1", "--allow-loopback-peers"])
            .args([
                "--no-dtls",
                "--no-cli",
                "--cli-password=none",
                "--log-file=stdout",
            ])
            .arg(format!("--listening-ip={listening}"))
            .arg(format!("--listening-port={port}"))
            .arg(format!("--tls-listening-port={tls_port}"))
            .arg(format!("--cert={}", folder.join("server.pem").display()))
            .arg(format!("--pkey={}", folder.join("server.key").display()))
            .arg(format!("--pidfile={}", folder.join("pid").display()))
            .arg(format!("--userdb={}", folder.join("users").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            println!("left out: coturn is not installed");
            let _ = std::fs::remove_dir_all(&folder);
            return None;
        };
        Some(Self {
            process,
            folder,
            listening,
            port,
            tls_port,
            tls,
        })
    }

    /// Its address over this transport.
    fn url(&self, transport: &str) -> String {
        let host = match self.listening {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        match transport {
            "tls" => format!("turns:localhost:{}", self.tls_port),
            _ => format!("turn:{host}:{}?transport={transport}", self.port),
        }
    }

    fn account(&self, transport: &str, secret: &str) -> Vec<IceServer> {
        vec![IceServer {
            urls: vec![self.url(transport)],
            username: Some("agent".to_owned()),
            credential: Some(Secret::new(secret)),
        }]
    }
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Two ports that are free for UDP and for TCP, and stay so until the server takes them: the system gives ports of this
/// range to nobody who asks for any.
fn free_ports(address: IpAddr) -> [u16; 2] {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 21_000 + (std::process::id() % 8_000) as u16;
    [(); 2].map(|()| {
        loop {
            let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
            let free = TcpListener::bind((address, port)).is_ok()
                && UdpSocket::bind((address, port)).is_ok();
            if free {
                break port;
            }
        }
    })
}

/// A certificate for `localhost` with its key (PEM), and who trusts it.
fn certificate() -> (String, String, Arc<ClientConfig>) {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("signed");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(signed.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (
        signed.cert.pem(),
        signed.signing_key.serialize_pem(),
        Arc::new(config),
    )
}

/// A phone that a TURN server stands in front of.
fn behind_nat(server: &TurnServer, transport: &str, bind: IpAddr) -> MediaConfig {
    MediaConfig {
        ice_servers: server.account(transport, "secret"),
        tls: Some(Arc::clone(&server.tls)),
        bind: vec![bind],
        ..config(KeyingPlan::Webrtc, &[Codec::Ulaw])
    }
}

/// Calls with nothing but the relay, and speaks.
async fn call_through(config: MediaConfig) {
    // The server takes a moment to start.
    let began = Instant::now();
    let offered = loop {
        let offered = Session::offer(config.clone()).await.expect("an offer");
        if offered.1.contains("typ relay") {
            break offered;
        }
        assert!(began.elapsed() < PATIENCE, "no relay: {}", offered.1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    // Nothing but the relay reaches the other side, and nothing else is used.
    offered
        .0
        .inner()
        .lock()
        .transport
        .only_relays(std::time::Instant::now());
    let relayed: String = offered
        .1
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("a=candidate") || line.contains("typ relay"))
        .collect();
    assert!(!relayed.contains("typ host"), "{relayed}");
    let answering = super::config(KeyingPlan::Webrtc, &[Codec::Ulaw]);
    let answered = Session::answer(answering, &relayed)
        .await
        .expect("an answer");
    offered.0.apply_answer(&answered.1).expect("accepted");
    let (mut a, mut b) = (Side::new(offered), Side::new(answered));
    a.expect("a connects", |event| *event == SessionEvent::Connected)
        .await;
    b.expect("b connects", |event| *event == SessionEvent::Connected)
        .await;
    speak(&mut a, &mut b, |a, b| hears(a) && hears(b)).await;
    let lost = b.session.stats().packets_lost;
    println!("{lost} packets lost through the relay");
    assert!(lost < 5);
}

#[tokio::test]
async fn a_call_without_a_direct_way_goes_through_a_turn_server() {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let Some(server) = TurnServer::start("v4", localhost) else {
        return;
    };
    for transport in ["udp", "tcp", "tls"] {
        println!("over {transport}");
        call_through(behind_nat(&server, transport, localhost)).await;

        // The check outside of calls says the same.
        let check = async |secret| {
            let account = server.account(transport, secret);
            crate::check_servers(&account, Some(&server.tls))
                .await
                .remove(0)
        };
        let report = check("secret").await;
        assert_eq!((report.relays, &report.fault), (Some(true), &None));
        assert!(report.round_trip_ms.is_some_and(|ms| ms > 0.0));
        assert!(report.seen_as.is_some_and(|seen| seen.ip() == localhost));
        let fault = check("wrong").await.fault.unwrap_or_default();
        assert!(fault.contains("does not relay for us"), "{fault}");

        // A wrong password costs the relay, not the call.
        let stranger = MediaConfig {
            ice_servers: server.account(transport, "wrong"),
            ..behind_nat(&server, transport, localhost)
        };
        let (_stranger, offer, _) = Session::offer(stranger).await.expect("an offer");
        assert!(
            !offer.contains("typ relay") && offer.contains("typ host"),
            "{offer}"
        );
    }
}

#[tokio::test]
async fn a_turn_server_over_tls_must_have_a_certificate_for_its_name() {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let Some(server) = TurnServer::start("tls", localhost) else {
        return;
    };
    // It is there.
    call_through(behind_nat(&server, "tls", localhost)).await;
    let other_name = IceServer {
        urls: vec![format!("turns:127.0.0.1:{}", server.tls_port)],
        ..server.account("tls", "secret").remove(0)
    };
    let (_, _, another_authority) = certificate();
    for (what, ice_server, tls) in [
        ("another name", other_name, Some(Arc::clone(&server.tls))),
        (
            "an unknown authority",
            server.account("tls", "secret").remove(0),
            Some(another_authority),
        ),
        (
            "nothing to verify it by",
            server.account("tls", "secret").remove(0),
            None,
        ),
    ] {
        let ice_servers = vec![ice_server];
        let report = crate::check_servers(&ice_servers, tls.as_ref()).await;
        let fault = report[0].fault.as_deref().unwrap_or_default();
        assert!(fault.contains("certificate"), "{what}: {fault}");
        let config = MediaConfig {
            ice_servers,
            tls,
            ..config(KeyingPlan::Webrtc, &[Codec::Ulaw])
        };
        let (_session, offer, _) = Session::offer(config).await.expect("an offer");
        assert!(!offer.contains("typ relay"), "{what}: {offer}");
    }
}

#[tokio::test]
async fn a_turn_server_is_reached_over_ipv6_and_leads_to_ipv4() {
    let localhost = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if UdpSocket::bind((localhost, 0)).is_err() {
        println!("left out: this machine has no IPv6");
        return;
    }
    let Some(server) = TurnServer::start("v6", localhost) else {
        return;
    };
    for transport in ["udp", "tcp"] {
        println!("over {transport}");
        call_through(behind_nat(&server, transport, localhost)).await;
    }
}
