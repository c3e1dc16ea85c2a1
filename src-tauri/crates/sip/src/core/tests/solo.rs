//! One core against messages written by hand.

use std::time::{Duration, Instant};

use super::{account, flow};
use crate::api::{CallTarget, DialogId, Event, FlowId};
use crate::core::{Core, Input, Message, Output, TransportKind};

/// A phone whose far end is the test.
pub(super) struct Solo {
    pub(super) now: Instant,
    pub(super) core: Core,
    pub(super) line: FlowId,
    pub(super) sent: Vec<Message>,
    pub(super) events: Vec<Event>,
}

impl Solo {
    /// Connected; its REGISTER has been sent.
    pub(super) fn new(kind: TransportKind) -> Self {
        let mut solo = Self {
            now: Instant::now(),
            core: Core::new(String::new(), None, 7),
            line: FlowId(0),
            sent: Vec::new(),
            events: Vec::new(),
        };
        let account = Input::Account(Some(Box::new(account("right"))));
        solo.core.handle(solo.now, account);
        solo.drain();
        let line = flow(kind, true);
        solo.core.handle(solo.now, Input::FlowUp(solo.line, line));
        solo.drain();
        solo
    }

    pub(super) fn registered(kind: TransportKind) -> Self {
        let mut solo = Self::new(kind);
        let register = solo.sent_one("REGISTER");
        solo.answer(&register, 200, "far", &[("Expires", "3600")], "");
        solo.events.clear();
        solo
    }

    fn drain(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Send(_, bytes) => {
                    // A response gives back what was wrong with its request.
                    let response = bytes.starts_with(b"SIP/2.0 ");
                    let read = if response {
                        Message::read
                    } else {
                        Message::parse
                    };
                    self.sent.push(read(&bytes).expect("readable"));
                }
                Output::Connect(id, ..) => self.line = id,
                Output::Close(_) => {}
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    pub(super) fn give(&mut self, text: &str) {
        self.give_bytes(text.replace('\n', "\r\n").into_bytes());
    }

    pub(super) fn give_bytes(&mut self, bytes: Vec<u8>) {
        self.core
            .handle(self.now, Input::Received(self.line, bytes));
        self.drain();
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.core.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.core.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(super) fn act<T>(&mut self, act: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let done = act(&mut self.core, self.now);
        self.drain();
        done
    }

    /// Takes the only message sent since, which must be this.
    pub(super) fn sent_one(&mut self, start: &str) -> Message {
        let starts: Vec<String> = self.sent.iter().map(|m| m.start.to_string()).collect();
        assert_eq!(self.sent.len(), 1, "{starts:?} instead of {start}");
        let message = self.sent.remove(0);
        assert!(
            message.start.to_string().starts_with(start),
            "{starts:?} instead of {start}"
        );
        message
    }

    pub(super) fn sent_nothing(&self) {
        assert!(self.sent.is_empty(), "{:?}", self.sent);
    }

    pub(super) fn answer(
        &mut self,
        request: &Message,
        status: u16,
        tag: &str,
        headers: &[(&str, &str)],
        sdp: &str,
    ) {
        let mut reply = request.reply(status).with_tag(tag);
        for (name, value) in headers {
            reply.push(name, *value);
        }
        if !sdp.is_empty() {
            reply = reply.with_sdp(sdp);
        }
        self.give_bytes(reply.to_bytes());
    }

    pub(super) fn call(&mut self) -> (DialogId, Message) {
        let target = CallTarget::Account("600".to_owned());
        let dialog = self
            .act(|core, now| core.invite(now, target, "offer".to_owned(), vec![]))
            .expect("a call");
        (dialog, self.sent_one("INVITE"))
    }

    pub(super) fn told(&mut self) -> Vec<String> {
        self.events
            .drain(..)
            .map(|event| super::short(&event))
            .collect()
    }
}
