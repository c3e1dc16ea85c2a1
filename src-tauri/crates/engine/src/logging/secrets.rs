//! Secrets in a line of the log, known by the words before them.

/// Words after which the rest of a token, or of the line, is secret.
const MARKS: &[(&str, Extent)] = &[
    ("authorization:", Extent::Line),
    ("proxy-authorization:", Extent::Line),
    ("bearer ", Extent::Token),
    ("a=crypto:", Extent::Line),
    ("a=ice-pwd:", Extent::Token),
    ("inline:", Extent::Token),
    ("pwd:", Extent::Token),
    ("password\":", Extent::Token),
    ("secret\":", Extent::Token),
    ("token\":", Extent::Token),
    ("\"code\":", Extent::Token),
    ("credential\":", Extent::Token),
    // As JSON within a printed string has it.
    ("password\\\":", Extent::Token),
    ("secret\\\":", Extent::Token),
    ("token\\\":", Extent::Token),
    ("\\\"code\\\":", Extent::Token),
    ("credential\\\":", Extent::Token),
    // As a printed structure has it.
    ("password: ", Extent::Token),
    ("secret: ", Extent::Token),
    ("credential: ", Extent::Token),
    // A digest's answer outside its header field.
    ("response=", Extent::Token),
    ("password=", Extent::Token),
    ("secret=", Extent::Token),
    ("token=", Extent::Token),
];

#[derive(Clone, Copy)]
enum Extent {
    Line,
    Token,
}

/// The text with everything secret blanked.
pub(super) fn blanked(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some((start, extent)) = next_mark(&lower, at) {
        out.push_str(&text[at..start]);
        let rest = &text[start..];
        let skipped = rest.len() - rest.trim_start_matches(' ').len();
        let end = match extent {
            // A debug-printed message has its line ends escaped.
            Extent::Line => end_of(&rest[skipped..], |c| matches!(c, '\r' | '\n' | '\\')),
            Extent::Token => end_of_token(&rest[skipped..]),
        };
        out.push_str("***");
        at = start + skipped + end;
    }
    out.push_str(&text[at..]);
    out
}

/// Where the secret after the first mark from `from` begins.
fn next_mark(lower: &str, from: usize) -> Option<(usize, Extent)> {
    MARKS
        .iter()
        .filter_map(|(mark, extent)| {
            lower[from..]
                .find(mark)
                .map(|found| (from + found + mark.len(), *extent))
        })
        .min_by_key(|(start, _)| *start)
}

fn end_of(text: &str, stop: impl Fn(char) -> bool) -> usize {
    text.find(stop).unwrap_or(text.len())
}

/// A quoted string, or everything up to a blank or a separator.
fn end_of_token(text: &str) -> usize {
    const ESCAPED: &str = "\\\"";
    if let Some(inside) = text.strip_prefix(ESCAPED) {
        return inside
            .find(ESCAPED)
            .map_or(text.len(), |end| end + 2 * ESCAPED.len());
    }
    match text.strip_prefix('"') {
        Some(inside) => {
            let mut escaped = false;
            for (index, c) in inside.char_indices() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => return index + 2,
                    _ => {}
                }
            }
            text.len()
        }
        None => end_of(text, |c| {
            c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '}' | ')' | '\\')
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_blanked_and_the_rest_stays() {
        for (line, shown) in [
            (
                "REGISTER sip:a\r\nAuthorization: Digest username=\"1001\", response=\"ab\"\r\nCSeq: 1",
                "REGISTER sip:a\r\nAuthorization:***\r\nCSeq: 1",
            ),
            ("header Bearer abc.def.ghi sent", "header Bearer *** sent"),
            (
                r#"{"name":"anna","password":"a \"b\" c","x":1}"#,
                r#"{"name":"anna","password":***,"x":1}"#,
            ),
            (
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xyz\r\na=sendrecv",
                "a=crypto:***\r\na=sendrecv",
            ),
            ("?token=abc&since=4", "?token=***&since=4"),
            (
                "controlling? true, remotePwd: 4f5e6d7c, ufrag: x",
                "controlling? true, remotePwd:***, ufrag: x",
            ),
            (
                r#"body "{\"password\":\"hunter2\",\"x\":1}""#,
                r#"body "{\"password\":***,\"x\":1}""#,
            ),
            (
                r#"Account { user: "a", secret: "hunter2", port: 1 }"#,
                r#"Account { user: "a", secret: ***, port: 1 }"#,
            ),
            (
                r#"username="1001", response="0a1b", qop=auth"#,
                r#"username="1001", response=***, qop=auth"#,
            ),
            ("nothing to hide here", "nothing to hide here"),
        ] {
            assert_eq!(blanked(line), shown);
        }
    }

    #[test]
    fn a_debug_printed_message_is_blanked_too() {
        let got = blanked("\"INVITE\\r\\nAuthorization: Digest response=\\\"ab\\\"\\r\\nX: 1\"");
        assert!(!got.contains("response"), "{got}");
        assert!(got.contains("INVITE") && got.contains("X: 1"), "{got}");
    }

    #[test]
    fn odd_letters_do_not_break_it() {
        assert!(blanked("ÄÖ İstanbul password=ß€ x").ends_with("*** x"));
    }
}
