//! Customers' data that must not be written: values that are known to be masked, in whatever spelling they appear.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// Values that are kept; the oldest goes first. More than the calls of a shift.
const KEPT: usize = 8192;
/// A number this short is masked only where it stands alone: it may be part of anything.
const SHORT: usize = 6;
/// Of longer numbers only the end is looked for: the beginning is spelled in many ways (`+49`, `0049`, `0`).
const END: usize = 8;

/// The values to mask.
#[derive(Debug, Default)]
pub(super) struct Personal {
    by_first: HashMap<char, Vec<Value>>,
    known: HashSet<Key>,
    order: VecDeque<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Digits.
    Number(Vec<char>),
    /// Letters in lower case, one blank between two words.
    Words(Vec<char>),
}

impl Key {
    fn of(clear: &str) -> Option<Self> {
        let letters: Vec<char> = units(clear).into_iter().map(|unit| unit.letter).collect();
        Self::number(&letters).or_else(|| Self::words(&letters))
    }

    /// Digits with punctuation, and perhaps a plus before the first.
    fn number(letters: &[char]) -> Option<Self> {
        let from = letters.iter().position(char::is_ascii_digit)?;
        let (before, number) = letters.split_at(from);
        let digits: Vec<char> = number
            .iter()
            .copied()
            .filter(char::is_ascii_digit)
            .collect();
        let is_number = before.iter().all(|c| *c == '+' || is_punctuation(*c))
            && number
                .iter()
                .all(|c| c.is_ascii_digit() || is_punctuation(*c));
        // A short one is looked for without punctuation only.
        let whole = digits.len() >= SHORT || digits.len() == number.len();
        if !is_number || !whole || digits.len() < 2 {
            return None;
        }
        let significant = match digits.iter().position(|d| *d != '0') {
            Some(first) if digits.len() - first >= SHORT => &digits[first..],
            _ => &digits[..],
        };
        let end = significant.len().saturating_sub(END);
        Some(Self::Number(significant[end..].to_vec()))
    }

    fn words(letters: &[char]) -> Option<Self> {
        let words: Vec<&[char]> = letters
            .split(|c| is_separator(*c))
            .filter(|word| !word.is_empty())
            .collect();
        let words = words.join(&' ');
        (words.iter().filter(|c| c.is_alphanumeric()).count() >= 2).then_some(Self::Words(words))
    }

    fn first(&self) -> Option<char> {
        match self {
            Self::Number(chars) | Self::Words(chars) => chars.first().copied(),
        }
    }
}

#[derive(Debug)]
struct Value {
    key: Key,
    masked: String,
}

impl Personal {
    /// Masks this value from now on; one that is too short to be told apart is left out.
    pub(super) fn add(&mut self, clear: &str, masked: &str) {
        let Some(key) = Key::of(clear) else { return };
        let Some(first) = key.first() else { return };
        if clear == masked || !self.known.insert(key.clone()) {
            return;
        }
        self.order.push_back(key.clone());
        self.by_first.entry(first).or_default().push(Value {
            key,
            masked: masked.to_owned(),
        });
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
            if let Some(values) = oldest.first().and_then(|c| self.by_first.get_mut(&c)) {
                values.retain(|value| value.key != oldest);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The text with every known value in its masked form.
    pub(super) fn masked(&self, text: &str) -> String {
        let units = units(text);
        let mut out = String::with_capacity(text.len());
        let (mut at, mut copied) = (0, 0);
        while at < units.len() {
            let found = self
                .by_first
                .get(&units[at].letter)
                .into_iter()
                .flatten()
                .filter_map(|value| Some((value.key.met(&units, at)?, value)))
                .max_by_key(|(range, _)| range.len());
            let Some((range, value)) = found else {
                at += 1;
                continue;
            };
            // What was written already stays written.
            let start = units[range.start].bytes.start.max(copied);
            out.push_str(&text[copied..start]);
            out.push_str(&value.masked);
            copied = units[range.end - 1].bytes.end;
            at = range.end;
        }
        out.push_str(&text[copied..]);
        out
    }
}

impl Key {
    /// The units that spell this value from `at` on.
    fn met(&self, units: &[Unit], at: usize) -> Option<Range<usize>> {
        match self {
            Self::Number(digits) => number(digits, units, at),
            Self::Words(words) => spelled(words, units, at),
        }
    }
}

fn number(digits: &[char], units: &[Unit], at: usize) -> Option<Range<usize>> {
    let is_digit = |i: usize| units.get(i).is_some_and(|u| u.letter.is_ascii_digit());
    let short = digits.len() < SHORT;
    if short && at > 0 && is_digit(at - 1) {
        return None;
    }
    let mut i = at;
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && !short {
            let gap = units[i..]
                .iter()
                .take_while(|u| is_punctuation(u.letter))
                .count();
            i += gap;
        }
        if units.get(i).is_none_or(|u| u.letter != *digit) {
            return None;
        }
        i += 1;
    }
    if short && is_digit(i) {
        return None;
    }
    // The rest of the same number, as the area code before its known end.
    let before = units[..at]
        .iter()
        .rev()
        .take_while(|u| u.letter.is_ascii_digit() || u.letter == '+')
        .count();
    let after = units[i..]
        .iter()
        .take_while(|u| u.letter.is_ascii_digit())
        .count();
    Some(at - before..i + after)
}

fn spelled(words: &[char], units: &[Unit], at: usize) -> Option<Range<usize>> {
    let is_letter = |i: usize| units.get(i).is_some_and(|u| u.letter.is_alphanumeric());
    if at > 0 && is_letter(at - 1) && is_letter(at) {
        return None;
    }
    let mut i = at;
    for letter in words {
        if *letter == ' ' {
            let gap = units[i..]
                .iter()
                .take_while(|u| is_separator(u.letter))
                .count();
            if gap == 0 {
                return None;
            }
            i += gap;
        } else if units.get(i).is_some_and(|u| u.letter == *letter) {
            i += 1;
        } else {
            return None;
        }
    }
    (!(is_letter(i) && is_letter(i - 1))).then_some(at..i)
}

/// One letter of a text, however it is written there.
#[derive(Debug)]
struct Unit {
    letter: char,
    bytes: Range<usize>,
}

/// The letters of a text: `%C3%A9`, `\u{e9}` and `\u00e9` are one each.
fn units(text: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let (letter, length) = percent(&text[at..])
            .or_else(|| escape(&text[at..]))
            .unwrap_or((c, c.len_utf8()));
        units.push(Unit {
            letter: lower(letter),
            bytes: at..at + length,
        });
        at += length;
    }
    units
}

/// A percent-encoded letter at the beginning (RFC 3986 section 2.1), and how long it is.
fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    while bytes.len() < 4 {
        let code = text.as_bytes().get(bytes.len() * 3..bytes.len() * 3 + 3)?;
        let (b'%', code) = (code[0], std::str::from_utf8(&code[1..]).ok()?) else {
            return None;
        };
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        if let Ok(letter) = std::str::from_utf8(&bytes) {
            return Some((letter.chars().next()?, bytes.len() * 3));
        }
    }
    None
}

/// An escaped letter at the beginning, as Rust or JSON write it, and how long it is.
fn escape(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix("\\u")?;
    let (code, length) = match rest.strip_prefix('{') {
        Some(inside) => {
            let code = inside.get(..inside.find('}')?)?;
            (code, code.len() + 4)
        }
        None => (rest.get(..4)?, 6),
    };
    let letter = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
    Some((letter, length))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// What may stand between two digits of one number.
fn is_punctuation(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '-' | '.' | '(' | ')' | '/')
}

/// What may stand between two words of one name or address.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\t' | '+' | '_' | '-' | '.' | ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn personal() -> Personal {
        let mut personal = Personal::default();
        personal.add("+49 555 0123456", "•••456");
        personal.add("5550100", "•••100");
        personal.add("207", "•••");
        personal.add("Zoë Caller", "Z. C.");
        personal.add("zoe.caller@mail.example", "z•••@mail.example");
        personal
    }

    #[test]
    fn known_values_are_masked_in_their_usual_spellings() {
        let personal = personal();
        for (line, shown) in [
            ("call to 5550100 failed", "call to •••100 failed"),
            ("sip:5550100@cc.example", "sip:•••100@cc.example"),
            ("tel:+1-555-0100;x=1", "tel:+1-•••100;x=1"),
            ("to 0015550100.", "to •••100."),
            ("555 01 00", "•••100"),
            ("sip:%2B495550123456@h", "sip:•••456@h"),
            ("0555/0123456", "•••456"),
            ("00495550123456", "•••456"),
            ("extension 207 rings", "extension ••• rings"),
            ("port 12079", "port 12079"),
            ("took 2070 ms", "took 2070 ms"),
            ("\"Zoë Caller\" <sip:1@h>", "\"Z. C.\" <sip:1@h>"),
            ("Zo%C3%AB%20Caller", "Z. C."),
            ("q=zo%C3%AB+caller&x", "q=Z. C.&x"),
            (r"name: zo\u{eb} caller", "name: Z. C."),
            (r#"{"name":"Zo\u00eb Caller"}"#, r#"{"name":"Z. C."}"#),
            ("2026_Zoë_Caller.wav", "2026_Z. C..wav"),
            ("Zoë Callers", "Zoë Callers"),
            ("ZOE.CALLER@mail.example", "z•••@mail.example"),
            ("zoe.caller%40mail.example", "z•••@mail.example"),
            (
                "nothing to hide at 18:46:43.5550",
                "nothing to hide at 18:46:43.5550",
            ),
        ] {
            assert_eq!(personal.masked(line), shown, "{line}");
        }
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        let mut personal = Personal::default();
        for clear in ["", " ", "+", "7", "é", "--", "+7-"] {
            personal.add(clear, "•••");
        }
        personal.add("5550100", "5550100");
        assert!(personal.is_empty());
    }

    #[test]
    fn the_oldest_value_makes_room() {
        let mut personal = Personal::default();
        personal.add("5550100", "x");
        for n in 0..KEPT {
            personal.add(&format!("{}", 7_000_000 + n), "y");
        }
        assert_eq!(personal.masked("5550100 7000000"), "5550100 y");
    }

    #[test]
    fn a_value_is_never_left_between_others() {
        use rand::{Rng, SeedableRng, rngs::StdRng};
        const LETTERS: [char; 16] = [
            '0', '5', '1', '+', ' ', '-', '.', '@', 'a', 'B', 'é', 'İ', '%', '\\', 'u', '•',
        ];
        for seed in 0..20_000 {
            let mut random = StdRng::seed_from_u64(seed);
            let mut text = |most: usize| -> String {
                let length = random.random_range(0..=most);
                (0..length)
                    .map(|_| LETTERS[random.random_range(0..LETTERS.len())])
                    .collect()
            };
            let (clear, before, after) = (text(14), text(10), text(10));
            let mut personal = Personal::default();
            personal.add(&clear, "#");
            if !personal.is_empty() {
                // Alone between blanks: a short name may well be part of another word.
                let alone = format!(" {clear} ");
                let masked = personal.masked(&format!("{before}{alone}{after}"));
                assert!(!masked.contains(&alone), "{seed}: {clear:?} in {masked:?}");
            }
        }
    }

    #[test]
    fn odd_text_does_not_break_it() {
        let personal = personal();
        for text in [
            "%",
            "%2",
            "%zz",
            "%C3",
            r"\u{",
            r"\u12",
            r"\u{110000}",
            "İ%C3%28é",
        ] {
            assert_eq!(personal.masked(text), text);
        }
    }
}
