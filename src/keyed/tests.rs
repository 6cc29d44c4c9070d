mod idle;

use super::{places::GLANCES, stripes::Stripes, *};
use proptest::prelude::*;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// A value that may leave or not, as the test says.
#[derive(Debug)]
struct Value {
    key: Option<u8>,
    number: u64,
    stays: AtomicBool,
}

type Handle = Arc<Value>;

fn may_leave(value: &Handle) -> bool {
    !value.stays.load(Relaxed)
}

fn handle(key: Option<u8>, number: u64) -> Handle {
    Arc::new(Value { key, number, stays: AtomicBool::new(false) })
}

/// Looked at so seldom that idleness is exact to the single look.
fn exact(bound: usize) -> Registry<u8, Handle> {
    Registry::new(bound, may_leave)
}

fn ask(registry: &Registry<u8, Handle>, key: u8) -> Found<Handle> {
    registry.get_or_make(&key, |key| handle(key.copied(), 0))
}

fn keys(registry: &Registry<u8, Handle>) -> Vec<u8> {
    let mut keys: Vec<_> = registry.snapshot().into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(u8),
    Use(u8),
    /// Looks from outside, which is no use.
    Get(u8),
    Stays(u8, bool),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..12_u8;
    prop_oneof![
        6 => key.clone().prop_map(Step::Ask),
        2 => key.clone().prop_map(Step::Use),
        1 => key.clone().prop_map(Step::Get),
        3 => (key.clone(), any::<bool>()).prop_map(|(key, stays)| Step::Stays(key, stays)),
        1 => key.prop_map(Step::Remove),
    ]
}

/// What the registry should be: the longest idle first.
#[derive(Default)]
struct Model {
    rows: Vec<(u8, u64, bool)>,
    overflow: Option<u64>,
    overflowing: bool,
}

#[derive(Debug, PartialEq)]
enum Says {
    Known(u64),
    Made(u64),
    Overflow(u64, bool),
}

impl Model {
    fn touch(&mut self, key: u8) -> Option<u64> {
        let at = self.rows.iter().position(|row| row.0 == key)?;
        let row = self.rows.remove(at);
        self.rows.push(row);
        Some(row.1)
    }

    fn ask(&mut self, key: u8, bound: usize, number: u64) -> Says {
        if let Some(known) = self.touch(key) {
            return Says::Known(known);
        }
        if self.rows.len() == bound {
            match self.rows.iter().position(|row| !row.2) {
                Some(idlest) => drop(self.rows.remove(idlest)),
                None => {
                    let first = !std::mem::replace(&mut self.overflowing, true);
                    return Says::Overflow(*self.overflow.get_or_insert(number), first);
                }
            }
        }
        self.overflowing = false;
        self.rows.push((key, number, false));
        Says::Made(number)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 2000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_keeps_gives_and_lets_go_what_the_model_does(
        bound in 0..8_usize,
        steps in proptest::collection::vec(step(), 0..if cfg!(miri) { 16 } else { 80 }),
    ) {
        let registry = exact(bound);
        let bound = bound.max(1);
        prop_assert_eq!(registry.bound(), bound);
        let mut model = Model::default();
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Ask(key) => {
                    let found = registry.get_or_make(&key, |own| handle(own.copied(), number));
                    let of_key = !matches!(found, Found::Overflow { .. });
                    let says = match &found {
                        Found::Known(value) => Says::Known(value.number),
                        Found::Made(value) => Says::Made(value.number),
                        Found::Overflow { value, first } => Says::Overflow(value.number, *first),
                    };
                    prop_assert_eq!(says, model.ask(key, bound, number));
                    prop_assert_eq!(found.into_value().key, of_key.then_some(key));
                }
                Step::Use(key) => {
                    let used = registry.with_known(&key, |value| value.number);
                    prop_assert_eq!(used, model.touch(key));
                }
                Step::Get(key) => {
                    let known = model.rows.iter().find(|row| row.0 == key).map(|row| row.1);
                    prop_assert_eq!(registry.get(&key).map(|value| value.number), known);
                }
                Step::Stays(key, stays) => {
                    if let Some(value) = registry.get(&key) {
                        value.stays.store(stays, Relaxed);
                    }
                    model.rows.iter_mut().filter(|row| row.0 == key).for_each(|row| row.2 = stays);
                }
                Step::Remove(key) => {
                    let at = model.rows.iter().position(|row| row.0 == key);
                    let removed = at.map(|at| model.rows.remove(at).1);
                    prop_assert_eq!(registry.remove(&key).map(|value| value.number), removed);
                }
            }
            let mut known: Vec<_> = model.rows.iter().map(|row| row.0).collect();
            known.sort_unstable();
            prop_assert_eq!(keys(&registry), known);
            prop_assert!(registry.len() <= bound);
        }
    }
}

#[test]
fn a_bound_of_nothing_is_one_and_one_without_end_is_the_largest() {
    assert_eq!(exact(0).bound(), 1);
    assert_eq!(exact(usize::MAX).bound(), Registry::<u8, Handle>::MAX_BOUND);
}

#[test]
fn the_overflow_is_one_value_and_is_made_once() {
    let registry = exact(1);
    let early = registry.overflow(|| handle(None, 1));
    ask(&registry, 0).into_value().stays.store(true, Relaxed);
    for key in 1..200 {
        let found = registry.get_or_make(&key, |_| unreachable!("it is there"));
        let Found::Overflow { value, first } = found else { panic!("a place for {key}: {found:?}") };
        assert!(Arc::ptr_eq(&value, &early));
        assert_eq!(first, key == 1);
    }
    assert_eq!(keys(&registry), [0]);
}

#[test]
fn every_period_without_a_place_begins_once() {
    let registry = exact(1);
    let stays = |key| ask(&registry, key).into_value().stays.store(true, Relaxed);
    stays(0);
    assert!(matches!(ask(&registry, 1), Found::Overflow { first: true, .. }));
    assert!(matches!(ask(&registry, 2), Found::Overflow { first: false, .. }));
    registry.remove(&0);
    stays(1);
    assert!(matches!(ask(&registry, 2), Found::Overflow { first: true, .. }));
}

/// Looking at all of them at every call would be the price of an overflow; so it takes a few calls to see a place.
#[test]
fn a_place_is_found_again_within_a_few_newcomers() {
    let registry = exact(100);
    let all: Vec<_> = (0..100).map(|key| ask(&registry, key).into_value()).collect();
    all.iter().for_each(|value| value.stays.store(true, Relaxed));
    assert!(matches!(ask(&registry, 100), Found::Overflow { first: true, .. }));
    for free in [99, 0, 57, 16] {
        all[free].stays.store(false, Relaxed);
        let tries = (0..100).find(|_| {
            let made = matches!(ask(&registry, 200), Found::Made(_));
            assert!(made || registry.len() == 100);
            made
        });
        assert!(tries.is_some_and(|tries| tries <= 100 / GLANCES), "after {tries:?}");
        assert_eq!(registry.get(&(free as u8)).map(|value| value.number), None);
        // As it was: 200 leaves, and what left is there again.
        registry.remove(&200);
        let back = ask(&registry, free as u8).into_value();
        back.stays.store(true, Relaxed);
        assert!(matches!(ask(&registry, 201), Found::Overflow { .. }));
    }
}

#[test]
fn when_several_may_leave_again_the_longest_idle_does() {
    let registry = exact(100);
    let all: Vec<_> = (0..100).map(|key| ask(&registry, key).into_value()).collect();
    all.iter().for_each(|value| value.stays.store(true, Relaxed));
    assert!(matches!(ask(&registry, 100), Found::Overflow { .. }));
    ask(&registry, 3);
    // The glance of 16 finds one of them first; the look over all finds the other.
    for free in [3_usize, 90] {
        all[free].stays.store(false, Relaxed);
    }
    assert!((0..100).any(|_| matches!(ask(&registry, 200), Found::Made(_))));
    assert!(registry.get(&3).is_some());
    assert!(registry.get(&90).is_none());
}

#[test]
#[cfg_attr(miri, ignore = "a million looks")]
fn in_a_very_large_registry_what_is_used_stays_all_the_same() {
    let registry: Registry<u32, ()> = Registry::with(5000, |()| true, Stripes::grained(1));
    for key in 0..5000 {
        registry.get_or_make(&key, |_| ());
    }
    let hot = || (0..5000).step_by(5);
    for newcomer in 10_000..11_100 {
        hot().for_each(|key| assert_eq!(registry.with_known(&key, |()| ()), Some(())));
        assert!(matches!(registry.get_or_make(&newcomer, |_| ()), Found::Made(())));
        assert_eq!(registry.len(), 5000);
        if newcomer % 100 != 0 {
            continue;
        }
        hot().for_each(|key| assert!(registry.get(&key).is_some(), "{key} has left"));
    }
}

#[test]
#[cfg_attr(miri, ignore = "forty thousand looks")]
fn without_a_clock_idleness_is_told_to_a_few_looks() {
    let registry: Registry<u8, ()> = Registry::new(2, |()| true);
    for idle in [0, 1] {
        registry.get_or_make(&0, |_| ());
        registry.get_or_make(&1, |_| ());
        for _ in 0..10_000 {
            registry.with_known(&(1 - idle), |()| ()).expect("it is there");
        }
        assert_eq!(registry.get_or_make(&2, |_| ()), Found::Made(()));
        assert_eq!((registry.get(&idle), registry.get(&(1 - idle))), (None, Some(())));
        registry.remove(&2);
    }
}

#[test]
fn a_panic_in_what_makes_a_value_changes_nothing() {
    let registry = exact(1);
    ask(&registry, 0);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        registry.get_or_make(&1, |_| std::panic::resume_unwind(Box::new("no value today")))
    }));
    assert!(caught.is_err());
    assert_eq!(keys(&registry), [0]);
    assert!(matches!(ask(&registry, 1), Found::Made(_)));
    assert_eq!(keys(&registry), [1]);
}

type OfThem = Arc<Registry<u8, Arc<Asks>>>;

/// Its end asks the registry, as the last handle of something that tells of its end might.
struct Asks(Arc<Mutex<Option<OfThem>>>);

impl Drop for Asks {
    fn drop(&mut self) {
        if let Some(registry) = &*self.0.lock().expect("not poisoned") {
            assert!(registry.places.try_lock().is_ok(), "its end came under the lock");
        }
    }
}

#[test]
fn what_leaves_ends_outside_the_locks() {
    let back = Arc::new(Mutex::new(None));
    let registry = Arc::new(Registry::<u8, Arc<Asks>>::new(1, |_| true));
    *back.lock().expect("not poisoned") = Some(Arc::clone(&registry));
    for key in 0..3 {
        drop(registry.get_or_make(&key, |_| Arc::new(Asks(Arc::clone(&back)))));
    }
    *back.lock().expect("not poisoned") = None;
}

/// Everybody hashes alike: then all depends on comparing.
#[derive(Clone, PartialEq, Eq)]
struct Alike(u8);

impl std::hash::Hash for Alike {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let registry = Registry::<Alike, u8>::new(9, |_| true);
    for key in 0..9 {
        registry.get_or_make(&Alike(key), |_| key);
    }
    assert_eq!(registry.remove(&Alike(4)), Some(4));
    for key in 0..9 {
        assert_eq!(registry.get(&Alike(key)), (key != 4).then_some(key));
    }
}

#[test]
fn four_threads_find_what_is_theirs_and_never_more_than_the_bound() {
    const BOUND: usize = 10;
    let registry: Registry<u8, Handle> = Registry::with(BOUND, may_leave, Stripes::new());
    let (known, made, shared) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for seed in 1..=4_u64 {
            let (registry, known, made, shared) = (&registry, &known, &made, &shared);
            scope.spawn(move || {
                let mut random = seed;
                for _ in 0..if cfg!(miri) { 200 } else { 20_000 } {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let key = (random >> 33) as u8 % 14;
                    let found = ask(registry, key);
                    let (count, own) = match &found {
                        Found::Known(_) => (known, Some(key)),
                        Found::Made(_) => (made, Some(key)),
                        Found::Overflow { .. } => (shared, None),
                    };
                    count.fetch_add(1, Relaxed);
                    let value = found.into_value();
                    assert_eq!(value.key, own);
                    value.stays.store(random >> 60 < 12, Relaxed);
                    if random >> 40 & 0xff == 0 {
                        registry.remove(&key);
                    }
                    assert!(registry.len() <= BOUND);
                }
            });
        }
    });
    for count in [known, made, shared] {
        assert!(count.load(Relaxed) > 0, "this way was not gone");
    }
    // What was found by one is found by all, and nothing is left behind in any index.
    for (key, value) in registry.snapshot() {
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| assert!(Arc::ptr_eq(&registry.get(&key).expect("there"), &value)));
            }
        });
    }
    for key in 0..14 {
        registry.remove(&key);
    }
    assert!(registry.is_empty());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..14).for_each(|key| assert!(registry.get(&key).is_none())));
        }
    });
}
