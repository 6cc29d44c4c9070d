//! The handle: shared by clones, usable without tower.

use super::{Acquire, Queue, Slot, shared::Owner};
use crate::{
    deadline::Deadline,
    rejected::{Name, Reason, Rejected},
    telemetry::{Event, Observed, Observer},
};
use std::{fmt, sync::Arc};

/// Places for so many calls at once. Clones are the same places.
///
/// ```
/// use buttress::{bulkhead::Slots, rejected::Reason};
///
/// let slots = Slots::new("reports", 2);
/// let (one, two) = (slots.try_acquire().unwrap(), slots.try_acquire().unwrap());
/// let why = slots.try_acquire().unwrap_err();
/// assert_eq!((why.reason(), why.name(), why.reached()), (Reason::Full, "reports", false));
///
/// drop(one);
/// assert_eq!((slots.in_flight(), slots.limit()), (1, 2));
/// # drop(two);
/// ```
#[derive(Clone)]
pub struct Slots {
    owner: Arc<Owner>,
}

impl Slots {
    /// At most `limit` at once: 0 is taken as 1, and [`u32::MAX`] is no limit, though still counted. The name stands in
    /// rejections and events; `"bulkhead"` where it is empty.
    #[must_use]
    pub fn new(name: impl Into<Name>, limit: u32) -> Self {
        let name = Some(name.into()).filter(|name| !name.as_str().is_empty());
        let name = name.unwrap_or(Name::fixed("bulkhead"));
        Self { owner: Arc::new(Owner::new(name, limit.max(1))) }
    }

    /// Lets `observer` hear these slots, through whichever clone. Said more than once, the first stays; a tuple makes
    /// several into one.
    ///
    /// Who listens is told the count twice a call, and the calls pay for it: see the [module](super#what-is-counted).
    #[must_use]
    pub fn observe(self, observer: impl Observer) -> Self {
        self.owner.observe(Observed::by(observer));
        self
    }

    /// The same, by listeners who may be none.
    pub(super) fn observed(self, observed: &Observed) -> Self {
        if observed.has_own() {
            self.owner.observe(observed.clone());
        }
        self
    }

    /// A slot, if one is free and nobody waits for it.
    ///
    /// # Errors
    /// [`Reason::Full`], or [`Reason::DeadlinePassed`] where the [`Deadline`] of the task has passed. When there will be a
    /// free one nobody knows, so the rejection names no time to come again.
    #[inline]
    pub fn try_acquire(&self) -> Result<Slot, Rejected> {
        self.enter(Deadline::current())
    }

    #[inline]
    pub(super) fn enter(&self, deadline: Option<Deadline>) -> Result<Slot, Rejected> {
        self.owner.shared.enter(deadline).map_err(|reason| self.reject(reason))
    }

    /// A slot: at once where one is free, else after its turn in the queue, first come, first served.
    ///
    /// A free slot is taken here already; the place in the queue is taken at the first poll. Dropped, the future gives back
    /// the one or the other.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use buttress::bulkhead::{Queue, Slots};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let slots = Slots::new("reports", 1);
    /// let slot = slots.try_acquire().unwrap();
    /// let next = tokio::spawn(slots.acquire(Queue::new(10)));
    /// tokio::task::yield_now().await;
    /// assert_eq!(slots.waiting(), 1);
    ///
    /// drop(slot);
    /// let slot = next.await.unwrap().unwrap();
    /// assert_eq!((slots.waiting(), slots.in_flight()), (0, 1));
    /// # drop(slot);
    /// # }
    /// ```
    pub fn acquire(&self, queue: Queue) -> Acquire {
        self.join(queue, Deadline::current())
    }

    pub(super) fn join(&self, queue: Queue, deadline: Option<Deadline>) -> Acquire {
        match self.owner.shared.enter(deadline) {
            Ok(slot) => Acquire::taken(slot),
            Err(reason) => self.ask(reason, queue, deadline),
        }
    }

    /// How many hold a slot now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.owner.shared.compartment.word().taken()
    }

    /// How many wait for one now.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.owner.shared.compartment.word().waiting()
    }

    /// How many may hold a slot at once.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.owner.shared.compartment.limit()
    }

    /// Another limit from now on, 0 taken as 1. Where it has grown, the first who wait get the new slots at once; where it
    /// has shrunk, nobody is thrown out: as many have to end first.
    pub fn set_limit(&self, limit: u32) {
        self.owner.shared.set_limit(limit.max(1));
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.owner.name.clone()
    }

    /// The wait of a call that was not let in at once: for its turn, or only to be told why not.
    #[cold]
    pub(super) fn ask(&self, why: Reason, queue: Queue, deadline: Option<Deadline>) -> Acquire {
        match why {
            Reason::Full => Acquire::asking(self, queue, deadline),
            why => Acquire::refused(self.reject(why)),
        }
    }

    /// The rejection of a call, told to who listens.
    #[cold]
    pub(super) fn reject(&self, reason: Reason) -> Rejected {
        self.owner.emit(|name| Event::rejected(name, reason));
        Rejected::new(reason, self.owner.name.clone(), false)
    }

    #[inline]
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("name", &self.owner.name)
            .field("in_flight", &self.in_flight())
            .field("waiting", &self.waiting())
            .field("limit", &self.limit())
            .finish()
    }
}
