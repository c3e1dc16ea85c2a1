//! A TLS server that is no contact centre, or has a certificate that is worth nothing.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// Writes its certificate for `--ca`.
    pub(crate) fn keep_in(&self, folder: &Path) -> PathBuf {
        let file = folder.join("ca.pem");
        std::fs::write(&file, self.0.pem()).expect("the CA is written");
        file
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        let (params, key) = leaf(name);
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity::new(certificate.der().clone(), &key)
    }

    pub(crate) fn issue_expired(&self, name: &str) -> Identity {
        let (mut params, key) = leaf(name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity::new(certificate.der().clone(), &key)
    }
}

impl Identity {
    pub(crate) fn self_signed(name: &str) -> Self {
        let (params, key) = leaf(name);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self::new(certificate.der().clone(), &key)
    }

    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        Self { certificate, key }
    }

    /// Serves this answer to every request; gives the address.
    pub(crate) fn serve(
        self,
        status: &'static str,
        kind: &'static str,
        body: &'static str,
    ) -> String {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .expect("a certificate with its key");
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        std::thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                // A phone that does not trust us goes away in the handshake.
                let _ = answer_one(tcp, &config, &answer);
            }
        });
        format!("https://localhost:{port}")
    }
}

fn leaf(name: &str) -> (CertificateParams, KeyPair) {
    let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    (params, KeyPair::generate().expect("a key"))
}

fn answer_one(mut tcp: TcpStream, config: &Arc<ServerConfig>, answer: &str) -> std::io::Result<()> {
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut connection =
        ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut tls = Stream::new(&mut connection, &mut tcp);
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        let mut part = [0; 1024];
        match tls.read(&mut part)? {
            0 => break,
            read => request.extend_from_slice(&part[..read]),
        }
    }
    tls.write_all(answer.as_bytes())?;
    connection.send_close_notify();
    connection.complete_io(&mut tcp).map(drop)
}
