//! One SIP message: parsed leniently, written canonically (RFC 3261 §7).
//!
//! Header fields are parsed by `rsipstack`; the start line is kept as text, because an unknown method must be
//! answered and a Request-URI must be echoed exactly as it came.

use rsipstack::sip::headers::make_header;
use rsipstack::sip::{Headers, SipMessage, parse_uri};

use super::address::{param, split_list};

/// A request or response with its header fields and body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) start: Start,
    headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// First line of a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Start {
    Request {
        method: String,
        uri: String,
        version: String,
    },
    Response {
        status: u16,
        reason: String,
    },
}

/// Why bytes are not a usable message.
#[derive(Debug, PartialEq)]
pub(crate) enum BadMessage {
    /// Not SIP at all, or a damaged response: dropped.
    Noise,
    /// A request that can be answered with this status; the sentence becomes its reason.
    Request(Box<Message>, u16, &'static str),
}

impl Message {
    pub(crate) fn request(method: &str, uri: &str) -> Self {
        Self {
            start: Start::Request {
                method: method.to_owned(),
                uri: uri.to_owned(),
                version: "SIP/2.0".to_owned(),
            },
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    /// Reads one whole message that can be acted upon; the caller has already framed it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BadMessage> {
        let mut message = Self::read(bytes)?;
        let fault = message.check();
        match (fault, &message.start) {
            (None, _) => Ok(message),
            (Some(_), Start::Response { .. }) => Err(BadMessage::Noise),
            (Some((status, fault)), Start::Request { .. }) => {
                message.body.clear();
                Err(BadMessage::Request(Box::new(message), status, fault))
            }
        }
    }

    /// Reads the fields without asking whether they make sense.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, BadMessage> {
        let (head, body) = split_head(bytes).ok_or(BadMessage::Noise)?;
        // Header fields may carry broken UTF-8 (display names); that must not lose the fields behind them.
        let head = String::from_utf8_lossy(head);
        let (first, fields) = head.split_once('\n').ok_or(BadMessage::Noise)?;
        let start = Start::parse(first.trim_end_matches('\r')).ok_or(BadMessage::Noise)?;
        // The header parser wants a start line that it knows.
        let framed = format!("OPTIONS sip:x@x.invalid SIP/2.0\r\n{fields}\r\n\r\n");
        let Ok(SipMessage::Request(parsed)) = SipMessage::try_from(framed.as_str()) else {
            return Err(BadMessage::Noise);
        };
        Ok(Self {
            start,
            headers: parsed.headers,
            body: body.to_vec(),
        })
    }

    /// Cuts the body to Content-Length and names what is missing or wrong (RFC 3261 §8.1.1, §8.2).
    fn check(&mut self) -> Option<(u16, &'static str)> {
        let bad = |words| Some((400, words));
        if let Start::Request { version, .. } = &self.start
            && version != "SIP/2.0"
        {
            return Some((505, "Version Not Supported"));
        }
        for name in [
            "Content-Length",
            "Call-ID",
            "CSeq",
            "From",
            "To",
            "Max-Forwards",
        ] {
            if self.all(name).nth(1).is_some() {
                return bad("a field that may come once comes twice");
            }
        }
        if let Some(length) = self.get("Content-Length") {
            match length.trim().parse::<usize>() {
                Ok(length) if length <= self.body.len() => self.body.truncate(length),
                Ok(_) => return bad("Content-Length is larger than the message"),
                Err(_) => return bad("Content-Length is not a number"),
            }
        }
        let request = self.status() == 0;
        match self.get("Via") {
            None => return bad("Via is missing"),
            Some(via) if malformed_via(via) => return bad("Via is malformed"),
            // Without a branch only those of RFC 2543 ask, and nobody answers.
            Some(via) if !request && via_branch(via).is_none() => return bad("Via has no branch"),
            Some(_) => {}
        }
        if self.call_id().is_empty() {
            return bad("Call-ID is missing");
        }
        for name in ["From", "To"] {
            match self.get(name) {
                None => return bad("From or To is missing"),
                Some(value) if unbalanced(value) => return bad("From or To is malformed"),
                Some(_) => {}
            }
        }
        if !request && self.sender_tag().is_none() {
            return bad("From has no tag");
        }
        let Some((_, cseq_method)) = self.cseq() else {
            return bad("CSeq is missing or malformed");
        };
        if let Start::Request { method, uri, .. } = &self.start {
            if cseq_method != method {
                return bad("CSeq does not name the method");
            }
            return fault_of_uri(uri);
        }
        None
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::with_capacity(512 + self.body.len());
        match &self.start {
            Start::Request { method, uri, .. } => {
                out.push_str(method);
                out.push(' ');
                out.push_str(uri);
                out.push_str(" SIP/2.0\r\n");
            }
            Start::Response { status, reason } => {
                out.push_str("SIP/2.0 ");
                out.push_str(&status.to_string());
                out.push(' ');
                out.push_str(reason);
                out.push_str("\r\n");
            }
        }
        for header in self.headers.iter() {
            if header.name().eq_ignore_ascii_case("Content-Length") {
                continue;
            }
            out.push_str(header.name());
            out.push_str(": ");
            // A value with a line break in it would start a header field of its own.
            out.extend(header.value().chars().filter(|c| !matches!(c, '\r' | '\n')));
            out.push_str("\r\n");
        }
        out.push_str("Content-Length: ");
        out.push_str(&self.body.len().to_string());
        out.push_str("\r\n\r\n");
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }

    /// A response with the fields that RFC 3261 §8.2.6 copies from the request.
    pub(crate) fn reply(&self, status: u16) -> Self {
        let mut reply = Self {
            start: Start::Response {
                status,
                reason: reason_phrase(status).to_owned(),
            },
            headers: Headers::default(),
            body: Vec::new(),
        };
        for name in ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"] {
            for value in self.all(name) {
                reply.push(name, value);
            }
        }
        reply
    }

    pub(crate) fn with_tag(mut self, tag: &str) -> Self {
        if self.to_tag().is_none() {
            let to = self.get("To").unwrap_or_default().to_owned();
            self.set("To", format!("{to};tag={tag}"));
        }
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    pub(crate) fn with_reason(mut self, words: &str) -> Self {
        if let Start::Response { reason, .. } = &mut self.start {
            words.clone_into(reason);
        }
        self
    }

    pub(crate) fn with_sdp(mut self, sdp: &str) -> Self {
        self.set("Content-Type", "application/sdp");
        self.body = sdp.as_bytes().to_vec();
        self
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push(make_header(name, value.into()));
    }

    pub(crate) fn push_front(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push_front(make_header(name, value.into()));
    }

    /// Replaces every field of that name, in place of the first.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let place = self
            .headers
            .iter()
            .position(|h| h.name().eq_ignore_ascii_case(name));
        self.remove(name);
        let header = make_header(name, value.into());
        match place {
            Some(place) => self.headers.0.insert(place, header),
            None => self.headers.push(header),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers
            .retain(|h| !h.name().eq_ignore_ascii_case(name));
    }

    /// Replaces only the topmost field of that name.
    pub(crate) fn set_first(&mut self, name: &str, value: &str) {
        for header in self.headers.iter_mut() {
            if header.name().eq_ignore_ascii_case(name) {
                *header = make_header(name, value.to_owned());
                return;
            }
        }
    }

    /// Names another transport in the topmost Via (RFC 3261 §18.1.1), if it names the one that is left.
    pub(crate) fn rename_transport(&mut self, from: &str, to: &str) {
        let via = self.get("Via").unwrap_or_default();
        if let Some(rest) = via.strip_prefix(&format!("SIP/2.0/{from} ")) {
            let via = format!("SIP/2.0/{to} {rest}");
            self.set_first("Via", &via);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|h| h.name().eq_ignore_ascii_case(name))
            .map(|h| h.value().trim())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |h| h.name().eq_ignore_ascii_case(name))
            .map(|h| h.value().trim())
    }

    /// Every header field as name and value, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|h| (h.name(), h.value()))
    }

    /// Entries of a comma-separated field over all its lines.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(split_list).collect()
    }

    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .iter()
            .any(|entry| entry.eq_ignore_ascii_case(token))
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let value = self.get(name)?;
        let end = value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len());
        value[..end].parse().ok()
    }

    pub(crate) fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method,
            Start::Response { .. } => "",
        }
    }

    pub(crate) fn uri(&self) -> &str {
        match &self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => "",
        }
    }

    /// 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        match self.start {
            Start::Response { status, .. } => status,
            Start::Request { .. } => 0,
        }
    }

    pub(crate) fn reason(&self) -> String {
        match &self.start {
            Start::Response { reason, status } if reason.is_empty() => {
                reason_phrase(*status).to_owned()
            }
            Start::Response { reason, .. } => reason.clone(),
            Start::Request { .. } => String::new(),
        }
    }

    pub(crate) fn call_id(&self) -> &str {
        self.get("Call-ID").unwrap_or_default()
    }

    pub(crate) fn sender_tag(&self) -> Option<&str> {
        self.get("From").and_then(|v| param(v, "tag"))
    }

    pub(crate) fn to_tag(&self) -> Option<&str> {
        self.get("To").and_then(|v| param(v, "tag"))
    }

    pub(crate) fn cseq(&self) -> Option<(u32, &str)> {
        let mut parts = self.get("CSeq")?.split_whitespace();
        let number: u32 = parts.next()?.parse().ok()?;
        let method = parts.next()?;
        (parts.next().is_none() && number < 1 << 31).then_some((number, method))
    }

    /// CSeq number; 0 when it is missing, which `parse` has excluded.
    pub(crate) fn seq(&self) -> u32 {
        self.cseq().map_or(0, |(number, _)| number)
    }

    pub(crate) fn branch(&self) -> &str {
        self.get("Via").and_then(via_branch).unwrap_or_default()
    }

    /// Host and port of the topmost Via.
    pub(crate) fn sent_by(&self) -> &str {
        host_of_via(self.get("Via").unwrap_or_default())
    }

    /// The body when it is SDP.
    pub(crate) fn sdp(&self) -> Option<String> {
        let kind = self.get("Content-Type")?.to_ascii_lowercase();
        if self.body.is_empty() {
            return None;
        }
        let body = String::from_utf8_lossy(&self.body);
        if kind.starts_with("application/sdp") {
            return Some(body.into_owned());
        }
        kind.starts_with("multipart/")
            .then(|| sdp_part(self.get("Content-Type")?, &body))
            .flatten()
    }
}

impl Start {
    pub(super) fn parse(line: &str) -> Option<Self> {
        if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
            let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let status = status.parse().ok().filter(|s| (100..700).contains(s))?;
            return Some(Self::Response {
                status,
                reason: reason.trim().to_owned(),
            });
        }
        let (rest, version) = line.trim_end().rsplit_once(' ')?;
        let (method, uri) = rest.split_once(' ')?;
        let token = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
        let is_sip = version.len() >= 7 && version.starts_with("SIP/");
        (is_sip && !method.is_empty() && method.chars().all(token)).then(|| Self::Request {
            method: method.to_owned(),
            // Kept as it is, white space too: that is a fault to be answered.
            uri: uri.to_owned(),
            version: version.to_owned(),
        })
    }
}

fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    Some((&bytes[..end], &bytes[end + 4..]))
}

/// RFC 3261 §20.42: a protocol, a host, and parameters between single separators.
fn malformed_via(via: &str) -> bool {
    let tight: String = via.chars().filter(|c| !c.is_whitespace()).collect();
    let empty = tight.contains(";;") || tight.contains(",,") || tight.contains(";,");
    let cookie_only = via_branch(via) == Some("z9hG4bK");
    empty || cookie_only || tight.ends_with([',', ';']) || host_of_via(via).is_empty()
}

/// Host and port of the first entry of a Via, which may have white space around its slashes.
fn host_of_via(via: &str) -> &str {
    let first = via.split([';', ',']).next().unwrap_or_default();
    let behind = first.splitn(3, '/').nth(2).unwrap_or_default().trim();
    behind
        .split_once(char::is_whitespace)
        .map_or("", |(_, host)| host.trim())
}

/// A quote or a bracket that never closes.
fn unbalanced(value: &str) -> bool {
    let (mut quoted, mut angle, mut escaped) = (false, false, false);
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !angle => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            _ => {}
        }
    }
    quoted || angle
}

/// What is wrong with a Request-URI (RFC 3261 §8.2.2.1, §19.1.1).
fn fault_of_uri(uri: &str) -> Option<(u16, &'static str)> {
    let malformed = Some((400, "the Request-URI is malformed"));
    if uri.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')) {
        return malformed;
    }
    let (scheme, rest) = uri.split_once(':')?;
    match scheme.to_ascii_lowercase().as_str() {
        "tel" => None,
        "sip" | "sips" => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            if host.contains('?') || rest.is_empty() || host.is_empty() {
                return malformed;
            }
            let host = host.split(';').next().unwrap_or_default();
            // An IPv6 address needs its brackets, or its last group would be the port.
            let bare = !host.starts_with('[') && host.matches(':').count() > 1;
            // The parser knows fewer characters of a user part than the grammar has, and not the third colon that
            // RFC 3261's grammar lets stand before an IPv4 address (RFC 5118 §4.10).
            let host = match host.split_once(":::") {
                Some((before, v4)) if host.starts_with('[') && v4.contains('.') => {
                    format!("{before}::{v4}")
                }
                _ => host.to_owned(),
            };
            let probe = format!("sip:{host}");
            (bare || parse_uri(&probe).is_err())
                .then_some(malformed)
                .flatten()
        }
        _ => Some((416, "Unsupported URI Scheme")),
    }
}

fn via_branch(via: &str) -> Option<&str> {
    let first = via.split(',').next()?;
    param(first, "branch").filter(|b| !b.is_empty())
}

/// The SDP part of a multipart body (RFC 2046 §5.1).
fn sdp_part(content_type: &str, body: &str) -> Option<String> {
    let boundary = param(content_type, "boundary")?.trim_matches('"');
    body.split(&format!("--{boundary}")).find_map(|part| {
        let (head, sdp) = part.split_once("\r\n\r\n")?;
        head.to_ascii_lowercase()
            .contains("application/sdp")
            .then(|| sdp.to_owned())
    })
}

/// The phrase of RFC 3261 §21 for a status.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        406 => "Not Acceptable",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        483 => "Too Many Hops",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        600 => "Busy Everywhere",
        603 => "Decline",
        _ => match status / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirected",
            4 => "Request Failed",
            5 => "Server Failure",
            _ => "Global Failure",
        },
    }
}
