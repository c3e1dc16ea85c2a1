use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{PopAllowList, Secret};

/// What IT fixes on this machine, whoever signs in.
///
/// ```toml
/// offlineHours = 24
/// [profile]                  # the server's field names: nobody can change these
/// phoneBarRemoteControl = true
/// [screenPop]
/// hosts = ["*.crm.example.com"]
/// programs = ["/usr/bin/crm"]
/// [localInterface]
/// token = "…"
/// [recordings]
/// folder = "/srv/recordings"
/// [routes]                   # where a server's routes differ
/// agent = "/api/v2/agent"
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Fields of the profile, by the server's names; see [`crate::Layers::policy`].
    pub profile: Map<String, Value>,
    /// What a screen pop may open.
    pub screen_pop: PopAllowList,
    /// For so many hours the phone works with what the server last said when the server is away; 0 is not at all.
    pub offline_hours: u32,
    /// What a program has to show at the local HTTP interface; `None` asks for nothing.
    pub local_token: Option<Secret>,
    /// Where recordings go, a full path; `None` is beside the settings.
    pub recordings: Option<String>,
    /// Paths of the server's routes that differ, by the route's name.
    pub routes: BTreeMap<String, String>,
}

/// For so many hours the phone works without its server when no policy says otherwise.
const OFFLINE_HOURS: u32 = 24;
/// A year: longer is a slip of the pen.
const MOST_OFFLINE_HOURS: u64 = 8_784;
/// Shorter ones can be guessed by a web page.
const SHORTEST_TOKEN: usize = 16;

impl Default for Policy {
    fn default() -> Self {
        Self {
            profile: Map::new(),
            screen_pop: PopAllowList::default(),
            offline_hours: OFFLINE_HOURS,
            local_token: None,
            recordings: None,
            routes: BTreeMap::new(),
        }
    }
}

/// A line of the policy that cannot be used; the rest holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy: {field}: {value} cannot be used; allowed: {allowed}")]
pub struct PolicyError {
    /// Where it stands, for example `screenPop.hosts`.
    pub field: String,
    /// What stands there, shortened; never a secret.
    pub value: String,
    /// What is allowed there, in words.
    pub allowed: &'static str,
}

impl Policy {
    /// Reads a policy; what cannot be used is reported and left out.
    ///
    /// Values of `profile` are checked by [`crate::Layers::resolve`].
    #[must_use]
    pub fn read(document: &Value) -> (Self, Vec<PolicyError>) {
        let mut reader = Reader::default();
        let mut policy = Self::default();
        let Some(fields) = document.as_object() else {
            reader.fault("policy", document, "a table");
            return (policy, reader.faults);
        };
        for (field, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            match field.as_str() {
                "profile" => {
                    policy.profile = reader.table(field, value).cloned().unwrap_or_default();
                }
                "screenPop" => policy.screen_pop = reader.screen_pop(value),
                "offlineHours" => match value.as_u64().filter(|h| *h <= MOST_OFFLINE_HOURS) {
                    Some(hours) => policy.offline_hours = u32::try_from(hours).unwrap_or_default(),
                    None => reader.fault(field, value, "hours, a whole number from 0 to 8784"),
                },
                "localInterface" => policy.local_token = reader.local_interface(value),
                "recordings" => policy.recordings = reader.recordings(value),
                "routes" => policy.routes = reader.routes(value),
                _ => reader.fault(
                    field,
                    value,
                    "profile, screenPop, offlineHours, localInterface, recordings, routes",
                ),
            }
        }
        (policy, reader.faults)
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<PolicyError>,
}

impl Reader {
    fn fault(&mut self, field: impl Into<String>, value: &Value, allowed: &'static str) {
        let value: String = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.faults.push(PolicyError {
            field: field.into(),
            value: value.chars().filter(|c| !c.is_control()).take(60).collect(),
            allowed,
        });
    }

    fn table<'a>(&mut self, field: &str, value: &'a Value) -> Option<&'a Map<String, Value>> {
        if value.as_object().is_none() {
            self.fault(field, value, "a table");
        }
        value.as_object()
    }

    fn screen_pop(&mut self, value: &Value) -> PopAllowList {
        let mut list = PopAllowList::default();
        let Some(fields) = self.table("screenPop", value) else {
            return list;
        };
        for (field, value) in fields {
            match field.as_str() {
                "hosts" => {
                    list.hosts = self.texts(
                        "screenPop.hosts",
                        value,
                        "hosts such as example.com or *.example.com",
                        is_host_pattern,
                    );
                }
                "programs" => {
                    list.programs = self.texts(
                        "screenPop.programs",
                        value,
                        "full paths of programs",
                        is_full_path,
                    );
                }
                _ => self.fault(format!("screenPop.{field}"), value, "hosts, programs"),
            }
        }
        list
    }

    fn local_interface(&mut self, value: &Value) -> Option<Secret> {
        let mut token = None;
        for (field, value) in self.table("localInterface", value)? {
            match (field.as_str(), value.as_str()) {
                ("token", Some(text)) if text.chars().count() >= SHORTEST_TOKEN => {
                    token = Some(Secret::new(text));
                }
                // What stands there may be the secret with a slip in it.
                ("token", _) => self.fault(
                    "localInterface.token",
                    &Value::from("***"),
                    "text of at least 16 characters",
                ),
                _ => self.fault(format!("localInterface.{field}"), value, "token"),
            }
        }
        token
    }

    fn recordings(&mut self, value: &Value) -> Option<String> {
        let mut folder = None;
        for (field, value) in self.table("recordings", value)? {
            match (field.as_str(), value.as_str()) {
                ("folder", Some(path)) if is_full_path(path) => folder = Some(path.to_owned()),
                ("folder", _) => {
                    self.fault("recordings.folder", value, "the full path of a folder")
                }
                _ => self.fault(format!("recordings.{field}"), value, "folder"),
            }
        }
        folder
    }

    fn routes(&mut self, value: &Value) -> BTreeMap<String, String> {
        let mut routes = BTreeMap::new();
        for (name, value) in self.table("routes", value).into_iter().flatten() {
            match value.as_str().filter(|path| is_path(path)) {
                Some(path) => {
                    routes.insert(name.clone(), path.to_owned());
                }
                None => self.fault(
                    format!("routes.{name}"),
                    value,
                    "a path that begins with one slash, without blanks and ..",
                ),
            }
        }
        routes
    }

    fn texts(
        &mut self,
        field: &str,
        value: &Value,
        allowed: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut texts = Vec::new();
        for item in items {
            match item.as_str().filter(|text| fits(text)) {
                Some(text) => texts.push(text.to_owned()),
                None => self.fault(field, item, allowed),
            }
        }
        texts
    }
}

fn is_full_path(path: &str) -> bool {
    path.starts_with('/') || path.get(1..3).is_some_and(|at| at == ":\\" || at == ":/")
}

fn is_host_pattern(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    let literal = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    literal
        || !host.is_empty()
            && host.split('.').all(|label| !label.is_empty())
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\')
        && path.split('/').all(|part| part != "..")
}
