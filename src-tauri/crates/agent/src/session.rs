use crate::{CallId, Effect, Input, Time, View};

/// One agent's session.
#[derive(Debug, Default)]
pub struct Agent {
    next_call: u32,
}

impl Agent {
    /// A session with nobody signed in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the next call, in either direction.
    pub fn new_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }

    /// Takes one input and says what to do about it, in order.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        let _ = (now, input);
        unimplemented!()
    }

    /// What the screen shows at this time.
    #[must_use]
    pub fn view(&self, now: Time) -> View {
        let _ = now;
        unimplemented!()
    }
}
