//! The handle: one budget for all who send something more than once to the same place.

use super::{Purse, Rule, books::Books};
use crate::{
    clock,
    rejected::Name,
    telemetry::{self, Event, Extra, Observed, Observer},
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// What extra attempts are paid from: retries, hedges. Clones are the same budget. See the [module](super).
///
/// Give one to every layer that sends again to the same service, or they pay each from a purse of their own.
///
/// ```
/// use buttress::budget::{Budget, Extra};
///
/// let budget = Budget::new().named("payments");
/// let mut call = budget.open();
/// let granted = (0..100).filter(|_| call.take(Extra::Retry)).count();
/// assert_eq!(granted, 10);
/// assert_eq!(budget.tokens(), Some(0.0));
/// ```
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    books: Books,
    name: OnceLock<Name>,
    observed: OnceLock<Observed>,
}

static NAME: Name = Name::fixed("budget");

impl Budget {
    /// A [`Bucket`](super::Bucket) of 10 tokens, a tenth of one for each first attempt.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Rule::default())
    }

    /// By that rule.
    ///
    /// ```
    /// use buttress::budget::{Budget, Quota};
    ///
    /// assert_eq!(Budget::of(Quota::new()).tokens(), Some(500.0));
    /// ```
    #[must_use]
    pub fn of(rule: impl Into<Rule>) -> Self {
        let books = Books::new(rule.into().0);
        Self { inner: Arc::new(Inner { books, name: OnceLock::new(), observed: OnceLock::new() }) }
    }

    /// That never says no: see [`Rule::unlimited`].
    #[must_use]
    pub fn unlimited() -> Self {
        Self::of(Rule::unlimited())
    }

    /// The name in events, through whichever clone; `"budget"` where nothing is said, or nothing but `""`. Said more than
    /// once, the first stays.
    #[must_use]
    pub fn named(self, name: impl Into<Name>) -> Self {
        let name = name.into();
        if !name.as_str().is_empty() {
            self.inner.name.get_or_init(|| name);
        }
        self
    }

    /// Lets `observer` hear this budget, through whichever clone. Said more than once, the first stays; a tuple makes
    /// several into one.
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.observed(&Observed::by(observer))
    }

    /// The same, by listeners who may be none.
    pub(crate) fn observed(self, observed: &Observed) -> Self {
        if observed.has_own() {
            self.inner.observed.get_or_init(|| observed.clone());
        }
        self
    }

    /// The first attempt of a call starts: what it returns is kept as long as the call goes on.
    #[inline]
    #[must_use]
    pub fn open(&self) -> Purse {
        Purse::of(self.clone())
    }

    /// How many extra attempts it would pay for now, at a token each; `None` where the rule does not count in tokens.
    #[must_use]
    pub fn tokens(&self) -> Option<f64> {
        self.inner.books.level(self.now()).map(|thousandths| thousandths as f64 / 1000.0)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Name {
        self.inner.name.get().unwrap_or(&NAME).clone()
    }

    /// The same for clones, and for no other while this one lives.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// Whether it is as good as a new one.
    pub(super) fn is_fresh(&self) -> bool {
        self.inner.books.is_fresh(self.now())
    }

    #[inline]
    pub(super) fn books(&self) -> &Books {
        &self.inner.books
    }

    /// The time, for those rules that ask for it.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        if self.inner.books.needs_clock() { clock::nanos(clock::now()) } else { 0 }
    }

    /// The level has changed.
    #[inline]
    pub(super) fn changed(&self) {
        if telemetry::is_installed() || self.inner.observed.get().is_some() {
            self.tell();
        }
    }

    /// Tells the level, until it is true: of two that tell at once, the one who speaks last may have looked first.
    #[cold]
    fn tell(&self) {
        while let Some(level) = self.inner.books.level(self.now()) {
            self.emit(|name| Event::budget(name, level));
            if self.inner.books.level(self.now()) == Some(level) {
                return;
            }
        }
    }

    #[cold]
    pub(super) fn refused(&self, extra: Extra) {
        self.emit(|name| Event::unpaid(name, extra));
    }

    fn emit<'a>(&'a self, event: impl FnOnce(&'a str) -> Event<'a>) {
        let nobody = const { &Observed::new() };
        self.inner
            .observed
            .get()
            .unwrap_or(nobody)
            .emit(|| event(self.inner.name.get().unwrap_or(&NAME).as_str()));
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// So that a [`Purse`] can be kept with a budget of its own.
impl AsRef<Self> for Budget {
    #[inline]
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", &self.name())
            .field("books", &self.inner.books)
            .finish_non_exhaustive()
    }
}
