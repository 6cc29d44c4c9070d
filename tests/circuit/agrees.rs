//! The circuit and the model say the same, whatever happens in whatever order.

use crate::{
    model::{Held as ModelHeld, Model, seen},
    plan::{Answer, End, Plan, Step, Wait, nanos, plan, steps},
};
use buttress::{
    Deadline, Lifted,
    breaker::{BreakerLayer, Call, Circuit, Permit, State, Watch, Why},
    cause::{self, Cause},
    clock,
    outcome::{Outcome, Ticket},
    telemetry::Event,
};
use futures_util::{FutureExt, StreamExt};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRunner},
};
use std::{
    cell::Cell,
    convert::Infallible,
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};
use tower::{Layer, Service};

/// What a call answers, once it does.
type Said = Rc<Cell<Option<Answer>>>;

/// A future that answers what it is told.
struct Told(Said);

impl Future for Told {
    type Output = Result<(), ()>;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        match self.0.get() {
            None => Poll::Pending,
            Some(Answer::Good) => Poll::Ready(Ok(())),
            Some(Answer::Bad) => Poll::Ready(Err(())),
            Some(Answer::Panic) => resume_unwind(Box::new("told to")),
        }
    }
}

enum Held {
    Permit(Permit),
    Call(Pin<Box<Call<Told>>>, Said),
}

/// A circuit and its model, side by side.
struct Pair<'a> {
    circuit: Circuit,
    model: Model<'a>,
    watch: Watch,
    watched: usize,
    held: Vec<(Held, ModelHeld)>,
    heard: Arc<Mutex<Vec<(State, Why)>>>,
}

impl<'a> Pair<'a> {
    fn new(plan: &'a Plan) -> Self {
        let heard: Arc<Mutex<Vec<(State, Why)>>> = Arc::default();
        let ear = Arc::clone(&heard);
        let mut policy = plan.policy();
        if plan.heard {
            policy = policy.observe(move |event: &Event<'_>| {
                if let Event::Turned { to, why, .. } = event {
                    ear.lock().expect("not poisoned").push((*to, *why));
                }
            });
        }
        let circuit = Circuit::new("pair", &policy);
        let mut watch = circuit.watch();
        assert_eq!(watch.next().now_or_never(), Some(Some(State::Closed)));
        Self { watch, circuit, model: Model::new(plan), watched: 1, held: Vec::new(), heard }
    }

    fn admit(&mut self) -> Result<Option<(Permit, ModelHeld)>, TestCaseError> {
        match (self.circuit.admit(), self.model.admit()) {
            (Ok(permit), Ok(held)) => Ok(Some((permit, held))),
            (Err(rejected), Err(wait)) => {
                prop_assert_eq!(rejected.retry_after(), wait.map(nanos));
                Ok(None)
            }
            (real, model) => {
                Err(TestCaseError::fail(format!("circuit: {real:?}, model: {:?}", model.map(|_| ()))))
            }
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Admit => {
                let admitted = self.admit()?;
                self.held.extend(admitted.map(|(permit, held)| (Held::Permit(permit), held)));
            }
            Step::Calls(times, outcome) => {
                for _ in 0..times {
                    if let Some((permit, mut held)) = self.admit()? {
                        permit.record(outcome);
                        self.model.record(&mut held, &outcome);
                    }
                }
            }
            Step::Record(who, outcome) => self.record(who, outcome),
            Step::Drop(who, end) => self.drop(who, end),
            Step::Expect(who, class) => {
                if let Some((Held::Permit(permit), held)) = self.pick(who) {
                    permit.expect(Outcome::of(class));
                    let mut held = held.clone();
                    self.model.expect(&mut held, class);
                    *self.pick(who).expect("still there").1 = held;
                }
            }
            Step::Call => self.call()?,
            Step::Answer(who, answer) => self.answer(who, answer)?,
            Step::Ready => {
                let mut svc = BreakerLayer::new(&self.circuit).layer(Plain);
                prop_assert!(svc.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
                self.model.settle_by_time();
            }
            Step::Wait(wait) => self.wait(wait).await,
            Step::Trip => {
                self.circuit.trip();
                self.model.trip();
            }
            Step::OpenFor(time) => {
                self.circuit.open_for(nanos(time));
                self.model.open_for(time);
            }
            Step::Reset => {
                self.circuit.reset();
                self.model.reset();
            }
            Step::ForceOpen => {
                self.circuit.force_open();
                self.model.force(State::ForcedOpen);
            }
            Step::ForceClosed => {
                self.circuit.force_closed();
                self.model.force(State::ForcedClosed);
            }
            Step::Disable => {
                self.circuit.disable();
                self.model.force(State::Disabled);
            }
            Step::Auto => {
                self.circuit.auto();
                self.model.auto();
            }
        }
        self.agree()
    }

    fn pick(&mut self, who: usize) -> Option<(&mut Held, &mut ModelHeld)> {
        let count = self.held.len().max(1);
        self.held.get_mut(who % count).map(|(held, model)| (held, model))
    }

    fn take(&mut self, who: usize) -> Option<(Held, ModelHeld)> {
        let count = self.held.len();
        (count > 0).then(|| self.held.remove(who % count))
    }

    fn record(&mut self, who: usize, outcome: Outcome) {
        if let Some((held, mut model)) = self.take(who) {
            match held {
                Held::Permit(permit) => {
                    permit.record(outcome);
                    self.model.record(&mut model, &outcome);
                }
                call @ Held::Call(..) => self.held.push((call, model)),
            }
        }
    }

    fn drop(&mut self, who: usize, end: End) {
        let Some((mut held, mut model)) = self.take(who) else { return };
        // Whether a future of ours was being polled is not for others to say.
        let end = match (&mut held, end) {
            (Held::Permit(permit), End::Busy) => {
                permit.busy(true);
                end
            }
            (Held::Call(..), End::Busy) => End::Plain,
            _ => end,
        };
        let past = || Deadline::at(clock::now());
        match end {
            End::Plain | End::Busy => drop(held),
            End::Cut => cause::during(Cause::Cut, || drop(held)),
            End::Lost => cause::during(Cause::Lost, || drop(held)),
            End::PastDeadline => past().sync_scope(|| drop(held)),
            End::CutPastDeadline => past().sync_scope(|| cause::during(Cause::Cut, || drop(held))),
        }
        self.model.drop(&mut model, end);
    }

    fn call(&mut self) -> Result<(), TestCaseError> {
        let said = Said::default();
        let mut call = Box::pin(self.circuit.call(Told(Rc::clone(&said))));
        match (call.as_mut().now_or_never(), self.model.admit()) {
            (None, Ok(held)) => self.held.push((Held::Call(call, said), held)),
            (Some(Err(Lifted::Rejected(rejected))), Err(wait)) => {
                prop_assert_eq!(rejected.retry_after(), wait.map(nanos));
            }
            (real, model) => {
                let model = model.map(|_| ());
                return Err(TestCaseError::fail(format!("circuit: {real:?}, model: {model:?}")));
            }
        }
        Ok(())
    }

    fn answer(&mut self, who: usize, answer: Answer) -> Result<(), TestCaseError> {
        match self.take(who) {
            None => {}
            Some((Held::Call(mut call, said), mut model)) => {
                said.set(Some(answer));
                let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().now_or_never()));
                drop(call);
                let outcome = match (answer, polled) {
                    (Answer::Good, Ok(Some(Ok(())))) => Outcome::OK,
                    (Answer::Bad, Ok(Some(Err(Lifted::Inner(()))))) => Outcome::FAILED,
                    (Answer::Panic, Err(_)) => Outcome::PANICKED,
                    (told, polled) => {
                        let polled = polled.map_err(|_| "a panic");
                        return Err(TestCaseError::fail(format!("told {told:?}, answered {polled:?}")));
                    }
                };
                self.model.record(&mut model, &outcome);
            }
            Some(permit) => self.held.push(permit),
        }
        Ok(())
    }

    async fn wait(&mut self, wait: Wait) {
        const YEAR: u64 = 365 * 86_400 * 1_000_000_000;
        let time = match wait {
            Wait::Nothing => 0,
            Wait::Nanos(nanos) => nanos,
            Wait::Days(days) => u64::from(days) * 86_400 * 1_000_000_000,
            Wait::End(off) => match self.model.next_end() {
                Some(end) if end < YEAR => end.saturating_add_signed(off.into()),
                _ => 0,
            },
        };
        tokio::time::advance(nanos(time)).await;
        self.model.wait(time);
    }

    fn agree(&mut self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.circuit.state(), self.model.state());
        prop_assert_eq!(seen(&self.circuit.snapshot()), self.model.shows());
        if !self.heard.lock().expect("not poisoned").is_empty() {
            prop_assert_eq!(&*self.heard.lock().expect("not poisoned"), &self.model.turns);
        }
        // One state for however many turns there were, and none where there was none.
        let turned = self.model.turns.len() > std::mem::replace(&mut self.watched, self.model.turns.len());
        let next = self.watch.next().now_or_never();
        prop_assert_eq!(next, turned.then_some(Some(self.model.state())));
        prop_assert_eq!(self.watch.next().now_or_never(), None);
        Ok(())
    }
}

/// A service that is always ready.
#[derive(Clone)]
struct Plain;

impl Service<()> for Plain {
    type Response = ();
    type Error = Lifted<Infallible>;
    type Future = Ready<Result<(), Self::Error>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

fn runs(plan: &Plan, steps: &[Step]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut pair = Pair::new(plan);
        for step in steps {
            pair.step(step).await?;
        }
        Ok(())
    })
}

fn agree(cases: u32, plans: impl Strategy<Value = Plan>) {
    // Drawing the cases costs more than running them; this generator is the quick one.
    let rng_algorithm = RngAlgorithm::XorShift;
    let config =
        ProptestConfig { cases, failure_persistence: None, rng_algorithm, ..ProptestConfig::default() };
    let tested = TestRunner::new(config).run(&(plans, steps()), |(plan, steps)| runs(&plan, &steps));
    if let Err(failed) = tested {
        panic!("{failed}");
    }
}

const CASES: u32 = 4_000;

#[test]
fn whatever_happens_the_circuit_and_the_model_say_the_same() {
    agree(CASES, plan());
}

/// The default rules, and those of the textbooks, more often than chance has them.
#[test]
fn under_common_policies_the_circuit_and_the_model_say_the_same() {
    agree(
        CASES,
        plan().prop_map(|plan| Plan { own: false, slow: None, abandoned_after: None, ramp: 0, ..plan }),
    );
}

/// Half-open more often than chance has it.
#[test]
fn with_many_probes_the_circuit_and_the_model_say_the_same() {
    let quick = plan().prop_map(|plan| Plan {
        run: Some((1, false)),
        probes: 1 + plan.probes % 4,
        open_time: buttress::backoff::Backoff::constant(nanos(crate::plan::MS)),
        ..plan
    });
    agree(CASES, quick);
}

#[test]
#[ignore = "minutes: .ci/long runs it"]
fn full_size_a_million_times_the_circuit_and_the_model_say_the_same() {
    agree(1_000_000, plan());
}
