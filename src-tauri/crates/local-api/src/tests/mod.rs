//! Requests as they come over the wire, to a phone that keeps its calls in a list.

mod client;
mod description;
mod hostile;
mod new_paths;
mod old_paths;
mod opening;
mod phone;
mod stream;
