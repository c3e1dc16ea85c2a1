//! The catalogue's sentences that the shell itself needs: tray and notifications.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The catalogues, by language; the first is the spare one.
const CATALOGUES: [(&str, &str); 7] = [
    ("en", include_str!("../../ui/src/words/bar.en.json")),
    ("it", include_str!("../../ui/src/words/bar.it.json")),
    ("es", include_str!("../../ui/src/words/bar.es.json")),
    ("fr", include_str!("../../ui/src/words/bar.fr.json")),
    ("de", include_str!("../../ui/src/words/bar.de.json")),
    ("pt", include_str!("../../ui/src/words/bar.pt.json")),
    ("ar", include_str!("../../ui/src/words/bar.ar.json")),
];

/// The system's language as a BCP 47 tag, for example `pt-BR`.
pub(crate) fn language() -> &'static str {
    static LANGUAGE: OnceLock<String> = OnceLock::new();
    LANGUAGE.get_or_init(|| sys_locale::get_locale().unwrap_or_else(|| "en".to_owned()))
}

/// A sentence of the catalogue with its `{arguments}` filled in.
pub(crate) fn say(key: &str, arguments: &[(&str, &str)]) -> String {
    static WORDS: OnceLock<HashMap<String, String>> = OnceLock::new();
    let words = WORDS.get_or_init(|| catalogue(language()));
    fill(words.get(key).map_or(key, String::as_str), arguments)
}

fn catalogue(tag: &str) -> HashMap<String, String> {
    let primary = tag
        .split(['-', '_', '.'])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let (_, text) = CATALOGUES
        .iter()
        .find(|(language, _)| *language == primary)
        .unwrap_or(&CATALOGUES[0]);
    serde_json::from_str(text).unwrap_or_default()
}

fn fill(sentence: &str, arguments: &[(&str, &str)]) -> String {
    arguments
        .iter()
        .fold(sentence.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_sentences_of_tray_and_notification() {
        for (language, _) in CATALOGUES {
            let words = catalogue(language);
            for key in [
                "tray_open",
                "tray_ready",
                "tray_not_ready",
                "tray_ringing",
                "tray_in_call",
                "tray_take_calls",
                "quit",
                "notification_title",
                "notification_body",
                "notification_body_no_queue",
                "unknown_caller",
                "queue_of",
                "offer_title",
                "channel_voice",
                "channel_chat",
                "channel_email",
                "channel_sms",
                "channel_openchannel",
                "channel_fax",
                "channel_whatsapp",
                "missed_count",
            ] {
                assert!(words.contains_key(key), "{language} lacks {key}");
            }
        }
    }

    #[test]
    fn every_setting_of_the_profile_has_a_name() {
        let words = catalogue("en");
        let of_channel = |field: &str| {
            let channels = ["chat", "email", "sms", "openchannel", "fax", "whatsapp"];
            let rest = channels.iter().find_map(|it| field.strip_prefix(it))?;
            Some(format!("set_channel_{rest}"))
        };
        for group in sidetone_profile::wire::PAGE {
            assert!(words.contains_key(&format!("group_{}", group.key)));
            for field in group.fields {
                let own = format!("set_{}", field.field);
                let named = words.contains_key(&own)
                    || of_channel(field.field).is_some_and(|key| words.contains_key(&key));
                assert!(named, "{} has no name", field.field);
            }
        }
    }

    #[test]
    fn a_regional_tag_finds_its_language_and_an_unknown_one_finds_english() {
        assert_eq!(catalogue("de_AT.UTF-8")["quit"], "Beenden");
        assert_eq!(catalogue("pt-BR"), catalogue("pt"));
        assert_eq!(catalogue("C"), catalogue("en"));
    }

    #[test]
    fn arguments_are_filled_in() {
        assert_eq!(fill("{a} of {b}", &[("a", "1"), ("b", "2")]), "1 of 2");
    }
}
