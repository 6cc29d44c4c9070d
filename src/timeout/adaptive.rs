//! A limit learnt from the calls before: a quantile of what the good ones took, times a factor, within bounds.

use super::{Limit, TimeoutLayer, Watch};
use crate::{
    clock::{self, Instant},
    outcome::{By, Class, Classify, ErrorsFail, Outcome, Verdict, judge},
    rejected::Rejectable,
    window::{Quantile, Ratio},
};
use std::{fmt, sync::Arc, time::Duration};

/// A limit that follows how long the calls take. See [`TimeoutLayer::adaptive`].
#[derive(Clone)]
pub struct Adaptive<C = ErrorsFail> {
    learnt: Arc<Quantile>,
    factor: f64,
    min: Duration,
    max: Duration,
    classify: C,
}

const SHARE: Ratio = Ratio::percent(99);
const FACTOR: f64 = 2.0;
const MIN: Duration = Duration::from_millis(10);

impl TimeoutLayer<Adaptive> {
    /// Each call may take a multiple of what good calls have taken lately, and `max` at most.
    ///
    /// Where nothing else is said: twice the time in which 99 of the last hundred good calls have answered, and no less than
    /// 10 ms; `max` until there have been 100.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::timeout::TimeoutLayer;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # let takes = |time| tower::service_fn(move |()| async move { tokio::time::sleep(time).await; Ok::<_, std::io::Error>(()) });
    /// let layer = TimeoutLayer::adaptive(Duration::from_secs(3));
    /// let client = buttress::over(layer.clone(), takes(Duration::from_millis(50)));
    /// assert_eq!(layer.limit(), Duration::from_secs(3));
    /// for _ in 0..100 {
    ///     client.clone().oneshot(()).await.unwrap();
    /// }
    /// let limit = layer.limit();
    /// assert!(limit >= Duration::from_millis(100) && limit < Duration::from_millis(107), "{limit:?}");
    /// # }
    /// ```
    ///
    /// # What it learns from
    ///
    /// From calls that were good: an error that comes at once says nothing about how long the work takes. A call that this
    /// limit has cut counts as one that takes `max`, since nobody knows how long it would have taken. So once more than one
    /// in a hundred is cut, the limit is `max`, until they are forgotten: a service that has turned slow for good is given
    /// the time it needs, and a limit that was wrong does not stay. `max` is the promise, and what is below it is a saving.
    ///
    /// Durations run from the first `Pending`, as the limit does; a call that is ready at once took none.
    #[must_use]
    pub fn adaptive(max: Duration) -> Self {
        let learnt = Arc::new(Quantile::new(SHARE));
        Self::by(Adaptive {
            learnt,
            factor: FACTOR,
            min: MIN,
            max: max.max(clock::GRAIN),
            classify: ErrorsFail,
        })
    }
}

impl<C> TimeoutLayer<Adaptive<C>> {
    /// Learns by this quantile: another share, over more or fewer calls.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use buttress::timeout::TimeoutLayer;
    /// use buttress::window::{Quantile, Ratio};
    ///
    /// let layer = TimeoutLayer::adaptive(Duration::from_secs(3))
    ///     .quantile(Quantile::new(Ratio::new(0.999)).over(10_000).least(1000))
    ///     .factor(1.5)
    ///     .min(Duration::from_millis(50));
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn quantile(self, quantile: Quantile) -> Self {
        self.map(|limit| Adaptive { learnt: Arc::new(quantile), ..limit })
    }

    /// Times this. Less than 1, and NaN, is 1: a limit below what it learns from would cut its way down.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        self.map(|limit| Adaptive { factor: factor.max(1.0), ..limit })
    }

    /// And no less than this. More than the longest is the longest; zero is a millisecond, the grain of the timer.
    #[must_use]
    pub fn min(self, time: Duration) -> Self {
        self.map(|limit| Adaptive { min: time.max(clock::GRAIN), ..limit })
    }

    /// Reads by `classify` which calls were good: `http::ByStatus` and `grpc::ByStatus` are two. A verdict that comes only
    /// with the end of a body counts as good: it is the head that the limit is on.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> TimeoutLayer<Adaptive<D>> {
        self.map(|limit| {
            let Adaptive { learnt, factor, min, max, .. } = limit;
            Adaptive { learnt, factor, min, max, classify }
        })
    }

    /// Reads by a function which calls were good.
    #[must_use]
    pub fn classify_by<Res, E, F>(self, classify: F) -> TimeoutLayer<Adaptive<By<F>>>
    where
        F: Fn(Result<&Res, &E>) -> Outcome,
        By<F>: Classify<Res, E>,
    {
        self.classify(By(classify))
    }

    /// What a call may take that begins to wait now.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.settings().limit.now()
    }
}

impl<C> Adaptive<C> {
    fn now(&self) -> Duration {
        let Some(time) = self.learnt.get() else { return self.max };
        let nanos = time.as_nanos() as f64 * self.factor;
        // A cast that is too large saturates.
        Duration::from_nanos(nanos as u64).max(self.min).min(self.max)
    }
}

impl<Req, C: Clone> Limit<Req> for Adaptive<C> {
    type Watch = Learning<C>;

    /// Looked up only for calls that wait.
    #[inline]
    fn limit(&self, _: &Req) -> Duration {
        self.max
    }

    #[inline]
    fn watch(&self) -> Learning<C> {
        Learning { of: self.clone(), since: None }
    }
}

/// What an [`Adaptive`] limit sends along with each call.
#[derive(Clone)]
pub struct Learning<C> {
    of: Adaptive<C>,
    /// `None` before it has been pending.
    since: Option<Instant>,
}

impl<T, E, C> Watch<T, E> for Learning<C>
where
    E: Rejectable,
    C: Classify<T, E>,
{
    const TIMED: bool = true;

    fn pends(&mut self, now: Instant, _: Duration) -> Duration {
        self.since = Some(now);
        self.of.now()
    }

    #[inline]
    fn answered(&mut self, result: Result<&T, &E>) {
        let good = match judge(&self.of.classify, result) {
            Verdict::Now(outcome) => outcome.class() == Class::Ok,
            Verdict::AtEnd(_) => result.is_ok(),
        };
        if good {
            let took = self.since.map_or(Duration::ZERO, |since| clock::since(clock::now(), since));
            self.of.learnt.record(took);
        }
    }

    fn cut(&mut self) {
        self.of.learnt.record(self.of.max);
    }
}

impl<C> fmt::Debug for Adaptive<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adaptive")
            .field("learnt", &self.learnt)
            .field("factor", &self.factor)
            .field("min", &self.min)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Learning<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Learning").field("of", &self.of).field("since", &self.since).finish()
    }
}
