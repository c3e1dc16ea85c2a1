//! An allocator for tests that ends the process where memory must not be asked for, in a sound callback, and counts
//! what a thread holds.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    /// Bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
}

struct Watchful;

#[global_allocator]
static ALLOCATOR: Watchful = Watchful;

/// Runs `work`; memory that it asks for or gives back ends the test process.
pub(crate) fn forbidden<T>(work: impl FnOnce() -> T) -> T {
    FORBIDDEN.set(true);
    let result = work();
    FORBIDDEN.set(false);
    result
}

/// Bytes that this thread asked for and did not give back.
pub(crate) fn held() -> isize {
    HELD.get()
}

fn count(bytes: isize) {
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

fn check() {
    // A thread that ends has no such variable any more.
    if FORBIDDEN.try_with(Cell::get).unwrap_or(false) {
        FORBIDDEN.set(false);
        panic!("memory was asked for in a sound callback");
    }
}

// SAFETY: everything is passed on to the system's allocator unchanged; a panic happens before it is asked.
unsafe impl GlobalAlloc for Watchful {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check();
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that the system's allocator needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        check();
        count(-(layout.size() as isize));
        // SAFETY: as above; `memory` came from `alloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
#[should_panic(expected = "in a sound callback")]
fn an_allocation_is_noticed() {
    forbidden(|| drop(Vec::<u8>::with_capacity(1)));
}
