//! The sandbox from outside: the contract, the administration, the telephone system.

mod admin;
mod asterisk;
mod client;
mod contract;
mod openapi;
mod phone;
mod realtime;
mod sessions;
mod sign_on;
mod telephone;
mod transfers;
mod work;
