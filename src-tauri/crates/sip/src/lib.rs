//! A SIP user agent: a sans-I/O core and thin tokio transports.
//!
//! The core takes bytes, commands and time and gives bytes, timers and events; it opens no socket and reads
//! no clock, so every timer and every lost message is tested in virtual time. Around it stand thin
//! transports (WSS, WS, TLS, TCP, UDP). SDP passes through as an opaque string: this room knows nothing of
//! codecs, of sound, of agents or of contact-centre rules; who rings and who is refused is decided elsewhere.

mod api;
mod core;
mod endpoint;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
#[cfg(feature = "measuring")]
pub mod measuring;
mod trace;
mod transport;

pub use api::{
    Account, AnswerMode, Authenticator, CallTarget, Credentials, DialogEnd, DialogId, Diversion,
    EndpointConfig, Event, FlowId, IncomingInvite, LineState, Listen, Load, NameAddr, Package,
    ReferRequest, RegisterRequest, RegistrationState, ServerAddress, SipError, SubscriptionId,
};
pub use endpoint::{Endpoint, Tracer};
pub use trace::{Trace, TracedMessage};
