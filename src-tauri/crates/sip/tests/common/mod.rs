//! Two endpoints on loopback, one in the server role.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sidetone_profile::Secret;
use sidetone_sip::{
    Account, Authenticator, CallTarget, DialogId, Endpoint, EndpointConfig, Event, FlowId,
    IncomingInvite, Listen, NameAddr, RegisterRequest, RegistrationState, ServerAddress,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Only a broken test waits this long.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Users;

impl Authenticator for Users {
    fn realm(&self) -> String {
        "sandbox".to_owned()
    }

    fn secret(&self, user: &str) -> Option<Secret> {
        (user == "1001").then(|| Secret::new("right"))
    }
}

/// An endpoint and what it reports.
pub(crate) struct Side {
    pub(crate) endpoint: Endpoint,
    pub(crate) events: UnboundedReceiver<Event>,
}

impl Side {
    pub(crate) async fn start(config: EndpointConfig) -> Self {
        let (endpoint, events) = Endpoint::start(config).await.expect("start");
        Self { endpoint, events }
    }

    pub(crate) async fn next(&mut self) -> Event {
        timeout(LONG, self.events.recv())
            .await
            .expect("an event in time")
            .expect("a running endpoint")
    }

    /// The next event, however long it takes.
    pub(crate) async fn next_ever(&mut self) -> Event {
        self.events.recv().await.expect("a running endpoint")
    }

    /// Skips to the first event that `pick` wants.
    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn registration(&mut self) -> RegistrationState {
        self.until(|event| match event {
            Event::Registration(RegistrationState::Trying) => None,
            Event::Registration(state) => Some(state),
            _ => None,
        })
        .await
    }

    pub(crate) async fn registered(&mut self) -> RegisterRequest {
        self.until(|event| match event {
            Event::Registered(request) => Some(request),
            _ => None,
        })
        .await
    }

    pub(crate) async fn incoming(&mut self) -> IncomingInvite {
        self.until(|event| match event {
            Event::Incoming(invite) => Some(invite),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(&mut self, of: DialogId) -> sidetone_sip::DialogEnd {
        self.until(|event| match event {
            Event::Ended { dialog, end } if dialog == of => Some(end),
            _ => None,
        })
        .await
    }
}

pub(crate) struct Tls {
    pub(crate) server: Arc<rustls::ServerConfig>,
    pub(crate) client: Arc<rustls::ClientConfig>,
}

pub(crate) fn install_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// A server certificate for these names, and a client that trusts it.
pub(crate) fn tls(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Tls {
    install_provider();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    change(&mut params);
    let key = rcgen::KeyPair::generate().expect("key");
    let cert = params.self_signed(&key).expect("certificate");
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], private)
        .expect("server config");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert.der().clone()).expect("root");
    let client = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Tls {
        server: Arc::new(server),
        client: Arc::new(client),
    }
}

pub(crate) async fn server(listen: Vec<Listen>) -> Side {
    Side::start(EndpointConfig {
        user_agent: "server".to_owned(),
        listen,
        authenticator: Some(Arc::new(Users)),
        ..EndpointConfig::default()
    })
    .await
}

pub(crate) async fn phone(tls: Option<Arc<rustls::ClientConfig>>) -> Side {
    Side::start(EndpointConfig {
        user_agent: "phone".to_owned(),
        tls,
        ..EndpointConfig::default()
    })
    .await
}

pub(crate) fn account(server: ServerAddress, secret: &str) -> Account {
    Account {
        display_name: "Agent \"One\"".to_owned(),
        ..Account::new("1001", "sandbox.invalid", Secret::new(secret), server)
    }
}

pub(crate) fn contact(flow: FlowId, uri: &str) -> CallTarget {
    CallTarget::Contact {
        uri: uri.to_owned(),
        flow,
        from: NameAddr {
            display_name: "Customer".to_owned(),
            user: "2025550100".to_owned(),
            uri: String::new(),
        },
    }
}
