//! Asterisk's manager interface, as the sandbox reads it. Taken by its path: the sandbox itself is large to build.
//! The first byte says how the stream is cut into pieces.
#![no_main]
#![allow(dead_code, reason = "only what reads is used")]

#[path = "../../sandbox/src/pbx/ami/message.rs"]
mod message;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let mut parser = message::Parser::default();
    for piece in stream.chunks(usize::from(*size).max(1)) {
        match parser.push(piece) {
            Ok(messages) => messages.iter().for_each(|message| {
                let _ = message.get("Event");
            }),
            Err(_) => return,
        }
    }
});
