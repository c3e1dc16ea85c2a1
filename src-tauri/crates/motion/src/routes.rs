//! The server's routes: the only place where they are written down.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reqwest::Method;

/// One route of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it is for, in words; named in errors.
    pub job: &'static str,
    /// HTTP method.
    pub method: Verb,
    /// Path below the server's base address; `{id}` and `{reference}` stand for what it is about.
    pub path: Cow<'static, str>,
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

/// Why a route of a site cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// There is no such route in the table.
    #[error("there is no route named {0}")]
    Unknown(String),
    /// The path leads off the server, or is none.
    #[error("the route {name} cannot be {path:?}: a path below the server's address is needed")]
    NotAPath {
        /// Which route.
        name: String,
        /// What was given.
        path: String,
    },
    /// What the request is about has no place in the path.
    #[error("the route {name} needs {placeholder} in its path")]
    NoPlaceholder {
        /// Which route.
        name: String,
        /// What is missing.
        placeholder: String,
    },
}

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident: $verb:ident $path:literal, $job:literal;)*) => {
        /// Every route that the phone uses.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Routes {
            $($(#[$doc])* pub $name: Route,)*
        }

        /// The agent's picture; its address stands in the profile.
pub(crate) const PICTURE: Route = Route {
    job: "the agent's picture",
    method: Verb::Get,
    path: Cow::Borrowed(""),
};

/// The one table of routes.
        pub static ROUTES: Routes = Routes {
            $($name: Route {
                job: $job,
                method: Verb::$verb,
                path: Cow::Borrowed($path),
            },)*
        };

        impl Routes {
            fn named(&mut self, name: &str) -> Option<&mut Route> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

routes! {
    /// Ways to sign in.
    methods: Get "api/auth/methods", "the ways to sign in";
    /// Name and password to a token.
    sign_in: Post "api/auth/local", "sign-in";
    /// The browser's sign-in page.
    browser: Get "api/auth/sso/authorize", "sign-in through the browser";
    /// The browser's code to a token.
    browser_token: Post "api/auth/sso/token", "sign-in through the browser";
    /// A refresh token to a new token.
    refresh: Post "api/auth/refresh", "the renewal of the sign-in";
    /// A new password.
    change_password: Post "api/auth/password", "the change of the password";
    /// What a new password needs.
    password_rules: Get "api/auth/password-rules", "the rules for passwords";
    /// The agent object.
    me: Get "api/users/me", "the agent's profile";
    /// SIP credentials and ICE servers.
    sip: Get "api/users/me/sip", "the SIP account";
    /// Join the queues.
    login: Post "api/agent/login", "agent login";
    /// Leave the queues.
    logout: Post "api/agent/logout", "agent logout";
    /// Pause with a reason.
    pause: Post "api/agent/pause", "pause";
    /// Press Play.
    unpause: Post "api/agent/unpause", "unpause";
    /// Whether the agent is paused.
    presence: Get "api/agent/presence", "presence";
    /// Reasons to pause for.
    pauses: Get "api/pauses", "the pause reasons";
    /// The agent's own queues.
    queues: Get "api/voice/queues?member=me", "the agent's queues";
    /// What the server sets for all agents.
    settings: Get "api/settings", "the server's settings";
    /// The tree of dispositions.
    dispositions: Get "api/dispositions", "the dispositions";
    /// What a call was about.
    dispose: Post "api/calls/{reference}/disposition", "the disposition";
    /// Callbacks that wait.
    callbacks: Get "api/callbacks", "the callbacks";
    /// A callback is called.
    start_callback: Post "api/callbacks/{id}/start", "the callback";
    /// A callback is done, or given back.
    finish_callback: Post "api/callbacks/{id}/finish", "the callback";
    /// Preview calls that wait.
    previews: Get "api/previews", "the preview calls";
    /// A preview call is placed.
    start_preview: Post "api/previews/{id}/start", "the preview call";
    /// Interactions of the other channels.
    interactions: Get "api/interactions", "the interactions";
    /// Take an interaction.
    accept_interaction: Post "api/interactions/{id}/accept", "the interaction";
    /// Leave an interaction to others.
    decline_interaction: Post "api/interactions/{id}/decline", "the interaction";
    /// The WebSocket that pushes changes.
    realtime: Get "api/realtime", "realtime events";
}

impl Routes {
    /// The table with a site's own paths, by the names of the fields.
    ///
    /// # Errors
    /// [`RouteError`] names the route that cannot be used; nothing of a table with a fault is.
    pub fn with(overrides: &BTreeMap<String, String>) -> Result<Self, RouteError> {
        let mut routes = ROUTES.clone();
        for (name, path) in overrides {
            let route = routes
                .named(name)
                .ok_or_else(|| RouteError::Unknown(name.clone()))?;
            let path = path.trim().trim_start_matches('/');
            let off = path.is_empty()
                || path.contains("://")
                || path.contains(['\\', '#'])
                || path.contains(|c: char| c.is_whitespace() || c.is_control())
                || path
                    .split(['/', '?'])
                    .any(|part| matches!(part, "." | ".."));
            if off {
                return Err(RouteError::NotAPath {
                    name: name.clone(),
                    path: path.to_owned(),
                });
            }
            let placeholder = placeholder(&route.path);
            if placeholder.is_some_and(|placeholder| !path.contains(placeholder)) {
                return Err(RouteError::NoPlaceholder {
                    name: name.clone(),
                    placeholder: placeholder.unwrap_or_default().to_owned(),
                });
            }
            route.path = Cow::Owned(path.to_owned());
        }
        Ok(routes)
    }
}

/// The part of a path that stands for what the request is about, with its braces.
pub(crate) fn placeholder(path: &str) -> Option<&str> {
    let start = path.find('{')?;
    let end = start + path[start..].find('}')?;
    Some(&path[start..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, path: &str) -> Result<Routes, RouteError> {
        Routes::with(&BTreeMap::from([(name.to_owned(), path.to_owned())]))
    }

    #[test]
    fn a_site_has_its_own_paths_and_keeps_the_others() {
        let routes = with("sign_in", "/motion/api/login").unwrap();
        assert_eq!(routes.sign_in.path, "motion/api/login");
        assert_eq!(routes.sign_in.method, Verb::Post);
        assert_eq!(routes.me, ROUTES.me);
    }

    #[test]
    fn a_path_that_cannot_be_used_is_named() {
        for (name, path, word) in [
            ("nothing", "api/x", "nothing"),
            ("me", "https://elsewhere.example/me", "elsewhere"),
            ("me", "api/../../me", "below"),
            ("me", "", "below"),
            ("me", "api/ me", "below"),
            ("dispose", "api/dispositions", "{reference}"),
        ] {
            let fault = with(name, path).unwrap_err().to_string();
            assert!(fault.contains(word), "{name} {path}: {fault}");
        }
    }
}
