//! A global allocator that counts the allocations of each thread, and the bytes that it still holds.
//!
//! `unsafe` is the only way to write an allocator; it does nothing but count and pass on.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// A thread that is ending has no counters any more.
fn count(made: u64, bytes: i64) {
    let _ = MADE.try_with(|count| count.set(count.get() + made));
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

const fn bytes(size: usize) -> i64 {
    size as i64
}

// SAFETY: every call goes to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, bytes(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, bytes(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, bytes(size) - bytes(layout.size()));
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, -bytes(layout.size()));
        unsafe { System.dealloc(at, layout) }
    }
}

/// The allocations that this thread has made so far.
#[allow(dead_code, reason = "not every binary asks")]
pub(crate) fn made() -> u64 {
    MADE.try_with(Cell::get).unwrap_or(0)
}

/// The bytes that this thread has allocated, less those that it has freed.
#[allow(dead_code, reason = "not every binary asks")]
pub(crate) fn live() -> i64 {
    LIVE.try_with(Cell::get).unwrap_or(0)
}
