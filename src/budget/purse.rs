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
    /// `None` where the rule knows nothing of this call: it has found a full bucket, which nothing can be put into, and has
    /// taken nothing out.
    account: Option<Account>,
}

/// What a rule that knows of a call has to be told, and what was told.
#[derive(Default)]
struct Account {
    /// What the last extra attempt has cost.
    paid: Option<u64>,
    /// How the last attempt that has answered ended, where that is minded.
    last: Option<Class>,
    /// Extra attempts that have not ended.
    running: u32,
    minds_answers: bool,
    minds_ends: bool,
    /// It knows of the call from whoever is outside.
    nested: bool,
    /// Whoever is inside of the attempt that was polled last has told how it ended.
    told: bool,
}

impl<B: AsRef<Budget>> Purse<B> {
    /// The first attempt of a call starts.
    #[inline]
    pub fn of(holder: B) -> Self {
        let budget = holder.as_ref();
        let account = if budget.books().is_full_bucket() { None } else { Some(open(budget)) };
        Self { holder, account }
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
        match &mut self.account {
            None => run(),
            Some(account) => account.inside(self.holder.as_ref(), run),
        }
    }

    /// What it was made of.
    #[inline]
    pub const fn holder(&self) -> &B {
        &self.holder
    }

    /// An attempt, the first or an extra one, has answered like this.
    #[inline]
    pub fn answered(&mut self, outcome: &Outcome) {
        if let Some(account) = &mut self.account
            && account.minds_answers
        {
            account.note(self.holder.as_ref(), outcome);
        }
    }

    /// Asks for one more attempt, and pays for it. Where the answer is no, nothing was paid, and the attempt must not be sent.
    #[must_use]
    pub fn take(&mut self, extra: Extra) -> bool {
        let budget = self.holder.as_ref();
        let last = self.account.as_ref().and_then(|account| account.last);
        let Some(cost) = budget.books().take(extra, last, budget.now()) else {
            budget.refused(extra);
            return false;
        };
        if cost > 0 {
            budget.changed();
        }
        let account = self.account.get_or_insert_default();
        account.paid = Some(cost);
        account.running = account.running.saturating_add(1);
        true
    }

    /// An extra attempt is over: it has answered, or was dropped.
    #[inline]
    pub fn ended(&mut self) {
        if let Some(account) = &mut self.account
            && account.running > 0
        {
            account.running -= 1;
            self.holder.as_ref().books().give_back();
        }
    }
}

/// The first attempt of a call, where there is anything to be done for it.
#[inline(never)]
fn open(budget: &Budget) -> Account {
    let books = budget.books();
    let (minds_answers, minds_ends) = (books.minds_answers(), books.counts_ends());
    let account = Account { minds_answers, minds_ends, ..Account::default() };
    if let Some(outer) = nested::outer(budget.id()) {
        return Account { nested: true, paid: outer.paid, ..account };
    }
    if books.open(budget.now()) {
        budget.changed();
    }
    account
}

impl Account {
    #[inline(never)]
    fn inside<T>(&mut self, budget: &Budget, run: impl FnOnce() -> T) -> T {
        let (answer, told) = nested::inside(budget.id(), self.paid, run);
        self.told = told;
        answer
    }

    #[inline(never)]
    fn note(&mut self, budget: &Budget, outcome: &Outcome) {
        self.last = Some(outcome.class());
        if mem::take(&mut self.told) {
            return;
        }
        if self.nested {
            nested::has_told(budget.id());
        }
        if budget.books().answered(outcome.class(), outcome.asks_not_to_retry(), self.paid) {
            budget.changed();
        }
    }
}

impl<B: AsRef<Budget>> Drop for Purse<B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(account) = &self.account
            && account.minds_ends
        {
            self.holder.as_ref().books().close(!account.nested, account.running);
        }
    }
}

impl<B: AsRef<Budget>> fmt::Debug for Purse<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purse")
            .field("budget", self.holder.as_ref())
            .field("paid", &self.account.as_ref().and_then(|account| account.paid))
            .field("running", &self.account.as_ref().map_or(0, |account| account.running))
            .finish_non_exhaustive()
    }
}
