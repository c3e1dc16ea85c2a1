//! SIP messages without persons: while customers' data is masked, what names somebody is not logged at all.
//!
//! A message is logged before anybody has read it, so its values are not known yet.

/// Header fields that name a person or say something of one, in lower case, with their short forms
/// (RFC 3261 section 7.3.3).
const PERSONAL: &[&str] = &[
    "from",
    "f",
    "to",
    "t",
    "contact",
    "m",
    "p-asserted-identity",
    "p-preferred-identity",
    "remote-party-id",
    "p-called-party-id",
    "diversion",
    "history-info",
    "refer-to",
    "r",
    "referred-by",
    "b",
    "reply-to",
    "call-info",
    "subject",
    "s",
    "identity",
    "y",
];

/// The text without the persons of SIP messages in it.
pub(super) fn anonymous(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut folded = false;
    for line in Lines(text) {
        let (words, end) = split_end(line);
        match words.split_once(':') {
            // A folded line goes on with the one before (RFC 3261 section 7.3.1).
            _ if folded && words.starts_with([' ', '\t']) => out.push_str(" ***"),
            Some((name, _)) if is_personal(name) => {
                out.push_str(name);
                out.push_str(":***");
                folded = true;
            }
            _ => {
                out.push_str(&without_users(words));
                folded = false;
            }
        }
        out.push_str(end);
    }
    out
}

fn is_personal(name: &str) -> bool {
    let name = name.trim_end();
    name.get(..2).is_some_and(|x| x.eq_ignore_ascii_case("x-"))
        || PERSONAL
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
}

/// A line with its end, which may be written as `\r\n` or stand there escaped.
struct Lines<'a>(&'a str);

const ENDS: [&str; 4] = ["\r\n", "\\r\\n", "\n", "\\n"];

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let end = ENDS
            .iter()
            .filter_map(|end| self.0.find(end).map(|at| at + end.len()))
            .min()
            .unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(line)
    }
}

fn split_end(line: &str) -> (&str, &str) {
    let end = ENDS
        .iter()
        .find(|end| line.ends_with(**end))
        .map_or(0, |end| end.len());
    line.split_at(line.len() - end)
}

/// Without the users of SIP and telephone addresses.
fn without_users(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(start) = ["sip:", "sips:", "tel:"]
        .iter()
        .filter_map(|scheme| {
            lower[at..]
                .find(scheme)
                .map(|found| at + found + scheme.len())
        })
        .min()
    {
        out.push_str(&text[at..start]);
        let address = &text[start..];
        let length = address
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | '"' | ',' | '\\'))
            .unwrap_or(address.len());
        let user = match address[..length].rfind('@') {
            Some(user) => user,
            None if lower[..start].ends_with("tel:") => length,
            None => 0,
        };
        if user > 0 {
            out.push_str("***");
        }
        at = start + user;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named() {
        for (text, shown) in [
            (
                "received INVITE sip:1001@192.0.2.1:5060;transport=ws SIP/2.0\r\nVia: SIP/2.0/WSS a\r\n\
                 From: \"Zoë\" <sip:5550100@cc>;tag=1\r\nCall-ID: abc\r\nX-Order: 5550100\r\n\r\nv=0\r\n",
                "received INVITE sip:***@192.0.2.1:5060;transport=ws SIP/2.0\r\nVia: SIP/2.0/WSS a\r\n\
                 From:***\r\nCall-ID: abc\r\nX-Order:***\r\n\r\nv=0\r\n",
            ),
            (
                "INVITE sip:a@b SIP/2.0\\r\\nf: <sip:5550100@cc>\\r\\nCSeq: 1",
                "INVITE sip:***@b SIP/2.0\\r\\nf:***\\r\\nCSeq: 1",
            ),
            (
                "P-Asserted-Identity : \"Zoë\"\r\n <sip:5550100@cc>\r\nCSeq: 2 INVITE",
                "P-Asserted-Identity :***\r\n ***\r\nCSeq: 2 INVITE",
            ),
            (
                "fault=no answer from tel:+15550100, again",
                "fault=no answer from tel:***, again",
            ),
            (
                "registrar sip:cc.example:5061 is down",
                "registrar sip:cc.example:5061 is down",
            ),
            ("", ""),
        ] {
            assert_eq!(anonymous(text), shown);
        }
    }
}
