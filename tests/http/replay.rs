//! Bodies that are sent again: whatever is dropped, taken over, capped or broken on the way, nobody sends a part for the
//! whole.

use buttress::http::{NoReplay, ReplayBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Collected, Empty, Full, StreamBody};
use pin_project_lite::pin_project;
use proptest::prelude::*;
use std::{
    collections::VecDeque,
    io,
    marker::PhantomPinned,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

/// One step of the body of a caller.
#[derive(Clone, Debug)]
enum Step {
    Data(Bytes),
    Trailers,
    Pending,
    Fails,
}

pin_project! {
    /// The body of a caller; it cannot be moved once it is polled.
    #[derive(Debug)]
    struct Caller {
        steps: VecDeque<Step>,
        // Tells its length, and its end with its last frame.
        sized: bool,
        #[pin]
        pinned: PhantomPinned,
    }
}

impl Caller {
    fn new(steps: impl IntoIterator<Item = Step>, sized: bool) -> Self {
        Self { steps: steps.into_iter().collect(), sized, pinned: PhantomPinned }
    }

    fn left(&self) -> u64 {
        self.steps.iter().map(|step| if let Step::Data(data) = step { data.len() as u64 } else { 0 }).sum()
    }
}

fn trailers() -> HeaderMap {
    HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), http::HeaderValue::from_static("42"))])
}

impl Body for Caller {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.project().steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(trailers())))),
            Some(Step::Fails) => Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into()))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sized && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.sized { SizeHint::with_exact(self.left()) } else { SizeHint::default() }
    }
}

const TRAILERS: usize = "x-sum".len() + "42".len();

/// Counts its wakes.
#[derive(Default)]
struct Alarm(AtomicU32);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// One who sends the body, and what it has sent so far.
struct Sender {
    body: ReplayBody<Caller>,
    sent: Vec<u8>,
    trailers: u32,
    end: Option<End>,
    alarm: Arc<Alarm>,
    /// It was told to wait, and had been woken so often.
    waits: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Whole,
    Own,
    No(NoReplay),
}

impl Sender {
    fn new(body: ReplayBody<Caller>) -> Self {
        Self { body, sent: Vec::new(), trailers: 0, end: None, alarm: Arc::default(), waits: None }
    }

    fn step(&mut self) {
        if self.end.is_some() {
            return;
        }
        let waker = Waker::from(Arc::clone(&self.alarm));
        let before = self.alarm.0.load(SeqCst);
        self.waits = None;
        match Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(&waker)) {
            Poll::Pending => self.waits = Some(before),
            Poll::Ready(None) => self.end = Some(End::Whole),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => self.sent.extend_from_slice(&data),
                Err(frame) => {
                    assert_eq!(frame.into_trailers().ok(), Some(trailers()));
                    self.trailers += 1;
                }
            },
            Poll::Ready(Some(Err(error))) => {
                let why = error.downcast_ref().copied();
                assert!(why.is_some() || error.is::<io::Error>());
                self.end = Some(why.map_or(End::Own, End::No));
            }
        }
        if self.end.is_none() && self.body.is_end_stream() {
            self.end = Some(End::Whole);
        }
    }

    /// Only when woken, as a task.
    fn run_until_it_pauses(&mut self) {
        loop {
            self.step();
            let woken = |before| self.alarm.0.load(SeqCst) > before;
            if self.end.is_some() || self.waits.is_some_and(|before| !woken(before)) {
                return;
            }
        }
    }

    fn run(&mut self) -> End {
        loop {
            self.step();
            if let Some(end) = self.end {
                return end;
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Do {
    Clone,
    Again,
    Step(usize),
    Drop(usize),
}

fn bodies() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![Just(0_usize), 1..20_usize, 900..1100_usize, 5000..9000_usize];
    let step = prop_oneof![
        5 => len.prop_map(|len| Step::Data(vec![0; len].into())),
        2 => Just(Step::Pending),
    ];
    let end = prop_oneof![4 => Just(None), 2 => Just(Some(Step::Trailers)), 1 => Just(Some(Step::Fails))];
    (proptest::collection::vec(step, 0..8), end).prop_map(|(steps, end)| {
        let mut at = 0;
        let mut number = |step| match step {
            // Bytes that tell where they stand.
            Step::Data(data) => {
                let from = at;
                at += data.len();
                Step::Data((from..at).map(|n| (n % 251) as u8).collect())
            }
            step => step,
        };
        steps.into_iter().chain(end).map(&mut number).collect()
    })
}

fn doings() -> impl Strategy<Value = Vec<Do>> {
    let one = prop_oneof![
        1 => Just(Do::Clone),
        1 => Just(Do::Again),
        6 => (0..4_usize).prop_map(Do::Step),
        1 => (0..4_usize).prop_map(Do::Drop),
    ];
    proptest::collection::vec(one, 0..60)
}

fn bytes_of(steps: &[Step]) -> Vec<u8> {
    steps
        .iter()
        .flat_map(|step| if let Step::Data(data) = step { data.to_vec() } else { Vec::new() })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// Whatever is sent, taken over and dropped: who comes to an end has sent all of it, and no one waits for ever.
    #[test]
    fn who_comes_to_the_end_has_sent_the_bytes_and_trailers_of_the_body(
        steps in bodies(), doings in doings(), cap in 0..20_000_usize, sized: bool,
    ) {
        let all = bytes_of(&steps);
        let fails = matches!(steps.last(), Some(Step::Fails));
        let with_trailers = u32::from(matches!(steps.last(), Some(Step::Trailers)));
        let size = all.len() + if with_trailers == 1 { TRAILERS } else { 0 };
        let (keeper, sized) = (ReplayBody::with_cap(Caller::new(steps, sized), cap), sized);
        let mut senders: Vec<Option<Sender>> = vec![Some(Sender::new(keeper.clone()))];
        for doing in doings {
            match doing {
                Do::Clone => senders.push(Some(Sender::new(keeper.clone()))),
                Do::Again => match keeper.again() {
                    Some(body) => senders.push(Some(Sender::new(body))),
                    None => prop_assert!(!keeper.can_replay()),
                },
                Do::Step(n) => if let Some(Some(sender)) = senders.get_mut(n) {
                    sender.step();
                },
                Do::Drop(n) => if let Some(sender) = senders.get_mut(n) {
                    *sender = None;
                },
            }
            for sender in senders.iter().flatten() {
                prop_assert_eq!(&sender.sent[..], &all[..sender.sent.len()], "in its order, from the beginning");
                if sender.end == Some(End::Whole) {
                    prop_assert_eq!((sender.sent.len(), sender.trailers), (all.len(), with_trailers));
                    prop_assert!(!fails);
                }
                let hint = sender.body.size_hint();
                let left = (all.len() - sender.sent.len()) as u64;
                prop_assert!(hint.lower() <= left);
                prop_assert!(hint.upper().is_none_or(|upper| upper >= left));
                if sized && sender.end.is_none() && keeper.can_replay() && hint.exact().is_some() {
                    prop_assert_eq!(hint.exact(), Some(left));
                }
            }
            // Until it is over the cap, or broken, it can be sent again.
            if size <= cap && !fails {
                prop_assert!(keeper.can_replay());
            }
        }
        // Whoever is left comes to an end, the last to begin to a good one.
        // One that pauses waits for the one that is about to begin; then it is told.
        for _ in 0..2 {
            for sender in senders.iter_mut().rev().flatten() {
                sender.run_until_it_pauses();
            }
        }
        for sender in senders.iter().flatten() {
            prop_assert!(sender.end.is_some(), "nobody waits for ever");
        }
        let can = keeper.can_replay();
        let mut last = Sender::new(keeper.again().unwrap_or_else(|| keeper.clone()));
        let end = last.run();
        match (can, fails) {
            (true, false) => prop_assert_eq!((end, last.sent, last.trailers), (End::Whole, all, with_trailers)),
            (true, true) => prop_assert_eq!(end, End::Own),
            (false, _) => prop_assert!(matches!(end, End::No(NoReplay::NotKept | NoReplay::Broken))),
        }
    }
}

fn data(text: &'static str) -> Step {
    Step::Data(Bytes::from_static(text.as_bytes()))
}

fn abc() -> Caller {
    Caller::new([data("a"), data("b"), Step::Pending, data("c"), Step::Trailers], false)
}

#[test]
fn a_replay_that_begins_in_the_middle_goes_on_with_the_live_rest() {
    let mut first = Sender::new(ReplayBody::new(abc()));
    let mut second = Sender::new(first.body.clone());
    first.step();
    assert_eq!(first.sent, b"a");
    assert_eq!(second.run(), End::Whole);
    assert_eq!((&second.sent[..], second.trailers), (&b"abc"[..], 1));
    // Everything is kept by now, so the first can end well, too: nothing of it is missing.
    assert_eq!(first.run(), End::Whole);
    assert_eq!((&first.sent[..], first.trailers), (&b"abc"[..], 1));
}

#[test]
fn the_one_before_breaks_off_and_does_not_end() {
    let mut first = Sender::new(ReplayBody::new(abc()));
    first.step();
    let mut second = Sender::new(first.body.clone());
    second.step();
    first.step();
    assert_eq!(first.end, Some(End::No(NoReplay::Replaced)));
    assert!(!first.body.is_end_stream());
    assert_eq!(second.run(), End::Whole);
}

/// The budget does not pay, say: the caller gets the answer that there is, and the upload that goes with it is whole.
#[test]
fn while_the_next_is_about_to_begin_the_one_before_pauses_and_goes_on_if_it_does_not() {
    let mut first = Sender::new(ReplayBody::new(abc()).again().expect("untouched"));
    first.step();
    let second = first.body.again().expect("little was sent");
    first.step();
    let before = first.waits.expect("it pauses, and nothing of the body was asked for");
    assert_eq!(first.alarm.0.load(SeqCst), before);
    assert!(!first.body.is_end_stream());
    drop(second);
    assert!(first.alarm.0.load(SeqCst) > before, "it is told");
    assert_eq!(first.run(), End::Whole);
    assert_eq!((&first.sent[..], first.trailers), (&b"abc"[..], 1));
}

#[test]
fn who_is_about_to_begin_may_be_replaced_and_its_end_changes_nothing() {
    let mut first = Sender::new(ReplayBody::new(abc()).again().expect("untouched"));
    first.step();
    let second = first.body.again().expect("little was sent");
    let mut third = Sender::new(first.body.again().expect("little was sent"));
    drop(second);
    third.step();
    first.step();
    assert_eq!(first.end, Some(End::No(NoReplay::Replaced)));
    assert_eq!(third.run(), End::Whole);
}

/// It was sent, and its first frame was never asked for: an answer came before, and another attempt is on its way.
#[test]
fn one_that_is_late_to_begin_takes_nothing_back() {
    let keeper = ReplayBody::new(abc());
    let mut first = Sender::new(keeper.again().expect("untouched"));
    let mut second = Sender::new(keeper.again().expect("untouched"));
    first.step();
    assert!(first.waits.is_some(), "it pauses");
    second.step();
    assert_eq!(first.run(), End::No(NoReplay::Replaced));
    assert_eq!(second.run(), End::Whole);
}

#[test]
fn one_that_waits_is_woken_when_it_is_replaced() {
    let keeper = ReplayBody::new(Caller::new([data("a"), Step::Pending, data("b")], false));
    let mut first = Sender::new(keeper.clone());
    first.step();
    first.step();
    assert!(first.waits.is_some());
    let before = first.alarm.0.load(SeqCst);
    let mut second = Sender::new(keeper);
    assert_eq!(first.alarm.0.load(SeqCst), before, "a clone alone takes nothing");
    second.step();
    assert!(first.alarm.0.load(SeqCst) > before);
}

#[test]
fn a_body_that_fails_in_the_middle_is_never_sent_again() {
    let mut first = Sender::new(ReplayBody::new(Caller::new([data("a"), Step::Fails], false)));
    let mut early = Sender::new(first.body.clone());
    early.step();
    let keeper = first.body.clone();
    assert_eq!(first.run(), End::Own);
    assert!(!keeper.can_replay());
    assert!(keeper.again().is_none());
    assert!(!first.body.is_end_stream() && !keeper.is_end_stream(), "broken off is not ended");
    assert_eq!(Sender::new(keeper).run(), End::No(NoReplay::Broken));
    assert_eq!(early.run(), End::No(NoReplay::Broken));
    first.end = None;
    assert_eq!(first.run(), End::No(NoReplay::Broken), "asked on, it does not end");
}

#[test]
fn a_body_that_panics_is_broken() {
    struct Panics;
    impl Body for Panics {
        type Data = Bytes;
        type Error = io::Error;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            std::panic::resume_unwind(Box::new("in the body"))
        }
    }
    let mut body = ReplayBody::new(Panics);
    let keeper = body.clone();
    let mut cx = Context::from_waker(Waker::noop());
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = Pin::new(&mut body).poll_frame(&mut cx);
    }));
    assert!(polled.is_err());
    assert!(keeper.again().is_none());
    let Poll::Ready(Some(Err(error))) = Pin::new(&mut body).poll_frame(&mut cx) else {
        panic!("it is broken")
    };
    assert_eq!(error.downcast_ref(), Some(&NoReplay::Broken));
}

#[test]
fn over_the_cap_the_attempt_that_runs_goes_on_and_a_clone_cannot_take_it_over() {
    let steps = [data("abcd"), data("efgh"), data("i"), data("j")];
    let mut first = Sender::new(ReplayBody::with_cap(Caller::new(steps, false), 8));
    let clone = first.body.clone();
    let mut begun = Sender::new(first.body.again().expect("untouched"));
    for _ in 0..3 {
        begun.step();
    }
    assert!(!clone.can_replay());
    assert_eq!(Sender::new(clone).run(), End::No(NoReplay::NotKept));
    assert_eq!(first.run(), End::No(NoReplay::NotKept));
    assert_eq!(begun.run(), End::Whole);
    assert_eq!(begun.sent, b"abcdefghij");
}

/// A connection was refused: nothing of the body was asked for.
#[test]
fn an_untouched_body_can_be_sent_again_whatever_its_size() {
    let first = ReplayBody::with_cap(Full::<Bytes>::from("larger than that"), 4);
    let keeper = first.clone();
    drop(first);
    assert!(keeper.can_replay());
    assert!(keeper.again().is_some());
}

/// The caller has its answer, and the upload goes on.
#[test]
fn nothing_is_kept_once_nobody_will_ask_for_it() {
    let mut first = Sender::new(ReplayBody::new(abc()));
    first.step();
    let mut second = Sender::new(first.body.clone());
    first.body.let_go();
    assert!(first.body.can_replay(), "as long as nothing more has come");
    assert_eq!(second.run(), End::Whole, "it sends what is kept, and the rest");
    assert_eq!((&second.sent[..], second.trailers), (&b"abc"[..], 1));
    assert!(!second.body.can_replay());
    assert_eq!(first.run(), End::No(NoReplay::NotKept));
}

#[test]
fn size_and_end_are_told_over_a_replay_as_over_the_body() {
    let steps = || Caller::new([data("ab"), data("c")], true);
    let mut first = ReplayBody::new(steps());
    let mut second = first.clone();
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!((first.size_hint().exact(), second.size_hint().exact()), (Some(3), Some(3)));
    assert!(Pin::new(&mut first).poll_frame(&mut cx).is_ready());
    assert_eq!((first.size_hint().exact(), second.size_hint().exact()), (Some(1), Some(3)));
    for left in [1, 0] {
        assert!(!second.is_end_stream());
        assert!(Pin::new(&mut second).poll_frame(&mut cx).is_ready());
        assert_eq!(second.size_hint().exact(), Some(left));
    }
    assert!(second.is_end_stream());
    assert!(first.clone().size_hint().exact() == Some(3) && !first.clone().is_end_stream());
}

#[test]
fn an_empty_body_is_at_its_end_for_every_clone() {
    let body = ReplayBody::new(Empty::<Bytes>::new());
    for body in [body.clone(), body.again().expect("nothing to keep"), body] {
        assert!(body.is_end_stream() && body.can_replay());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}

#[tokio::test]
async fn a_body_in_another_task_is_streamed_and_not_collected_first() {
    let (sender, frames) = tokio::sync::mpsc::channel(1);
    let frame = |text: &'static str| Ok::<_, io::Error>(Frame::data(Bytes::from_static(text.as_bytes())));
    let mut body = ReplayBody::new(StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(frames)));
    let kept = body.clone();
    sender.send(frame("one")).await.expect("it listens");
    assert_eq!(body.frame().await.expect("a frame").expect("data").into_data().expect("data"), "one");
    let task = tokio::spawn(async move {
        let rest = body.collect().await.map(Collected::to_bytes);
        rest.map_err(|error| *error.downcast_ref::<NoReplay>().expect("ours"))
    });
    tokio::task::yield_now().await;
    let mut again = kept.again().expect("three bytes were sent");
    assert_eq!(again.frame().await.expect("a frame").expect("data").into_data().expect("data"), "one");
    assert_eq!(task.await.expect("no panic"), Err(NoReplay::Replaced), "woken, or this hangs");
    sender.send(frame("two")).await.expect("it listens");
    drop(sender);
    assert_eq!(again.collect().await.expect("all of it").to_bytes(), "two");
}

/// What reaches a server is cut, not ended: one that trusted a part for the whole would act on it.
#[test]
fn it_fits_where_bodies_have_to_be_sent_shared_and_moved() {
    fn fits<T: Send + Sync + Unpin + 'static>() {}
    fits::<ReplayBody<Caller>>();
    // tonic's own bodies are `Send` and not `Sync`.
    fits::<ReplayBody<tonic::body::Body>>();
    let _ = reqwest::Body::wrap(ReplayBody::new(axum::body::Body::empty()));
    let _ = tonic::body::Body::new(ReplayBody::new(Full::<Bytes>::default()));
}
