//! The core against a naive model: a count, and a list of those who wait.

use super::{
    compartment::{Compartment, Join, Take},
    line::Seat,
};
use proptest::{collection::vec, prelude::*};
use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Wake, Waker},
};

/// Writes down who was woken.
struct Bell {
    id: usize,
    book: Arc<std::sync::Mutex<Vec<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.book.lock().expect("not poisoned").push(self.id);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take,
    Join(u32),
    /// One of those inside ends.
    End,
    /// That one of those who wait, or were called, looks whether its turn has come.
    Look(usize),
    /// It leaves instead.
    Leave(usize),
    Limit(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Take),
        6 => (0_u32..6).prop_map(Step::Join),
        5 => Just(Step::End),
        4 => any::<usize>().prop_map(Step::Look),
        3 => any::<usize>().prop_map(Step::Leave),
        1 => (1_u32..5).prop_map(Step::Limit),
    ];
    vec(step, 0..if cfg!(miri) { 20 } else { 200 })
}

/// What should happen, as plainly as it can be said.
#[derive(Default)]
struct Model {
    limit: usize,
    inside: usize,
    line: VecDeque<usize>,
    called: Vec<usize>,
    woken: Vec<usize>,
}

impl Model {
    fn has_room(&self) -> bool {
        self.line.is_empty() && self.inside < self.limit
    }

    fn call_up(&mut self) {
        while self.inside < self.limit
            && let Some(id) = self.line.pop_front()
        {
            self.inside += 1;
            self.called.push(id);
            self.woken.push(id);
        }
    }
}

struct Real {
    compartment: Compartment,
    /// Those who have joined and are not inside, in the order in which they came.
    seats: Vec<(usize, Seat)>,
    book: Arc<std::sync::Mutex<Vec<usize>>>,
    next: usize,
}

impl Real {
    fn waker(&self, id: usize) -> Waker {
        Waker::from(Arc::new(Bell { id, book: Arc::clone(&self.book) }))
    }

    fn call_up(&self) {
        while let Some(waker) = self.compartment.call_up() {
            waker.wake();
        }
    }

    fn give_back(&self) {
        if !self.compartment.give_back().is_quiet() {
            self.call_up();
        }
    }
}

fn run(limit: u32, steps: &[Step]) {
    let mut real = Real { compartment: Compartment::new(), seats: Vec::new(), book: Arc::default(), next: 0 };
    real.compartment.renew(limit);
    let mut model = Model { limit: limit as usize, ..Model::default() };
    for &step in steps {
        match step {
            Step::Take => {
                let expected = if model.has_room() { Take::In } else { Take::Full };
                assert_eq!(real.compartment.is_full(), expected == Take::Full);
                assert_eq!(real.compartment.take(), expected);
                model.inside += usize::from(expected == Take::In);
            }
            Step::Join(len) => {
                let id = real.next;
                real.next += 1;
                match real.compartment.join(len, real.waker(id)) {
                    Join::In => {
                        assert!(model.has_room());
                        model.inside += 1;
                    }
                    Join::Full => assert!(!model.has_room() && model.line.len() >= len as usize),
                    Join::Waits(seat) => {
                        assert!(!model.has_room() && model.line.len() < len as usize);
                        model.line.push_back(id);
                        real.seats.push((id, seat));
                    }
                    Join::InHeard => panic!("nobody listens"),
                }
            }
            // Those who were called and have not looked yet are inside, and cannot end.
            Step::End if model.inside > model.called.len() => {
                real.give_back();
                model.inside -= 1;
                model.call_up();
            }
            Step::Look(which) if !real.seats.is_empty() => {
                let at = which % real.seats.len();
                let id = real.seats[at].0;
                let called = real.compartment.is_called(&real.seats[at].1, real.waker(id));
                assert_eq!(called, model.called.contains(&id), "{id}");
                if called {
                    real.seats.remove(at);
                    model.called.retain(|called| *called != id);
                }
            }
            Step::Leave(which) if !real.seats.is_empty() => {
                let (id, seat) = real.seats.remove(which % real.seats.len());
                let called = real.compartment.leave(&seat);
                assert_eq!(called, model.called.contains(&id), "{id}");
                model.line.retain(|waits| *waits != id);
                if called {
                    model.called.retain(|called| *called != id);
                    real.give_back();
                    model.inside -= 1;
                    model.call_up();
                }
            }
            Step::Limit(limit) => {
                real.compartment.set_limit(limit);
                real.call_up();
                model.limit = limit as usize;
                model.call_up();
            }
            Step::End | Step::Look(_) | Step::Leave(_) => {}
        }
        let word = real.compartment.word();
        assert_eq!((word.taken() as usize, word.waiting() as usize), (model.inside, model.line.len()));
        assert_eq!(*real.book.lock().expect("not poisoned"), model.woken, "woken in the order of coming");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_count_and_a_list_would_do(limit in 1_u32..5, steps in steps()) {
        run(limit, &steps);
    }

    #[test]
    fn the_seats_in_use_are_the_only_ones_kept(lens in vec(1_u32..8, 1..8)) {
        let compartment = Compartment::new();
        assert_eq!(compartment.take(), Take::In);
        for len in &lens {
            let join = || match compartment.join(*len, Waker::noop().clone()) {
                Join::Waits(seat) => Some(seat),
                _ => None,
            };
            let seats: Vec<_> = (0..9).map_while(|_| join()).collect();
            prop_assert_eq!(seats.len(), *len as usize);
            for seat in seats {
                prop_assert!(!compartment.leave(&seat));
            }
        }
        let longest = lens.iter().max().copied().unwrap_or_default();
        prop_assert_eq!(compartment.seats(), longest as usize);
    }
}

#[test]
fn a_place_that_is_on_its_way_to_the_first_in_line_is_not_there_for_a_newcomer() {
    let compartment = Compartment::new();
    assert_eq!(compartment.take(), Take::In);
    let Join::Waits(seat) = compartment.join(1, Waker::noop().clone()) else { panic!("it is full") };
    // Given back, and the one who gave it back has not yet seen to the line.
    assert_eq!(compartment.give_back().taken(), 0);
    assert!(compartment.is_full());
    assert_eq!(compartment.take(), Take::Full);
    assert!(matches!(compartment.join(2, Waker::noop().clone()), Join::Waits(_)), "behind the first");
    assert!(compartment.call_up().is_some());
    assert!(compartment.is_called(&seat, Waker::noop().clone()));
}

#[test]
fn a_limit_of_max_counts_and_never_fills() {
    let compartment = Compartment::new();
    compartment.renew(u32::MAX);
    for _ in 0..1000 {
        assert_eq!(compartment.take(), Take::In);
    }
    assert_eq!(compartment.word().taken(), 1000);
    assert!(!compartment.is_full());
}

#[test]
fn who_listens_is_in_the_word_and_changes_nothing_else() {
    let compartment = Compartment::new();
    compartment.hear();
    assert!(!compartment.is_full());
    assert_eq!(compartment.take(), Take::InHeard);
    assert_eq!(compartment.take(), Take::Full);
    assert!(compartment.is_full());
    let left = compartment.give_back();
    assert!(left.is_heard() && !left.is_quiet() && !left.is_over());
    assert_eq!(compartment.join(0, Waker::noop().clone()), Join::InHeard);
}

#[test]
fn it_is_over_with_the_last_handle_and_the_last_call_whichever_is_later() {
    for heard in [false, true] {
        let compartment = Compartment::new();
        if heard {
            compartment.hear();
        }
        compartment.take();
        assert!(!compartment.abandon().is_over());
        assert!(compartment.give_back().is_over());

        compartment.renew(1);
        compartment.take();
        assert!(!compartment.give_back().is_over());
        assert!(compartment.abandon().is_over());
    }
}
