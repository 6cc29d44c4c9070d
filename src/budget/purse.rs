//! What one call keeps of its budget, from its first attempt to its end.

use super::{Budget, nested};
use crate::{
    outcome::{Class, Outcome},
    telemetry::Extra,
};
use std::{fmt, mem};

/// The account of one call: made when its first attempt starts, asked before each extra one, dropped with the call.
///
/// For the future of a layer that sends again. It holds whatever leads to the budget: a [`Budget`], or a handle that the future
/// needs anyway, so that no second reference is counted for a call.
///
/// ```
/// use std::sync::Arc;
/// use buttress::{budget::{Budget, Extra, Purse}, outcome::Outcome};
///
/// struct Policy { budget: Budget, attempts: u32 }
/// struct Held(Arc<Policy>);
/// impl AsRef<Budget> for Held {
///     fn as_ref(&self) -> &Budget { &self.0.budget }
/// }
///
/// let policy = Arc::new(Policy { budget: Budget::new(), attempts: 3 });
/// let mut purse = Purse::of(Held(Arc::clone(&policy))); // the first attempt starts
/// purse.answered(&Outcome::FAILED);                     // and fails
/// assert!(purse.holder().0.attempts > 1 && purse.take(Extra::Retry));
/// purse.answered(&Outcome::OK);                         // the second succeeds
/// purse.ended();
/// assert_eq!(policy.budget.tokens(), Some(9.0));
/// ```
///
/// Each rule takes from this what it needs, so a layer tells all of it, in this order: the answer of an attempt by
/// [`answered`](Self::answered), and by [`ended`](Self::ended) that it is over if it was an extra one; then it may
/// [`take`](Self::take) another. And it runs what it does for an attempt inside of [`around`](Self::around). Dropped, a purse
/// gives back what is given back by its rule: the places of attempts that run. Tokens that were paid stay paid.
pub struct Purse<B: AsRef<Budget> = Budget> {
    holder: B,
    /// What the last extra attempt has cost.
    paid: Option<u64>,
    /// How the last attempt that has answered ended, where that is minded.
    last: Option<Class>,
    /// Extra attempts that have not ended.
    running: u32,
    minds: Minds,
    /// Whoever is inside of the attempt that was polled last has told how it ended.
    told: bool,
}

/// What the rule has to be told. Known from the start, so that a call that goes well does not ask again.
#[derive(Clone, Copy, Debug, Default)]
struct Minds {
    answers: bool,
    ends: bool,
    /// The rule knows of the call: who is inside need not tell it. Where the call found a full bucket, which nothing can be
    /// put into, nobody has to be told of it, until the call takes something out.
    opened: bool,
    /// It knows of it from whoever is outside.
    nested: bool,
}

impl<B: AsRef<Budget>> Purse<B> {
    /// The first attempt of a call starts.
    #[inline]
    pub fn of(holder: B) -> Self {
        let budget = holder.as_ref();
        let (minds, paid) = if budget.books().is_full_bucket() { Default::default() } else { open(budget) };
        Self { holder, paid, last: None, running: 0, minds, told: false }
    }

    /// Makes the call of an attempt, or polls it. A layer inside that pays from the same budget, as a hedge inside a retry may,
    /// then knows that this is no first attempt of its own, and tells the budget nothing twice: a call puts in once what a call
    /// puts in.
    ///
    /// ```
    /// use buttress::budget::{Bucket, Budget, Extra};
    ///
    /// let budget = Budget::of(Bucket::new().capacity(2));
    /// let mut call = budget.open();
    /// assert!(call.take(Extra::Retry));
    /// call.around(|| drop(budget.open())); // a hedge inside of that retry
    /// assert_eq!(budget.tokens(), Some(1.0));
    /// drop(budget.open()); // another call
    /// assert_eq!(budget.tokens(), Some(1.1));
    /// ```
    #[inline]
    pub fn around<T>(&mut self, run: impl FnOnce() -> T) -> T {
        if self.minds.opened { self.inside(run) } else { run() }
    }

    #[inline(never)]
    fn inside<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let (answer, told) = nested::inside(self.holder.as_ref().id(), self.paid, run);
        self.told = told;
        answer
    }

    /// What it was made of.
    #[inline]
    pub const fn holder(&self) -> &B {
        &self.holder
    }

    /// An attempt, the first or an extra one, has answered like this.
    #[inline]
    pub fn answered(&mut self, outcome: &Outcome) {
        if self.minds.answers {
            self.note(outcome);
        }
    }

    #[inline(never)]
    fn note(&mut self, outcome: &Outcome) {
        self.last = Some(outcome.class());
        if mem::take(&mut self.told) {
            return;
        }
        let budget = self.holder.as_ref();
        if self.minds.nested {
            nested::has_told(budget.id());
        }
        if budget.books().answered(outcome.class(), outcome.asks_not_to_retry(), self.paid) {
            budget.changed();
        }
    }

    /// Asks for one more attempt, and pays for it. Where the answer is no, nothing was paid, and the attempt must not be sent.
    #[must_use]
    pub fn take(&mut self, extra: Extra) -> bool {
        let budget = self.holder.as_ref();
        let Some(cost) = budget.books().take(extra, self.last, budget.now()) else {
            budget.refused(extra);
            return false;
        };
        if cost > 0 {
            budget.changed();
        }
        self.paid = Some(cost);
        self.minds.opened = true;
        self.running = self.running.saturating_add(1);
        true
    }

    /// An extra attempt is over: it has answered, or was dropped.
    #[inline]
    pub fn ended(&mut self) {
        if self.running > 0 {
            self.running -= 1;
            self.holder.as_ref().books().give_back();
        }
    }
}

/// The first attempt of a call, where there is anything to be done for it.
#[inline(never)]
fn open(budget: &Budget) -> (Minds, Option<u64>) {
    let books = budget.books();
    let (answers, ends) = (books.minds_answers(), books.counts_ends());
    match nested::outer(budget.id()) {
        Some(outer) => (Minds { answers, ends, opened: true, nested: true }, outer.paid),
        None => {
            if books.open(budget.now()) {
                budget.changed();
            }
            (Minds { answers, ends, opened: true, nested: false }, None)
        }
    }
}

impl<B: AsRef<Budget>> Drop for Purse<B> {
    #[inline]
    fn drop(&mut self) {
        if self.minds.ends {
            self.holder.as_ref().books().close(!self.minds.nested, self.running);
        }
    }
}

impl<B: AsRef<Budget>> fmt::Debug for Purse<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purse")
            .field("budget", self.holder.as_ref())
            .field("paid", &self.paid)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
