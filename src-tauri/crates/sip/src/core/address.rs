//! Name-addr values and their parameters, read as text (RFC 3261 §20.10).

use crate::api::NameAddr;

/// Splits at commas outside quotes and angle brackets.
pub(crate) fn split_list(value: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let (mut start, mut quoted, mut angle, mut escaped) = (0, false, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                entries.push(value[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    entries.push(value[start..].trim().to_owned());
    entries.retain(|entry| !entry.is_empty());
    entries
}

/// A header parameter (behind the `>` when there is one), unquoted names compared without case.
pub(crate) fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    find_param(behind_address(value), name)
}

/// A parameter of a bare URI.
pub(crate) fn uri_param<'a>(uri: &'a str, name: &str) -> Option<&'a str> {
    // Parameters of the user part belong to the user.
    let tail = uri.rsplit_once('@').map_or(uri, |(_, tail)| tail);
    let tail = tail.split('?').next().unwrap_or_default();
    find_param(tail, name)
}

fn find_param<'a>(tail: &'a str, name: &str) -> Option<&'a str> {
    split_params(tail).skip(1).find_map(|entry| {
        let (key, value) = entry.split_once('=').unwrap_or((entry, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Splits at semicolons outside quotes.
fn split_params(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' => return !quoted,
            _ => {}
        }
        false
    })
}

fn behind_address(value: &str) -> &str {
    match bracket(value) {
        Some((_, end)) => &value[end..],
        None => value,
    }
}

/// Byte positions of `<` and `>` outside a quoted display name.
fn bracket(value: &str) -> Option<(usize, usize)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => {
                let end = at + value[at..].find('>')?;
                return Some((at, end));
            }
            _ => {}
        }
    }
    None
}

/// The URI of a name-addr or addr-spec, without header parameters.
pub(crate) fn uri_of(value: &str) -> &str {
    match bracket(value) {
        Some((start, end)) => value[start + 1..end].trim(),
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// User part of a URI, percent-decoded, without parameters of the user.
pub(crate) fn user_of(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let user = if scheme.eq_ignore_ascii_case("tel") {
        rest.split(';').next().unwrap_or_default()
    } else {
        match rest.rsplit_once('@') {
            Some((user, _)) => user.split([';', ':']).next().unwrap_or_default(),
            None => "",
        }
    };
    percent_decoded(user)
}

/// Reads a name-addr or addr-spec.
pub(crate) fn name_addr(value: &str) -> NameAddr {
    let uri = uri_of(value).to_owned();
    let display = bracket(value).map_or("", |(start, _)| value[..start].trim());
    let display_name = match display
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(quoted) => unescaped(quoted),
        None => display.to_owned(),
    };
    NameAddr {
        display_name,
        user: user_of(&uri),
        uri,
    }
}

/// Writes a name-addr with its display name quoted.
pub(crate) fn write_name_addr(display_name: &str, uri: &str) -> String {
    if display_name.is_empty() {
        return format!("<{uri}>");
    }
    let quoted = display_name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{quoted}\" <{uri}>")
}

/// The value without its `tag` and other header parameters.
pub(crate) fn without_params(value: &str) -> String {
    match bracket(value) {
        Some((_, end)) => value[..=end].to_owned(),
        None => format!("<{}>", uri_of(value)),
    }
}

/// Percent-encodes what RFC 3261 §25.1 does not allow in a user part.
pub(crate) fn encoded_user(user: &str) -> String {
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Percent-encodes a header value for the header part of a URI (RFC 3261 §19.1.1).
pub(crate) fn percent_encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Host and port of a SIP URI.
pub(crate) fn host_of(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split([';', '?']).next().unwrap_or_default()
}

fn unescaped(quoted: &str) -> String {
    let mut out = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// Decodes `%XX`; what is not UTF-8 then is replaced.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_with_brackets_commas_and_escapes() {
        let cases = [
            (
                "\"A \\\"B\\\" <x>, C\" <sip:a%20b@h;p=1>;tag=t",
                "A \"B\" <x>, C",
                "a b",
                "sip:a%20b@h;p=1",
            ),
            ("sip:bob@h;tag=t", "", "bob", "sip:bob@h"),
            (
                "Bob <tel:+12025550100;phone-context=x>;tag=t",
                "Bob",
                "+12025550100",
                "tel:+12025550100;phone-context=x",
            ),
            ("<sip:h>;tag=t", "", "", "sip:h"),
        ];
        for (value, display, user, uri) in cases {
            let read = name_addr(value);
            assert_eq!(
                (
                    read.display_name.as_str(),
                    read.user.as_str(),
                    read.uri.as_str()
                ),
                (display, user, uri)
            );
            assert_eq!(param(value, "tag"), Some("t"));
        }
        let quoted = "<sip:x>;a=\"1;b=2\\\";c\";b=3";
        assert_eq!(param(quoted, "b"), Some("3"));
        assert_eq!(split_list("\"a,b\" <sip:x,y@h>, <sip:z@h>;lr").len(), 2);
    }
}
