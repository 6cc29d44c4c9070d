//! The shelf against a naive one: a list in the order of age, walked each time.

use super::*;
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn shelf(bounds: Bounds) -> Shelf<&'static str, u32> {
    Shelf::new(bounds.refresh(Duration::ZERO))
}

fn given(shelf: &Shelf<&'static str, u32>, key: &'static str, now: Instant) -> Option<u32> {
    shelf.get(&key, now).map(|(value, _)| *value)
}

#[test]
fn an_answer_exactly_as_old_as_the_bound_is_given_and_one_older_is_not() {
    let (mut shelf, now) = (shelf(Bounds::age(SECOND)), clock::now());
    shelf.put("a", 0, 1, 1, now);
    assert_eq!(shelf.get(&"a", now + SECOND).map(|(value, age)| (*value, age)), Some((1, SECOND)));
    assert_eq!(given(&shelf, "a", now + SECOND + Duration::from_nanos(1)), None);
    assert_eq!(given(&shelf, "a", now + 300 * DAY), None);
}

#[test]
fn one_key_more_than_there_is_room_for_and_the_oldest_leaves() {
    let (mut shelf, now) = (shelf(Bounds::age(DAY).entries(2)), clock::now());
    for (n, key) in ["a", "b", "a", "c"].into_iter().enumerate() {
        let n = u32::try_from(n).expect("small");
        shelf.put(key, 0, n, 1, now + n * SECOND);
    }
    let now = now + 4 * SECOND;
    assert_eq!(
        (given(&shelf, "a", now), given(&shelf, "b", now), given(&shelf, "c", now)),
        (Some(2), None, Some(3))
    );
}

#[test]
fn what_is_too_large_is_not_kept_and_what_was_there_stays() {
    let (mut shelf, now) = (shelf(Bounds::age(DAY).each(10).size(25)), clock::now());
    shelf.put("a", 0, 1, 10, now);
    shelf.put("a", 0, 2, 11, now + SECOND);
    assert_eq!(given(&shelf, "a", now + SECOND), Some(1));
    shelf.put("b", 0, 3, 10, now + SECOND);
    shelf.put("c", 0, 4, 10, now + SECOND);
    assert_eq!((shelf.size(), given(&shelf, "a", now + SECOND)), (20, None));
}

#[test]
fn an_older_answer_that_comes_later_replaces_nothing() {
    let (mut shelf, now) = (shelf(Bounds::age(DAY)), clock::now());
    shelf.put("a", 0, 2, 1, now + SECOND);
    shelf.put("a", 0, 1, 1, now);
    assert_eq!(given(&shelf, "a", now + SECOND), Some(2));
}

#[test]
fn an_answer_is_fresh_until_the_refresh() {
    let mut shelf = Shelf::new(Bounds::age(DAY).refresh(SECOND));
    let now = clock::now();
    assert_eq!(shelf.fresh(&"a", now), None);
    shelf.put("a", 0, 1, 1, now);
    assert_eq!(shelf.fresh(&"a", now + SECOND - Duration::from_nanos(1)), Some(now));
    assert_eq!((shelf.fresh(&"a", now + SECOND), shelf.fresh(&"b", now)), (None, None));
    assert_eq!(shelf.fresh(&"a", now - SECOND), Some(now), "newer than what comes");
}

/// What the bounds say, said as simply as it can be.
struct Naive {
    age: Duration,
    entries: usize,
    each: usize,
    size: usize,
    list: Vec<(u8, u32, usize, Instant)>,
}

impl Naive {
    fn put(&mut self, key: u8, value: u32, size: usize, at: Instant) {
        let older = self.list.iter().any(|(other, .., then)| *other == key && *then > at);
        if size > self.each || size > self.size || older {
            return;
        }
        self.list.retain(|(other, ..)| *other != key);
        while let Some((.., then)) = self.list.first()
            && (clock::since(at, *then) > self.age
                || self.list.len() + 1 > self.entries
                || self.list.iter().map(|(_, _, size, _)| size).sum::<usize>() + size > self.size)
        {
            self.list.remove(0);
        }
        let place = self.list.iter().take_while(|(.., then)| *then <= at).count();
        self.list.insert(place, (key, value, size, at));
    }

    fn get(&self, key: u8, now: Instant) -> Option<(u32, Duration)> {
        let (_, value, _, at) = self.list.iter().find(|(other, ..)| *other == key)?;
        let age = clock::since(now, *at);
        (age <= self.age).then_some((*value, age))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put { key: u8, size: usize, late: u32 },
    Pass { millis: u64 },
    Days { days: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..6, 0_usize..12, 0_u32..3).prop_map(|(key, size, late)| Step::Put { key, size, late }),
        3 => (0_u64..3000).prop_map(|millis| Step::Pass { millis }),
        1 => (0_u64..400).prop_map(|days| Step::Days { days }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_keeps_what_the_naive_one_keeps(
        (age, entries) in (0_u64..5000, 0_u32..6),
        (each, size) in (0_usize..12, 0_usize..40),
        steps in proptest::collection::vec(step(), 0..if cfg!(miri) { 20 } else { 120 }),
    ) {
        let bounds = Bounds::age(Duration::from_millis(age)).entries(entries).each(each).size(size);
        let mut shelf = Shelf::new(bounds);
        let mut naive = Naive {
            age: Duration::from_millis(age.max(1)),
            entries: entries.max(1) as usize,
            each: each.max(1),
            size: size.max(1),
            list: Vec::new(),
        };
        let mut now = clock::now();
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Pass { millis } => now += Duration::from_millis(millis),
                Step::Days { days } => now += Duration::from_secs(days * 86_400),
                Step::Put { key, size, late } => {
                    let at = now - late * SECOND;
                    let before = shelf.len();
                    let left = shelf.put(key, key.into(), number, size, at);
                    naive.put(key, number, size, at);
                    prop_assert!(left.evicted.iter().all(|entry| entry.hash() != u64::from(key)));
                    prop_assert!(before + 1 >= shelf.len() + left.evicted.len());
                }
            }
            for key in 0..6 {
                let got = shelf.get(&key, now).map(|(value, age)| (*value, age));
                prop_assert_eq!(got, naive.get(key, now), "key {}", key);
            }
            prop_assert_eq!(shelf.len(), naive.list.len());
            prop_assert_eq!(shelf.size(), naive.list.iter().map(|(_, _, size, _)| size).sum::<usize>());
            prop_assert!(shelf.len() <= entries.max(1) as usize && shelf.size() <= size.max(1));
            prop_assert_eq!(shelf.by_age.len(), shelf.len());
        }
    }
}
