//! The server's routes: the only place where they are written down.

use reqwest::Method;

/// One route of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it is for, in words; named in errors.
    pub job: &'static str,
    /// HTTP method.
    pub method: Verb,
    /// Path below the server's base address.
    pub path: &'static str,
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::GET,
            Verb::Post => Self::POST,
        }
    }
}

const fn get(job: &'static str, path: &'static str) -> Route {
    Route {
        job,
        method: Verb::Get,
        path,
    }
}

const fn post(job: &'static str, path: &'static str) -> Route {
    Route {
        job,
        method: Verb::Post,
        path,
    }
}

/// Every route that the phone uses.
#[derive(Clone, Copy, Debug)]
pub struct Routes {
    /// Name and password to a token.
    pub sign_in: Route,
    /// The agent object.
    pub me: Route,
    /// SIP credentials and ICE servers.
    pub sip: Route,
    /// Join the queues.
    pub login: Route,
    /// Leave the queues.
    pub logout: Route,
    /// Pause with a reason.
    pub pause: Route,
    /// Press Play.
    pub unpause: Route,
    /// Whether the agent is paused.
    pub presence: Route,
    /// Reasons to pause for.
    pub pauses: Route,
    /// The agent's own queues.
    pub queues: Route,
    /// The WebSocket that pushes changes.
    pub realtime: Route,
}

/// The one table of routes.
pub const ROUTES: Routes = Routes {
    sign_in: post("sign-in", "api/auth/local"),
    me: get("the agent's profile", "api/users/me"),
    sip: get("the SIP account", "api/users/me/sip"),
    login: post("agent login", "api/agent/login"),
    logout: post("agent logout", "api/agent/logout"),
    pause: post("pause", "api/agent/pause"),
    unpause: post("unpause", "api/agent/unpause"),
    presence: get("presence", "api/agent/presence"),
    pauses: get("the pause reasons", "api/pauses"),
    queues: get("the agent's queues", "api/voice/queues?member=me"),
    realtime: get("realtime events", "api/realtime"),
};
