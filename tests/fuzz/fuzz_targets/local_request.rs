//! The local HTTP interface: whatever a program of this machine, or a web page, sends to its port.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Waiting times pass at once: nothing here waits for a far end.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of this thread");
    runtime.block_on(sidetone_local_api::fuzzing::connection(data));
});
