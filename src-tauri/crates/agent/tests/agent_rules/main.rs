//! The rules of the contact centre, row by row, with a virtual clock.

mod auto_answer;
mod conference;
mod contacts;
mod desk;
mod forwarding;
mod history;
mod in_call;
mod interactions;
mod masking;
mod outgoing;
mod password;
mod presence;
mod properties;
mod recording;
mod ringing;
mod screen_pops;
mod settings;
mod sign_in;
mod sign_in_ways;
mod transfer;
mod world;
mod wrap_up;
