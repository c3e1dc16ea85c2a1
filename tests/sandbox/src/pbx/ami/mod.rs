//! A small client of Asterisk's manager interface (AMI).

mod client;
mod message;

pub(crate) use client::{AmiAccount, AmiClient, AmiError};
pub(crate) use message::{Action, Message};
