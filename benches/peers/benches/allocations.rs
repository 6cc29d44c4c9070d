//! Allocations a call, counted by the allocator itself. Exact: the calls of a batch are all alike.

use buttress_bench::{rows, runtime, table::Line};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

const CALLS: u64 = 1000;

static COUNT: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, with a tally.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator as it came; the tally touches no memory of anybody's.
#[allow(
    unsafe_code,
    reason = "a global allocator cannot be written without it, and there is no safe way to count"
)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        tally(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`; the pointer came from `System` above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        tally(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        tally(size);
        // SAFETY: as in `dealloc`; the caller vouches for `size`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn tally(size: usize) {
    COUNT.fetch_add(1, Relaxed);
    BYTES.fetch_add(size as u64, Relaxed);
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runtime = runtime();
    for row in rows::all() {
        if !wanted.is_empty() && !wanted.iter().any(|word| row.name.contains(word.as_str())) {
            continue;
        }
        for contender in &row.contenders {
            let mut batch = {
                let _inside = runtime.enter();
                contender.make()
            };
            let mut count = |calls| {
                let before = (COUNT.load(Relaxed), BYTES.load(Relaxed));
                batch(&runtime, calls);
                (COUNT.load(Relaxed) - before.0, BYTES.load(Relaxed) - before.1)
            };
            // What the first call makes once, and what entering the runtime makes, is no price of a call.
            count(CALLS);
            let (once, twice) = (count(CALLS), count(2 * CALLS));
            let a_call = |once: u64, twice: u64| (twice as f64 - once as f64) / CALLS as f64;
            let values = [a_call(once.0, twice.0), a_call(once.1, twice.1)];
            println!("{}", Line::new(row.name, contender.name, &values).print());
        }
    }
}
