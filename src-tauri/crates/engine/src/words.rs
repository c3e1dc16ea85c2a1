//! Notices as sentences, from the same catalogues that the bar uses (`ui/src/words/notices.<language>.json`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;
use sidetone_agent::Notice;

/// The languages that every notice is written in.
pub const LANGUAGES: [&str; 7] = ["en", "it", "es", "fr", "de", "pt", "ar"];

/// What a notice says in a language, given as `de`, `de-AT` or `de_AT.UTF-8`; English when there is no such catalogue.
#[must_use]
pub fn sentence(notice: &Notice, lang: &str) -> String {
    let notice = serde_json::to_value(notice).unwrap_or_default();
    let code = notice["code"].as_str().unwrap_or_default();
    let words = language(lang)
        .and_then(|language| CATALOGUES[language].get(code))
        .or_else(|| CATALOGUES[ENGLISH].get(code));
    // A notice without words still says which one it is.
    words.map_or_else(|| code.to_owned(), |words| fill(words, &notice))
}

type Catalogue = BTreeMap<String, String>;

const ENGLISH: usize = 0;

/// In the order of [`LANGUAGES`].
static CATALOGUES: LazyLock<[Catalogue; 7]> = LazyLock::new(|| {
    [
        include_str!("../../../../ui/src/words/notices.en.json"),
        include_str!("../../../../ui/src/words/notices.it.json"),
        include_str!("../../../../ui/src/words/notices.es.json"),
        include_str!("../../../../ui/src/words/notices.fr.json"),
        include_str!("../../../../ui/src/words/notices.de.json"),
        include_str!("../../../../ui/src/words/notices.pt.json"),
        include_str!("../../../../ui/src/words/notices.ar.json"),
    ]
    .map(|text| serde_json::from_str(text).unwrap_or_default())
});

fn language(lang: &str) -> Option<usize> {
    let primary = lang.split(['-', '_', '.']).next().unwrap_or(lang);
    LANGUAGES
        .iter()
        .position(|known| known.eq_ignore_ascii_case(primary))
}

/// Puts the arguments in; braces inside an argument stay what they are.
fn fill(words: &str, notice: &Value) -> String {
    let mut filled = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((argument, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        match &notice[argument] {
            Value::String(text) => filled.push_str(text),
            Value::Null => {}
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_notice_has_its_words_in_every_language_with_the_same_arguments() {
        for notice in Notice::examples() {
            let fields = serde_json::to_value(&notice).expect("a notice is JSON");
            let code = fields["code"].as_str().expect("a code");
            let english = arguments(&CATALOGUES[ENGLISH][code]);
            for argument in &english {
                assert!(!fields[argument].is_null(), "{code} has no {argument}");
            }
            for (language, catalogue) in LANGUAGES.iter().zip(CATALOGUES.iter()) {
                let words = catalogue
                    .get(code)
                    .unwrap_or_else(|| panic!("{code} is missing in {language}"));
                assert_eq!(arguments(words), english, "{code} in {language}");
                let said = sentence(&notice, language);
                assert!(!said.is_empty() && !said.contains(['{', '}']), "{said}");
            }
        }
    }

    #[test]
    fn no_catalogue_has_words_for_what_is_never_said() {
        let codes: BTreeSet<_> = Notice::examples()
            .iter()
            .map(|notice| serde_json::to_value(notice).expect("a notice is JSON"))
            .map(|notice| notice["code"].as_str().expect("a code").to_owned())
            .collect();
        for (language, catalogue) in LANGUAGES.iter().zip(CATALOGUES.iter()) {
            let known: BTreeSet<_> = catalogue.keys().cloned().collect();
            assert_eq!(known, codes, "{language}");
        }
    }

    #[test]
    fn arguments_stand_in_the_sentence() {
        let notice = Notice::BadNumber {
            number: "{fault} 12".to_owned(),
        };
        assert_eq!(
            sentence(&notice, "de-AT"),
            "„{fault} 12“ kann nicht gewählt werden. Geben Sie eine Nummer, eine Nebenstelle oder \
             eine SIP-Adresse ein."
        );
        assert_eq!(
            sentence(&Notice::CallEnded, "it_IT.UTF-8"),
            "Chiamata terminata."
        );
        assert_eq!(sentence(&Notice::CallEnded, "tlh"), "Call ended.");
    }

    fn arguments(words: &str) -> BTreeSet<String> {
        words
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(argument, _)| argument.to_owned())
            .collect()
    }
}
