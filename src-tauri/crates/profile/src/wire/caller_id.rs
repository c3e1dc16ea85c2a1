use super::fields::{Fields, plain, scalar_text};
use crate::CallerId;

const ALLOWED: &str = "\"Name\" <number>";

/// `"Name" <number>`, `Name <number>`, `<number>`, a name or a number; `"" <>` is none.
pub(super) fn read(fields: &mut Fields<'_>, field: &'static str) -> Option<CallerId> {
    let value = fields.get(field)?;
    let Some(caller_id) = scalar_text(value).as_deref().and_then(parse) else {
        fields.fault(field, plain(value), ALLOWED);
        return None;
    };
    (!caller_id.name.is_empty() || !caller_id.number.is_empty()).then_some(caller_id)
}

/// The inverse of [`read`].
pub(super) fn write(caller_id: &CallerId) -> String {
    let name = caller_id.name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{name}\" <{}>", caller_id.number)
}

fn parse(text: &str) -> Option<CallerId> {
    // It becomes a SIP header: a line end in it would begin another one.
    if text.contains(char::is_control) {
        return None;
    }
    let text = text.trim();
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None => {
            let at = text.find('<').unwrap_or(text.len());
            let (name, rest) = text.split_at(at);
            (name.trim().to_owned(), rest)
        }
    };
    let rest = rest.trim();
    if !rest.is_empty() {
        let number = rest.strip_prefix('<')?.strip_suffix('>')?.trim();
        let broken = number.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'));
        return (!broken).then(|| CallerId {
            name,
            number: number.to_owned(),
        });
    }
    let number = !text.starts_with('"')
        && !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'));
    Some(if number {
        CallerId {
            name: String::new(),
            number: name,
        }
    } else {
        CallerId {
            name,
            number: String::new(),
        }
    })
}

/// Splits after the closing quote and takes the backslashes out of what stood before it.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name, &quoted[at + 1..])),
            '\\' => name.push(chars.next()?.1),
            other => name.push(other),
        }
    }
    None
}
