use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use sidetone_profile::Secret;
use tokio::sync::mpsc;

/// A running SIP element; cheap to clone, stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Endpoint {}

/// How an [`Endpoint`] is set up.
#[derive(Clone, Default)]
pub struct EndpointConfig {
    /// `User-Agent` (client) or `Server`.
    pub user_agent: String,
    /// TLS settings of outgoing WSS and TLS connections. The configured host name is what is verified.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Local address of UDP signalling of a client; `None` lets the system choose.
    pub udp_bind: Option<SocketAddr>,
    /// Where a server listens; a phone over WSS listens nowhere.
    pub listen: Vec<Listen>,
    /// Server role: who may register and call. `None` accepts no REGISTER and does not challenge.
    pub authenticator: Option<Arc<dyn Authenticator>>,
}

/// A listening transport of the server role.
#[derive(Clone)]
pub enum Listen {
    /// SIP over UDP.
    Udp(SocketAddr),
    /// SIP over TCP.
    Tcp(SocketAddr),
    /// SIP over TLS.
    Tls(SocketAddr, Arc<rustls::ServerConfig>),
    /// SIP over WebSocket (RFC 7118), any path.
    Ws(SocketAddr),
    /// SIP over secure WebSocket (RFC 7118), any path.
    Wss(SocketAddr, Arc<rustls::ServerConfig>),
}

/// The server role's knowledge of its users.
pub trait Authenticator: Send + Sync {
    /// Realm of the challenge.
    fn realm(&self) -> String;
    /// The secret of a user; `None` refuses it.
    fn secret(&self, user: &str) -> Option<Secret>;
}

/// Where the registrar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// SIP over (secure) WebSocket; the URL with its path, `wss://host:port/ws`.
    WebSocket(url::Url),
    /// SIP over UDP to host and port.
    Udp(String, u16),
    /// SIP over TCP to host and port.
    Tcp(String, u16),
    /// SIP over TLS to host and port.
    Tls(String, u16),
}

/// A SIP account of the client role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User part of the address of record.
    pub user: String,
    /// Domain of the address of record.
    pub domain: String,
    /// Display name of From; may be empty.
    pub display_name: String,
    /// Name and secret for digest authentication.
    pub credentials: Credentials,
    /// Where the registrar is.
    pub server: ServerAddress,
    /// Registration expiry asked for, in seconds.
    pub expires_s: u32,
    /// `false`: do not register, only connect (fixed-host agents).
    pub register: bool,
}

/// Name and secret for digest authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Digest user name.
    pub user: String,
    /// Digest secret.
    pub secret: Secret,
}

/// A display name and a URI, as in From and To.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name, unquoted; may be empty.
    pub display_name: String,
    /// User part, percent-decoded; may be empty.
    pub user: String,
    /// The whole URI.
    pub uri: String,
}

/// Names a dialog (one call leg) for the life of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId(pub u64);

/// Names a transport flow (one connection, or one UDP remote address).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Whom to call, and over what.
#[derive(Clone, Debug)]
pub enum CallTarget {
    /// Through the registrar of the account given to [`Endpoint::set_account`]. A number, `user@host` or a SIP URI.
    Account(String),
    /// Server role: straight to a registered contact over its flow.
    Contact {
        /// Contact URI, as registered.
        uri: String,
        /// Flow of the registration.
        flow: FlowId,
        /// From of the INVITE.
        from: NameAddr,
    },
}

/// What happens on the wire.
#[derive(Debug)]
pub enum Event {
    /// The registration of the account changed.
    Registration(RegistrationState),
    /// A new call wants in; answer it with `ringing`, `accept` or `reject`.
    Incoming(IncomingInvite),
    /// A provisional answer (18x) to our INVITE, with the early answer when it carries one.
    Provisional {
        /// Which dialog.
        dialog: DialogId,
        /// 180–199.
        status: u16,
        /// SDP answer, when there is one.
        sdp: Option<String>,
    },
    /// Our INVITE was answered with 2xx.
    Answered {
        /// Which dialog.
        dialog: DialogId,
        /// SDP answer; `None` when it came in a reliable or earlier provisional answer.
        sdp: Option<String>,
    },
    /// The ACK of our 200 arrived.
    Confirmed {
        /// Which dialog.
        dialog: DialogId,
    },
    /// The far end offers anew (re-INVITE or UPDATE); answer with `answer_reoffer`. `None` asks for our offer.
    Reoffer {
        /// Which dialog.
        dialog: DialogId,
        /// Its SDP offer.
        sdp: Option<String>,
    },
    /// The far end answered our `reoffer`.
    ReofferAnswered {
        /// Which dialog.
        dialog: DialogId,
        /// SDP answer.
        sdp: String,
    },
    /// The far end refused our `reoffer`; the session goes on as it was.
    ReofferRefused {
        /// Which dialog.
        dialog: DialogId,
        /// SIP status.
        status: u16,
    },
    /// An INFO in a dialog (already answered with 200).
    Info {
        /// Which dialog.
        dialog: DialogId,
        /// Its Content-Type.
        content_type: String,
        /// Its body.
        body: Vec<u8>,
    },
    /// A dialog is over, whoever ended it; always the last event of a dialog.
    Ended {
        /// Which dialog.
        dialog: DialogId,
        /// Why.
        end: DialogEnd,
    },
    /// Server role: an authenticated REGISTER (already answered with 200 and its Contact).
    Registered(RegisterRequest),
    /// Server role: a flow closed; contacts registered over it are gone.
    FlowClosed(FlowId),
}

/// A new incoming call.
#[derive(Clone, Debug)]
pub struct IncomingInvite {
    /// Names it from now on.
    pub dialog: DialogId,
    /// Flow that it came over.
    pub flow: FlowId,
    /// Caller: P-Asserted-Identity, Remote-Party-ID or From, in that order.
    pub from: NameAddr,
    /// Called address.
    pub to: NameAddr,
    /// User part of the Request-URI: the dialled number.
    pub request_user: String,
    /// Server role: the authenticated user.
    pub authenticated_user: Option<String>,
    /// SDP offer; `None` asks for our offer.
    pub sdp: Option<String>,
    /// All `X-` headers and the ones that name diversion, queue or reason, as received, in order.
    pub headers: Vec<(String, String)>,
}

/// Server role: who registered where.
#[derive(Clone, Debug)]
pub struct RegisterRequest {
    /// User of the address of record.
    pub user: String,
    /// Contact URI.
    pub contact: String,
    /// Flow to reach it over.
    pub flow: FlowId,
    /// Seconds until it expires; 0 removes it.
    pub expires_s: u32,
}

/// State of the registration of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Unregistered on purpose.
    Unregistered,
    /// Connecting or waiting for the answer.
    Trying,
    /// Registered on a live connection.
    Registered {
        /// Seconds granted.
        expires_s: u32,
    },
    /// Refused for good until the account changes: wrong credentials (401, 403, 407), unknown user (404).
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// No connection, or no answer; tried again by itself.
    Unreachable {
        /// What happened, in words.
        fault: String,
        /// Milliseconds until the next try.
        retry_in_ms: u64,
    },
    /// The server's certificate cannot be trusted; tried again slowly.
    Certificate {
        /// What is wrong with it, in words.
        fault: String,
    },
}

/// Why a dialog is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogEnd {
    /// We ended it (BYE, CANCEL, or a rejection).
    Local,
    /// The far end sent BYE.
    RemoteBye,
    /// The caller cancelled while it rang. Carries `Reason`, for example `SIP;cause=200;text="Call completed elsewhere"`.
    Cancelled(Option<String>),
    /// Our INVITE was refused.
    Refused {
        /// SIP status.
        status: u16,
        /// SIP reason phrase.
        reason: String,
    },
    /// No answer from the network, or the connection could not be made.
    Unreachable(String),
}

/// Why a SIP request could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SipError {
    /// No such dialog, or it is over.
    #[error("this call is over")]
    NoSuchDialog,
    /// Not possible in the dialog's state.
    #[error("not possible now: {0}")]
    WrongState(&'static str),
    /// What was given is not a SIP address.
    #[error("{0} is not a SIP address")]
    BadAddress(String),
    /// No account to call through.
    #[error("no SIP account is set")]
    NoAccount,
    /// The socket could not be opened.
    #[error("cannot open {0}: {1}")]
    Bind(SocketAddr, String),
    /// The endpoint has stopped.
    #[error("the SIP endpoint has stopped")]
    Stopped,
}

impl Endpoint {
    /// Opens the sockets and starts the task that owns the core.
    ///
    /// # Errors
    /// [`SipError::Bind`] when a listening socket cannot be opened.
    pub async fn start(
        config: EndpointConfig,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Event>), SipError> {
        let _ = config;
        unimplemented!()
    }

    /// Makes this the account: connects, registers, keeps it registered, reconnects with back-off. `None`
    /// unregisters and closes. Progress comes as [`Event::Registration`].
    pub fn set_account(&self, account: Option<Account>) {
        let _ = account;
        unimplemented!()
    }

    /// The network changed or the machine woke up: probe the connection at once and reconnect without back-off.
    pub fn network_changed(&self) {
        unimplemented!()
    }

    /// Local address towards the registrar, once connected.
    #[must_use]
    pub fn local_ip(&self) -> Option<IpAddr> {
        unimplemented!()
    }

    /// Addresses that the server role listens on, in the order of [`EndpointConfig::listen`] (port 0 resolved).
    #[must_use]
    pub fn listening(&self) -> Vec<SocketAddr> {
        unimplemented!()
    }

    /// Places a call with this SDP offer and these extra headers.
    ///
    /// # Errors
    /// [`SipError::BadAddress`], [`SipError::NoAccount`] or [`SipError::Stopped`].
    pub async fn invite(
        &self,
        target: CallTarget,
        sdp: String,
        headers: Vec<(String, String)>,
    ) -> Result<DialogId, SipError> {
        let _ = (target, sdp, headers);
        unimplemented!()
    }

    /// Sends 180, or 183 when there is an early answer.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn ringing(&self, dialog: DialogId, early_sdp: Option<String>) -> Result<(), SipError> {
        let _ = (dialog, early_sdp);
        unimplemented!()
    }

    /// Answers an incoming call with 200 and this SDP.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn accept(&self, dialog: DialogId, sdp: String) -> Result<(), SipError> {
        let _ = (dialog, sdp);
        unimplemented!()
    }

    /// Refuses an incoming call with this status.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when the caller is gone.
    pub fn reject(&self, dialog: DialogId, status: u16) -> Result<(), SipError> {
        let _ = (dialog, status);
        unimplemented!()
    }

    /// Ends a call in any state: CANCEL, BYE or 480, whichever fits. `reason` becomes the `Reason` header.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when it is over.
    pub fn hang_up(&self, dialog: DialogId, reason: Option<String>) -> Result<(), SipError> {
        let _ = (dialog, reason);
        unimplemented!()
    }

    /// Offers anew in an established dialog (re-INVITE).
    ///
    /// # Errors
    /// [`SipError::WrongState`] while another offer is open.
    pub fn reoffer(&self, dialog: DialogId, sdp: String) -> Result<(), SipError> {
        let _ = (dialog, sdp);
        unimplemented!()
    }

    /// Answers a [`Event::Reoffer`]; `None` refuses it with 488.
    ///
    /// # Errors
    /// [`SipError::WrongState`] when none is open.
    pub fn answer_reoffer(&self, dialog: DialogId, sdp: Option<String>) -> Result<(), SipError> {
        let _ = (dialog, sdp);
        unimplemented!()
    }

    /// Sends INFO in a dialog.
    ///
    /// # Errors
    /// [`SipError::NoSuchDialog`] when it is over.
    pub fn info(
        &self,
        dialog: DialogId,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), SipError> {
        let _ = (dialog, content_type, body);
        unimplemented!()
    }

    /// Unregisters, hangs up every call and waits at most two seconds for the far ends.
    pub async fn shut_down(&self) {
        unimplemented!()
    }
}
