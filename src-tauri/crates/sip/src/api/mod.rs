//! The seam of this crate: what goes in and what comes out, as values.

mod account;
mod config;
mod error;
mod event;

pub use account::{Account, Credentials, NameAddr, ServerAddress};
pub use config::{Authenticator, EndpointConfig, Listen};
pub use error::SipError;
pub use event::{
    AnswerMode, CallTarget, DialogEnd, DialogId, Diversion, Event, FlowId, IncomingInvite,
    LineState, Load, Package, ReferRequest, RegisterRequest, RegistrationState, SubscriptionId,
};
