//! Slots against a naive model, with time: anything may happen at any instant, and every call ends as the model says.

use crate::MS;
use buttress::{
    bulkhead::{Acquire, Queue, Slot, Slots},
    rejected::{Reason, Rejected},
};
use futures_util::FutureExt;
use proptest::{collection::vec, prelude::*};
use std::pin::Pin;
use tokio::time::advance;

#[derive(Clone, Copy, Debug)]
enum Step {
    Try,
    /// A call that may wait in a queue of that length, for so many milliseconds.
    Ask(u32, u32),
    /// That one of those inside ends.
    End(usize),
    /// That one of those who wait leaves.
    Leave(usize),
    Limit(u32),
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Try),
        6 => (0_u32..6, 0_u32..50).prop_map(|(len, wait)| Step::Ask(len, wait)),
        5 => any::<usize>().prop_map(Step::End),
        2 => any::<usize>().prop_map(Step::Leave),
        1 => (0_u32..5).prop_map(Step::Limit),
        4 => (1_u32..30).prop_map(Step::Pass),
    ];
    vec(step, 0..120)
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Inside,
    /// Until then, in milliseconds.
    Waiting(u32),
    Refused,
    Gone,
}

#[derive(Default)]
struct Model {
    limit: u32,
    now: u32,
    calls: Vec<Stand>,
}

impl Model {
    fn count(&self, of: impl Fn(&Stand) -> bool) -> u32 {
        self.calls.iter().filter(|stand| of(stand)).count() as u32
    }

    fn inside(&self) -> u32 {
        self.count(|stand| *stand == Stand::Inside)
    }

    fn waiting(&self) -> u32 {
        self.count(|stand| matches!(stand, Stand::Waiting(_)))
    }

    fn come(&mut self, len: u32, wait: u32) {
        let stand = if self.waiting() == 0 && self.inside() < self.limit {
            Stand::Inside
        } else if wait == 0 || self.waiting() >= len {
            Stand::Refused
        } else {
            Stand::Waiting(self.now + wait)
        };
        self.calls.push(stand);
    }

    /// The first who wait take what is free.
    fn call_up(&mut self) {
        while self.inside() < self.limit
            && let Some(next) = self.calls.iter_mut().find(|stand| matches!(stand, Stand::Waiting(_)))
        {
            *next = Stand::Inside;
        }
    }

    fn pass(&mut self, time: u32) {
        self.now += time;
        for stand in &mut self.calls {
            if matches!(stand, Stand::Waiting(until) if *until <= self.now) {
                *stand = Stand::Refused;
            }
        }
    }
}

enum Real {
    Inside { _slot: Slot },
    Waiting(Pin<Box<Acquire>>),
    Refused(Rejected),
    Gone,
}

impl Real {
    fn of(answer: Result<Slot, Rejected>) -> Self {
        answer.map_or_else(Self::Refused, |slot| Self::Inside { _slot: slot })
    }

    fn poll(&mut self) {
        if let Self::Waiting(turn) = self
            && let Some(answer) = turn.now_or_never()
        {
            *self = Self::of(answer);
        }
    }

    fn agrees(&self, model: Stand) -> bool {
        match self {
            Self::Inside { .. } => model == Stand::Inside,
            Self::Waiting(_) => matches!(model, Stand::Waiting(_)),
            Self::Refused(why) => model == Stand::Refused && why.reason() == Reason::Full,
            Self::Gone => model == Stand::Gone,
        }
    }
}

async fn run(limit: u32, steps: Vec<Step>) {
    let slots = Slots::new("x", limit);
    let mut model = Model { limit: limit.max(1), ..Model::default() };
    let mut real: Vec<Real> = Vec::new();
    for step in steps {
        let pick = |of: fn(&Stand) -> bool, which: usize| {
            let all: Vec<_> = (0..model.calls.len()).filter(|at| of(&model.calls[*at])).collect();
            (!all.is_empty()).then(|| all[which % all.len()])
        };
        match step {
            Step::Try => {
                real.push(Real::of(slots.try_acquire()));
                model.come(0, 0);
            }
            Step::Ask(len, wait) => {
                let queue = Queue::new(len).max_wait(MS * wait);
                real.push(Real::Waiting(Box::pin(slots.acquire(queue))));
                model.come(len, wait);
            }
            Step::End(which) => {
                if let Some(at) = pick(|stand| *stand == Stand::Inside, which) {
                    real[at] = Real::Gone;
                    model.calls[at] = Stand::Gone;
                }
            }
            Step::Leave(which) => {
                if let Some(at) = pick(|stand| matches!(stand, Stand::Waiting(_)), which) {
                    real[at] = Real::Gone;
                    model.calls[at] = Stand::Gone;
                }
            }
            Step::Limit(limit) => {
                slots.set_limit(limit);
                model.limit = limit.max(1);
            }
            Step::Pass(time) => {
                advance(MS * time).await;
                model.pass(time);
            }
        }
        real.iter_mut().for_each(Real::poll);
        model.call_up();
        for (at, (real, stand)) in real.iter().zip(&model.calls).enumerate() {
            assert!(real.agrees(*stand), "call {at} is not {stand:?} after {step:?}");
        }
        assert_eq!((slots.in_flight(), slots.waiting()), (model.inside(), model.waiting()));
    }
    drop(real);
    assert_eq!((slots.in_flight(), slots.waiting()), (0, 0), "nothing is left behind");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_ends_as_a_naive_model_says(limit in 0_u32..5, steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(run(limit, steps));
    }
}
