use serde::{Deserialize, Serialize};

/// How much of a customer's data an agent may see (`privacyEnabled` and what goes with it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masking {
    /// Names.
    pub name: MaskLevel,
    /// E-mail addresses.
    pub email: MaskLevel,
    /// Telephone numbers.
    pub number: MaskLevel,
}

/// How much of one kind of value is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaskLevel {
    /// All of it.
    #[default]
    Off,
    /// A part by which it can be told apart.
    Partial,
    /// Nothing.
    Full,
}

/// As it is written here.
const HIDDEN: &str = "•••";
/// What stands for what is not shown, here and at the server.
const DOT: char = '•';
/// From so many digits on, digits in free text are taken for a telephone number.
const FEWEST_DIGITS: usize = 6;
/// So many digits of a number stay when it is masked in part.
const DIGITS_LEFT: usize = 3;

impl Masking {
    /// Something is masked.
    #[must_use]
    pub fn any(self) -> bool {
        self != Self::default()
    }

    /// A person's name: the first letter of each word stays when masked in part.
    ///
    /// Many exchanges put the number where the name belongs: that is masked as a number whatever holds for names.
    #[must_use]
    pub fn name(self, clear: &str) -> String {
        let text = self.scrub(clear, "");
        match self.name {
            MaskLevel::Off => text,
            MaskLevel::Full => hidden(&text),
            MaskLevel::Partial => text
                .split_whitespace()
                .map(initial)
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    /// A telephone number or SIP address: the last digits stay when masked in part, three at most and never more
    /// than half of them.
    #[must_use]
    pub fn number(self, clear: &str) -> String {
        match self.number {
            MaskLevel::Off => clear.to_owned(),
            MaskLevel::Full => hidden(clear),
            MaskLevel::Partial if clear.is_empty() || is_masked(clear) => clear.to_owned(),
            MaskLevel::Partial => {
                let user = user_of(clear);
                let digits: Vec<char> = user.chars().filter(|c| c.is_numeric()).collect();
                let left = if user.chars().any(char::is_alphabetic) {
                    0
                } else {
                    DIGITS_LEFT.min(digits.len() / 2)
                };
                let end: String = digits[digits.len() - left..].iter().collect();
                format!("{HIDDEN}{end}")
            }
        }
    }

    /// An e-mail address: the first letter and the domain stay when masked in part.
    #[must_use]
    pub fn email(self, clear: &str) -> String {
        match self.email {
            MaskLevel::Off => clear.to_owned(),
            MaskLevel::Full => hidden(clear),
            MaskLevel::Partial => match clear.rsplit_once('@') {
                Some((user, _)) if is_masked(user) => clear.to_owned(),
                Some((user, domain)) => {
                    let first: String = user.chars().take(1).collect();
                    format!("{first}{HIDDEN}@{domain}")
                }
                None => hidden(clear),
            },
        }
    }

    /// A name, an e-mail address or a number, whichever it looks like.
    #[must_use]
    pub fn whoever(self, clear: &str) -> String {
        let digits = clear.chars().filter(|c| c.is_numeric()).count();
        if clear.contains('@') {
            let text = self.email(clear);
            // An address such as +15550100@example.com is a number, too.
            if digits >= FEWEST_DIGITS {
                self.scrub(&text, "")
            } else {
                text
            }
        } else if digits > 0 && clear.chars().all(|c| c.is_numeric() || in_number(c)) {
            self.number(clear)
        } else {
            self.name(clear)
        }
    }

    /// Free text: the name and number of this customer are taken out of it, and whatever looks like a telephone
    /// number or an e-mail address.
    #[must_use]
    pub fn text(self, text: &str, name: &str, number: &str) -> String {
        self.without_name(&self.scrub(text, number), name)
    }

    /// The value of a call variable; what its name says about it counts, and then what is known of the customer.
    #[must_use]
    pub fn variable(self, key: &str, value: &str, name: &str, number: &str) -> String {
        let key = key.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| key.contains(word));
        if key.ends_with("id") && !says(&["callerid", "caller-id", "caller_id"]) {
            // The name of a record is no telephone number, however many digits it has; unless it is one.
            return self.without_name(&self.without_number(value, number), name);
        }
        let masked = if says(&["mail"]) {
            self.email(value)
        } else if says(&["phone", "number", "mobile", "msisdn"]) {
            self.number(value)
        } else if says(&["caller", "customer", "contact"]) {
            self.whoever(value)
        } else if says(&["name"]) && !says(&["queue", "campaign", "team"]) {
            self.name(value)
        } else {
            value.to_owned()
        };
        self.text(&masked, name, number)
    }

    fn without_name(self, text: &str, name: &str) -> String {
        if self.name == MaskLevel::Off || name.trim().chars().count() < 2 {
            return text.to_owned();
        }
        let mut text = replaced(text, name.trim(), &self.name(name.trim()));
        // A first name alone says who it is, too; initials and particles do not.
        for word in name.split_whitespace() {
            if word.chars().count() >= 4 {
                text = replaced(&text, word, &self.name(word));
            }
        }
        text
    }

    fn without_number(self, text: &str, number: &str) -> String {
        if self.number == MaskLevel::Off || number.is_empty() {
            return text.to_owned();
        }
        // With or without country and area code: its last digits say whose it is.
        let known: Vec<char> = digits_of(number).chars().collect();
        let tail: String = known[known.len().saturating_sub(FEWEST_DIGITS)..]
            .iter()
            .collect();
        let text = self.each_number(text, |run| {
            known.len() >= 3 && digits_of(run).contains(tail.as_str())
        });
        replaced(&text, number, &self.number(number))
    }

    /// Takes out what looks like a telephone number or an e-mail address, and the known number however it is
    /// written.
    fn scrub(self, text: &str, number: &str) -> String {
        let mut text = self.without_number(text, number);
        if self.number != MaskLevel::Off {
            text = self.each_number(&text, |run| {
                let digits = run.chars().filter(|c| c.is_numeric()).count();
                // The address of a computer says nothing about a customer, and much about a fault.
                digits >= FEWEST_DIGITS && run.parse::<std::net::Ipv4Addr>().is_err()
            });
        }
        if self.email != MaskLevel::Off && text.contains('@') {
            text = text
                .split_inclusive(char::is_whitespace)
                .map(|word| {
                    let bare = word.trim_end();
                    if bare.contains('@') {
                        format!("{}{}", self.email(bare), &word[bare.len()..])
                    } else {
                        word.to_owned()
                    }
                })
                .collect();
        }
        text
    }

    /// Masks each run of digits, with the signs that people write between them, that `chosen` says so of.
    fn each_number(self, text: &str, chosen: impl Fn(&str) -> bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_numeric() || matches!(c, '+' | '(')) {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let within = rest
                .find(|c: char| !(c.is_numeric() || in_number(c)))
                .unwrap_or(rest.len());
            let run = rest[..within].trim_end_matches(|c: char| !c.is_numeric());
            if run.is_empty() {
                out.push_str(&rest[..within]);
                rest = &rest[within..];
                continue;
            }
            if chosen(run) {
                out.push_str(&self.number(run));
            } else {
                out.push_str(run);
            }
            rest = &rest[run.len()..];
        }
        out.push_str(rest);
        out
    }
}

fn hidden(clear: &str) -> String {
    if clear.is_empty() {
        String::new()
    } else {
        HIDDEN.to_owned()
    }
}

/// It was masked already, here or by the server: a dot somewhere in it alone does not say so.
fn is_masked(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    text.contains(DOT) && letters <= 1 && digits <= DIGITS_LEFT
}

/// The first letter of a word; digits say too much.
fn initial(word: &str) -> String {
    if is_masked(word) {
        return word.to_owned();
    }
    let first = word.chars().next().filter(|c| c.is_alphabetic());
    format!("{}{HIDDEN}", first.map(String::from).unwrap_or_default())
}

/// What stands before the host of a SIP address, without its scheme.
fn user_of(number: &str) -> &str {
    let bare = number
        .split_once(':')
        .filter(|(scheme, _)| {
            ["sip", "sips", "tel"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
        })
        .map_or(number, |(_, rest)| rest);
    bare.split(['@', ';']).next().unwrap_or(bare)
}

fn digits_of(text: &str) -> String {
    text.chars().filter(|c| c.is_numeric()).collect()
}

/// What people write between the digits of a number.
fn in_number(c: char) -> bool {
    matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' ' | '\u{a0}')
        || matches!(c, '\u{2010}'..='\u{2015}')
}

/// `text` with every occurrence of `needle`, whatever its case, replaced.
fn replaced(text: &str, needle: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = prefix_length(rest, needle) {
            out.push_str(with);
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How many bytes of `text` are `needle`, whatever its case, when it begins with it.
fn prefix_length(text: &str, needle: &str) -> Option<usize> {
    let mut chars = text.chars();
    let mut length = 0;
    for wanted in needle.chars() {
        let found = chars.next()?;
        if !found.to_lowercase().eq(wanted.to_lowercase()) {
            return None;
        }
        length += found.len_utf8();
    }
    (length > 0).then_some(length)
}
