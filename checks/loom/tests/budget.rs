//! Every interleaving of the cores of a budget: no token is spent twice, and none is lost.
//!
//! The checks are shown to see what they are for: each is run over a core that looks and then writes, and must fail there.
#![cfg(loom)]

// The cores are taken as they stand.
#[expect(dead_code, reason = "what only the books need is unused here")]
#[path = "../../../src/budget/crowd.rs"]
mod crowd;
#[expect(dead_code, reason = "as above")]
#[path = "../../../src/budget/level.rs"]
mod level;
#[path = "../../../src/budget/span.rs"]
mod span;
#[path = "../../../src/budget/sync.rs"]
mod sync;

use crowd::Crowd;
use level::Level;
use loom::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};
use span::{SLOTS, Span};

/// What the checks ask of a bucket.
trait Bucket: Send + Sync + 'static {
    fn full(max: u64) -> Self;
    fn now(&self) -> u64;
    fn put(&self, much: u64) -> bool;
    fn take(&self, much: u64) -> bool;
    fn drain(&self, much: u64) -> bool;
}

impl Bucket for Level {
    fn full(max: u64) -> Self {
        Self::full(max)
    }

    fn now(&self) -> u64 {
        self.now()
    }

    fn put(&self, much: u64) -> bool {
        self.put(much)
    }

    fn take(&self, much: u64) -> bool {
        self.take(much, None)
    }

    fn drain(&self, much: u64) -> bool {
        self.drain(much)
    }
}

/// A bucket that looks, and then writes what it has made of it.
struct LookThenWrite {
    now: AtomicU64,
    max: u64,
}

impl Bucket for LookThenWrite {
    fn full(max: u64) -> Self {
        Self { now: AtomicU64::new(max), max }
    }

    fn now(&self) -> u64 {
        self.now.load(SeqCst)
    }

    fn put(&self, much: u64) -> bool {
        let now = self.now();
        self.now.store((now + much).min(self.max), SeqCst);
        now < self.max
    }

    fn take(&self, much: u64) -> bool {
        let now = self.now();
        if now >= much {
            self.now.store(now - much, SeqCst);
        }
        now >= much
    }

    fn drain(&self, much: u64) -> bool {
        let now = self.now();
        self.now.store(now.saturating_sub(much), SeqCst);
        now > 0
    }
}

/// Runs `one` and `other` at once over the same thing.
fn at_once<T, A, B>(
    thing: &Arc<T>,
    one: impl FnOnce(&T) -> A + Send + 'static,
    other: impl FnOnce(&T) -> B + Send + 'static,
) -> (A, B)
where
    T: Send + Sync + 'static,
    A: Send + 'static,
    B: Send + 'static,
{
    let shared = Arc::clone(thing);
    let thread = thread::spawn(move || one(&shared));
    let other = other(thing);
    (thread.join().expect("no panic"), other)
}

fn one_token_is_granted_once<L: Bucket>() {
    loom::model(|| {
        let level = Arc::new(L::full(1000));
        let granted = at_once(&level, |level| level.take(1000), |level| level.take(1000));
        assert_eq!((u8::from(granted.0) + u8::from(granted.1), level.now()), (1, 0));
    });
}

fn what_is_put_in_while_another_takes_is_there<L: Bucket>() {
    loom::model(|| {
        let level = Arc::new(L::full(2000));
        level.drain(1000);
        let (_, granted) = at_once(&level, |level| level.put(100), |level| level.take(1000));
        assert_eq!((granted, level.now()), (true, 100));
    });
}

fn deposits_and_drains_are_never_lost<L: Bucket>() {
    loom::model(|| {
        let level = Arc::new(L::full(5000));
        level.drain(3000);
        let three = Arc::clone(&level);
        let third = thread::spawn(move || three.take(1000));
        at_once(&level, |level| level.put(100), |level| level.drain(1000));
        assert_eq!((third.join().expect("no panic"), level.now()), (true, 100));
    });
}

/// Eleven takers at two a thread would be many interleavings; a bucket of 2.1 tokens asked four times says the same.
fn no_more_is_granted_than_there_was<L: Bucket>() {
    loom::model(|| {
        let level = Arc::new(L::full(2100));
        let ask = |level: &L| u64::from(level.take(1000)) + u64::from(level.take(1000));
        let (one, other) = at_once(&level, ask, ask);
        assert_eq!((one + other, level.now()), (2, 100));
    });
}

#[test]
fn a_level_grants_one_token_once() {
    one_token_is_granted_once::<Level>();
}

#[test]
#[should_panic(expected = "left")]
fn one_that_looks_and_then_writes_grants_it_twice() {
    one_token_is_granted_once::<LookThenWrite>();
}

#[test]
fn a_level_keeps_what_is_put_in_while_another_takes() {
    what_is_put_in_while_another_takes_is_there::<Level>();
}

#[test]
#[should_panic(expected = "left")]
fn one_that_looks_and_then_writes_loses_it() {
    what_is_put_in_while_another_takes_is_there::<LookThenWrite>();
}

#[test]
fn a_level_loses_no_deposit_and_no_drain() {
    deposits_and_drains_are_never_lost::<Level>();
}

#[test]
#[should_panic]
fn one_that_looks_and_then_writes_loses_some() {
    deposits_and_drains_are_never_lost::<LookThenWrite>();
}

#[test]
fn a_level_grants_no_more_than_it_has() {
    no_more_is_granted_than_there_was::<Level>();
}

#[test]
#[should_panic(expected = "left")]
fn one_that_looks_and_then_writes_grants_more() {
    no_more_is_granted_than_there_was::<LookThenWrite>();
}

#[test]
fn a_crowd_lets_one_in_where_there_is_room_for_one() {
    loom::model(|| {
        let crowd = Arc::new(Crowd::new());
        crowd.enter();
        let (one, other) = at_once(&crowd, |crowd| crowd.take(0, 1), |crowd| crowd.take(0, 1));
        assert!(one ^ other);
        assert_eq!(crowd.count(), (1, 1));
    });
}

#[test]
fn a_crowd_knows_who_has_left_while_others_came() {
    loom::model(|| {
        let crowd = Arc::new(Crowd::new());
        crowd.enter();
        assert!(crowd.take(0, 1));
        let come = |crowd: &Crowd| {
            crowd.enter();
            let taken = crowd.take(0, 1);
            crowd.leave(u32::from(taken));
        };
        at_once(&crowd, |crowd| crowd.leave(1), come);
        assert_eq!(crowd.count(), (0, 0));
    });
}

/// The slots are many steps, though none that matters: the interleavings are those of the sum, one slot and the turn.
fn spans(run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.max_branches = 50_000;
    model.check(run);
}

#[test]
fn a_span_grants_what_is_in_it_once_and_keeps_its_sum() {
    spans(|| {
        let span = Arc::new(Span::new(SLOTS));
        span.put(200, 1);
        let (one, other) = at_once(&span, |span| span.take(200, 1, 0), |span| span.take(200, 1, 0));
        assert!(one ^ other);
        assert_eq!(span.sum(200), 0);
    });
}

/// What comes into the new slot while the old ones are emptied stays, and what was in the old ones goes.
#[test]
fn a_span_that_turns_while_another_puts_loses_nothing_and_keeps_nothing_old() {
    spans(|| {
        let span = Arc::new(Span::new(SLOTS));
        span.put(200, 5);
        let next = 200 + SLOTS + 1;
        at_once(&span, move |span| span.put(next, 1), move |span| span.put(next, 2));
        assert_eq!(span.sum(next), 3);
        assert_eq!(span.sum(next + SLOTS), 3);
        assert_eq!(span.sum(next + SLOTS + 1), 0);
    });
}
