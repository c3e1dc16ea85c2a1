use crate::Notice;

/// Longer than any number or user name; an address with its host may be longer.
const LONGEST_NUMBER: usize = 64;
const LONGEST_ADDRESS: usize = 255;

/// What can be dialled of what was typed or pasted; `None` when it is neither a number nor an address.
pub(super) fn clean(typed: &str) -> Option<String> {
    let typed: String = typed.chars().filter(|c| !invisible(*c)).collect();
    let typed = typed.trim();
    match scheme(typed) {
        Some(("sip" | "sips", rest)) => address(rest).then(|| typed.to_owned()),
        // RFC 3966: parameters follow a semicolon.
        Some(("tel", rest)) => number(rest.split(';').next().unwrap_or(rest)),
        _ if typed.contains('@') => address(typed).then(|| typed.to_owned()),
        _ if typed.chars().any(char::is_alphabetic) => user(typed).then(|| typed.to_owned()),
        _ => number(typed),
    }
}

/// What is said of something that cannot be dialled; it goes on a toast: a pasted page would not fit there.
pub(super) fn refused(typed: &str) -> Notice {
    Notice::BadNumber {
        number: typed.chars().filter(|c| !c.is_control()).take(40).collect(),
    }
}

/// A scheme in lower case and what follows it.
fn scheme(typed: &str) -> Option<(&'static str, &str)> {
    let (name, rest) = typed.split_once(':')?;
    ["sip", "sips", "tel"]
        .into_iter()
        .find(|known| name.eq_ignore_ascii_case(known))
        .map(|known| (known, rest))
}

/// Digits, `*` and `#`, perhaps after a `+`; blanks, dashes, dots, slashes and brackets are taken out.
fn number(typed: &str) -> Option<String> {
    let mut number = String::new();
    for c in typed.chars() {
        match c {
            '0'..='9' | '*' | '#' => number.push(c),
            '+' if number.is_empty() => number.push(c),
            '(' | ')' | '[' | ']' | '.' | '/' => {}
            _ if c.is_whitespace() || dash(c) => {}
            _ => number.push(ascii_digit(c)?),
        }
    }
    let dialable = number.len() <= LONGEST_NUMBER && number.contains(|c| c != '+');
    dialable.then_some(number)
}

/// A SIP user name without a host.
fn user(typed: &str) -> bool {
    typed.len() <= LONGEST_NUMBER
        && typed
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '~'))
}

/// `user@host` or `host`, with parameters: nothing in it that could begin another header.
fn address(typed: &str) -> bool {
    let host = typed.rsplit_once('@').map_or(
        typed,
        |(user, host)| {
            if user.is_empty() { "" } else { host }
        },
    );
    typed.len() <= LONGEST_ADDRESS
        && !host.is_empty()
        && typed
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | ','))
}

/// Arabic-Indic and Persian digits, as typed on those keyboards.
fn ascii_digit(c: char) -> Option<char> {
    let value = match c {
        '٠'..='٩' => u32::from(c) - u32::from('٠'),
        '۰'..='۹' => u32::from(c) - u32::from('۰'),
        _ => return None,
    };
    char::from_digit(value, 10)
}

fn dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Marks of writing direction and joiners, which come along when a number is copied from a page.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn numbers_are_cleaned_and_addresses_kept() {
        for (typed, dialled) in [
            ("600", "600"),
            (" +39 (06) 555-0100 ", "+39065550100"),
            ("0039.06/555 0100", "0039065550100"),
            ("555\u{2011}0100", "5550100"),
            ("\u{202a}+1 555 0100\u{202c}", "+15550100"),
            ("*8", "*8"),
            ("#21#", "#21#"),
            ("٠٦٥٥٥", "06555"),
            ("tel:+39-06-5550100;phone-context=x", "+39065550100"),
            ("anna.rossi", "anna.rossi"),
            ("anna@example.com", "anna@example.com"),
            (
                "sip:anna@example.com;transport=tcp",
                "sip:anna@example.com;transport=tcp",
            ),
            ("SIPS:600@[2001:db8::1]", "SIPS:600@[2001:db8::1]"),
        ] {
            assert_eq!(clean(typed).as_deref(), Some(dialled), "{typed:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for typed in [
            "",
            "   ",
            "+",
            "()",
            "12+34",
            "anna rossi",
            "sip:",
            "sip:@host",
            "anna@",
            "sip:a@b\r\nX: y",
            "<sip:a@b>",
            "sip:a@b>,<sip:c@d",
            "☎ 555",
            &"1".repeat(65),
        ] {
            assert_eq!(clean(typed), None, "{typed:?}");
        }
    }
}
