mod codes;

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use sidetone_motion::{AgentDocument, IceServer, SipCredentials, SipTransport};
use sidetone_profile::{Secret, wire};

use crate::SecretStore;
use codes::Codes;
pub(crate) use codes::{Desk, Reason, Wish};

/// A profile file: an agent without a contact-centre server.
///
/// JSON or TOML. The fields of the server's agent object stand at the top; the SIP account stands in `sip`, feature
/// codes of the PBX in `codes`, reasons to pause in `pauses` and names of queues in `queues`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standalone {
    pub(crate) document: AgentDocument,
    pub(crate) sip: SipCredentials,
    pub(crate) desk: Desk,
}

/// What stands in a profile file, with no secret fetched yet.
#[derive(Debug)]
pub(crate) struct Parts {
    document: AgentDocument,
    table: SipTable,
    pub(crate) desk: Desk,
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
        })
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
            ("pauses = 3\n[sip]\nuser = \"1\"\ndomain = \"d\"", "pauses"),
        ] {
            let fault = Standalone::parse(text, &store()).unwrap_err();
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }
}
