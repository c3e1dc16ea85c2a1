mod codes;

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sidetone_motion::{AgentDocument, IceServer, SettingsDocument, SipCredentials, SipTransport};
use sidetone_profile::{Secret, ServerSettings, wire};

use crate::SecretStore;
use codes::Codes;
pub(crate) use codes::{Desk, Reason, Wish};

/// A profile file: an agent without a contact-centre server.
///
/// JSON or TOML. The SIP account stands in `sip`, what a server would set in `settings`, feature codes of the PBX in
/// `codes`, reasons to pause in `pauses` and names of queues in `queues`. The fields of the server's agent object may
/// also stand at the top.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standalone {
    pub(crate) document: AgentDocument,
    pub(crate) sip: SipCredentials,
    pub(crate) desk: Desk,
    /// What a server would set for all its agents; `None` when the file says nothing of it.
    pub(crate) settings: Option<ServerSettings>,
}

/// What a server sets for all its agents and means something without one; the rest of `settings` is the agent's own.
const OF_THE_CENTRE: [&str; 4] = [
    "wrapUpSeconds",
    "noAnswerSeconds",
    "pickupCode",
    "screenPops",
];
/// Fields of the agent object that are no settings, or stand elsewhere in the file.
const NO_SETTINGS: [&str; 3] = ["id", "name", "queues"];

/// What stands in a profile file, with no secret fetched yet.
#[derive(Debug)]
pub(crate) struct Parts {
    document: AgentDocument,
    table: SipTable,
    pub(crate) desk: Desk,
    settings: Option<ServerSettings>,
}

/// The `sip` table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SipTable {
    user: String,
    #[serde(default)]
    secret: SecretSource,
    domain: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    wss_url: Option<String>,
    #[serde(default)]
    transport: Option<SipTransport>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    ice_servers: Vec<IceServer>,
}

/// Where the SIP secret is; never in the file itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SecretSource {
    /// In the keychain, under `sip:user@domain`.
    #[default]
    Keychain,
    /// A person types it.
    Prompt,
    /// In this environment variable.
    Env(String),
    /// The first line of this file descriptor.
    Fd(u32),
}

impl Standalone {
    /// Reads the file and fetches the secret.
    pub(crate) fn read(path: &Path, secrets: &dyn SecretStore) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("it cannot be read: {e}"))?;
        Self::parse(&text, secrets)
    }

    fn parse(text: &str, secrets: &dyn SecretStore) -> Result<Self, String> {
        let Parts {
            document,
            table,
            desk,
            settings,
        } = Self::parts(text)?;
        let secret = table.secret(secrets)?;
        Ok(Self {
            document,
            sip: SipCredentials {
                user: table.user,
                secret,
                domain: table.domain,
                display_name: table.display_name,
                wss_url: table.wss_url,
                ice_servers: table.ice_servers,
                transport: table.transport,
                host: table.host,
                port: table.port,
            },
            desk,
            settings,
        })
    }

    /// Reads the text; no secret is fetched yet.
    pub(crate) fn parts(text: &str) -> Result<Parts, String> {
        let document: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?
        } else {
            toml::from_str(text).map_err(|e| format!("it is not TOML: {e}"))?
        };
        let Value::Object(mut fields) = document else {
            return Err("it is not a table".to_owned());
        };
        let table: SipTable =
            serde_json::from_value(fields.remove("sip").ok_or("it has no sip table")?)
                .map_err(|e| format!("its sip table: {e}"))?;
        let codes: Codes = part(fields.remove("codes"), "codes")?;
        let reasons: Vec<Reason> = part(fields.remove("pauses"), "pauses")?;
        let queues: Vec<String> = part(fields.remove("queues"), "queues")?;
        let settings = part(fields.remove("settings"), "settings")?;
        let (chosen, settings) = share_out(settings, &mut fields, codes.pickup.clone())?;
        let shown: Vec<Value> = queues
            .iter()
            .map(|name| json!({ "channel": "voice", "name": name }))
            .collect();
        fields.insert("queues".to_owned(), shown.into());
        // An extension is enough: a file has no sign-in name of its own.
        for field in ["name", "internal"] {
            fields
                .entry(field)
                .or_insert_with(|| table.user.clone().into());
        }
        let (profile, faults) =
            wire::read(&Value::Object(fields.clone())).map_err(|e| e.to_string())?;
        let known = wire::write(&profile);
        for field in &chosen {
            if !known.contains_key(field) || NO_SETTINGS.contains(&field.as_str()) {
                return Err(unknown(field, known.keys()));
            }
        }
        let desk = Desk {
            codes,
            reasons,
            queues,
            extension: profile.account.internal.clone(),
        };
        Ok(Parts {
            document: AgentDocument {
                profile,
                faults,
                fields,
            },
            table,
            desk: desk.checked()?,
            settings,
        })
    }
}

/// Puts the agent's settings to the other fields and reads those of the centre; names those of the agent.
fn share_out(
    settings: Map<String, Value>,
    fields: &mut Map<String, Value>,
    pickup_code: Option<String>,
) -> Result<(Vec<String>, Option<ServerSettings>), String> {
    let (of_centre, own): (Map<_, _>, Map<_, _>) = settings
        .into_iter()
        .partition(|(field, _)| OF_THE_CENTRE.contains(&field.as_str()));
    let chosen: Vec<String> = own.keys().cloned().collect();
    if let Some(twice) = chosen.iter().find(|field| fields.contains_key(*field)) {
        return Err(format!("{twice} stands at the top and in its settings"));
    }
    fields.extend(own);
    if of_centre.is_empty() && pickup_code.is_none() {
        return Ok((chosen, None));
    }
    let read = SettingsDocument::read(&Value::Object(of_centre)).map_err(|e| e.to_string())?;
    if let Some(fault) = read.faults.first() {
        return Err(format!("its settings: {fault}"));
    }
    let mut settings = read.settings;
    if let Some(code) = pickup_code {
        settings.pickup_code = code;
    }
    Ok((chosen, Some(settings)))
}

/// Says that there is no such setting, and which one may be meant.
fn unknown<'a>(field: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known = known.map(String::as_str).chain(OF_THE_CENTRE);
    let meant = known
        .filter(|name| !NO_SETTINGS.contains(name))
        .find(|name| name.eq_ignore_ascii_case(field));
    match meant {
        Some(name) => format!("its settings: {field} is no setting; {name} is one"),
        None => format!("its settings: {field} is no setting"),
    }
}

/// A part of the file that may be missing.
fn part<T: Default + serde::de::DeserializeOwned>(
    value: Option<Value>,
    name: &str,
) -> Result<T, String> {
    value.map_or_else(
        || Ok(T::default()),
        |value| serde_json::from_value(value).map_err(|e| format!("its {name}: {e}")),
    )
}

impl SipTable {
    fn secret(&self, secrets: &dyn SecretStore) -> Result<Secret, String> {
        let account = format!("sip:{}@{}", self.user, self.domain);
        match &self.secret {
            SecretSource::Keychain => secrets
                .get(&account)?
                .ok_or_else(|| format!("the keychain holds no secret for {account}")),
            SecretSource::Prompt => secrets.ask(&format!("the SIP password of {account}")),
            SecretSource::Env(name) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_| format!("the environment variable {name} is not set")),
            SecretSource::Fd(number) => read_fd(*number)
                .map_err(|e| format!("the secret cannot be read from descriptor {number}: {e}")),
        }
    }
}

fn read_fd(number: u32) -> io::Result<Secret> {
    let mut line = String::new();
    if number == 0 {
        io::stdin().lock().read_line(&mut line)?;
    } else if cfg!(unix) {
        let file = std::fs::File::open(format!("/dev/fd/{number}"))?;
        BufReader::new(file).read_line(&mut line)?;
    } else {
        return Err(io::Error::other("only descriptor 0 can be read here"));
    }
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemorySecrets;

    fn store() -> MemorySecrets {
        let store = MemorySecrets::default();
        store
            .set("sip:1001@pbx.example", &Secret::new("s3cret"))
            .unwrap();
        store
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = r#"
            fullname = "Anna Example"
            typology = "phonebar"
            allow = ["alaw", "opus"]
            [sip]
            user = "1001"
            secret = "keychain"
            domain = "pbx.example"
            transport = "udp"
            port = 5070
            [codes]
            pauseToggle = "*46{queue}"
        "#;
        let toml = format!(
            "pauses = ['Lunch', {{ name = 'Training', code = '2' }}]\nqueues = ['600']\n{toml}"
        );
        let json = r#"{ "fullname": "Anna Example", "typology": "phonebar", "allow": ["alaw", "opus"],
            "queues": ["600"], "pauses": ["Lunch", { "name": "Training", "code": "2" }],
            "codes": { "pauseToggle": "*46{queue}" },
            "sip": { "user": "1001", "secret": "keychain", "domain": "pbx.example", "transport": "udp", "port": 5070 } }"#;
        let from_toml = Standalone::parse(&toml, &store()).unwrap();
        assert_eq!(from_toml, Standalone::parse(json, &store()).unwrap());
        assert_eq!(from_toml.sip.secret.reveal(), "s3cret");
        assert_eq!(from_toml.sip.transport, Some(SipTransport::Udp));
        assert_eq!(from_toml.document.profile.account.internal, "1001");
        assert_eq!(from_toml.desk.numbers(&Wish::Unpause), ["*46600"]);
    }

    #[test]
    fn the_settings_table_takes_what_a_server_would_set() {
        let read = |settings: &str| {
            let text = format!(
                "[sip]\nuser = '1001'\ndomain = 'pbx.example'\n[codes]\npickup = '*7'\n[settings]\n{settings}"
            );
            Standalone::parse(&text, &store())
        };
        let file =
            read("phoneBarAutoAnswer = true\nprivacyEnabled = true\nwrapUpSeconds = 20").unwrap();
        let profile = &file.document.profile;
        assert!(profile.webrtc.auto_answer.enabled && profile.security.masking.any());
        let settings = file.settings.unwrap();
        assert_eq!(
            (settings.wrap_up_s, settings.pickup_code.as_str()),
            (20, "*7")
        );
        for (settings, words) in [
            (
                "phonebarautoanswer = true",
                "phonebarautoanswer is no setting; phoneBarAutoAnswer is one",
            ),
            ("colour = 'green'", "its settings: colour is no setting"),
            ("tabLimit = 3", "tabLimit is no setting"),
            ("queues = ['600']", "queues is no setting"),
            ("wrapUpSeconds = 'long'", "wrapUpSeconds"),
        ] {
            let fault = read(settings).unwrap_err();
            assert!(fault.contains(words), "{settings}: {fault}");
        }
        // A value of the agent's own that cannot be used leaves the rest, as a server's would.
        let file = read("phoneBarAutoAnswerDelay = -1\nalias = 'Anna'").unwrap();
        assert_eq!(file.document.profile.account.alias, "Anna");
        assert_eq!(file.document.faults.len(), 1);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, word) in [
            ("{ nonsense", "not JSON"),
            ("a = = 1", "not TOML"),
            ("name = \"anna\"", "no sip table"),
            ("[sip]\nuser = \"1001\"", "domain"),
            (
                "[sip]\nuser = \"1001\"\ndomain = \"pbx.example\"\npassword = \"x\"",
                "password",
            ),
            (
                "[sip]\nuser = \"1002\"\ndomain = \"pbx.example\"",
                "keychain holds no secret",
            ),
            (
                "[sip]\nuser = \"1\"\ndomain = \"d\"\nsecret = \"prompt\"",
                "nobody can be asked",
            ),
            (
                "[sip]\nuser = \"1\"\ndomain = \"d\"\nsecret = { env = \"SIDETONE_TEST_NOT_SET\" }",
                "SIDETONE_TEST_NOT_SET",
            ),
            (
                "[sip]\nuser = \"1\"\ndomain = \"d\"\nsecret = \"hunter2\"",
                "hunter2",
            ),
            (
                "[sip]\nuser = \"1\"\ndomain = \"d\"\n[codes]\npuase = \"*46\"",
                "puase",
            ),
            (
                "alias = 'A'\n[sip]\nuser = \"1\"\ndomain = \"d\"\n[settings]\nalias = 'B'",
                "alias stands at the top and in its settings",
            ),
            (
                "settings = 3\n[sip]\nuser = \"1\"\ndomain = \"d\"",
                "settings",
            ),
            ("pauses = 3\n[sip]\nuser = \"1\"\ndomain = \"d\"", "pauses"),
        ] {
            let fault = Standalone::parse(text, &store()).unwrap_err();
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }
}
