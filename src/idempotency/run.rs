//! An operation that is ours to run: keeps its lease alive, and writes down its end.

use super::{Effects, Ending, Hold, Idem, KeyStore, Lost, crew::Place, keeper::Keeper, within::Within};
use crate::{clock, telemetry::IdempotencyOutcome};
use pin_project_lite::pin_project;
use std::{
    borrow::Borrow,
    fmt,
    future::pending,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
    thread,
    time::Duration,
};
use tokio::{task::futures::TaskLocalFuture, time};

/// An operation that was won. Dropped without an [`end`](Self::end), it is left to its lease; dropped while that is being written down,
/// it is written down in the background.
pub struct Run<S: KeyStore> {
    keeper: Keeper<S>,
    idem: Idem,
    place: Option<Place>,
    release_on_drop: bool,
    /// What is being written down.
    ending: Option<Ending>,
}

/// What has become of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// It is written down.
    Kept,
    /// Another attempt owns the operation; what this one came to counts no more.
    Fenced,
    /// It could not be written down in time. Tries go on in the background until the lease is over.
    Unstored,
}

impl<S: KeyStore> Run<S> {
    pub(super) const fn new(keeper: Keeper<S>, idem: Idem, place: Place) -> Self {
        Self { keeper, idem, place: Some(place), release_on_drop: false, ending: None }
    }

    /// What the handler holds of it.
    #[must_use]
    pub const fn idem(&self) -> &Idem {
        &self.idem
    }

    /// What running it again would do.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.keeper.declared_effects()
    }

    /// How long it may take: see [`Keeper::time_to_run`].
    #[must_use]
    pub fn time_to_run(&self) -> Duration {
        self.keeper.time_to_run()
    }

    /// How long its answer will be kept.
    #[must_use]
    pub fn time_to_live(&self) -> Duration {
        self.keeper.time_to_live()
    }

    /// From now on: dropped without an end, the key is released. For handlers that have no effects, and may be stopped.
    pub const fn release_on_drop(&mut self) {
        self.release_on_drop = true;
    }

    /// Runs the work and keeps the lease alive meanwhile, renewing it at a third. The work sees [`Idem::current`]; where
    /// another attempt has taken over, it is told by [`Idem::lost`].
    ///
    /// # Errors
    /// What the work has panicked with.
    pub fn drive<T>(&mut self, work: impl Future<Output = T>) -> impl Future<Output = thread::Result<T>> {
        Driving::new(self, work)
    }

    /// The same, with the run in the future of its work.
    #[cfg(feature = "http")]
    pub(crate) fn driving<W: Future>(self, work: W) -> Driving<Self, S, W> {
        Driving::new(self, work)
    }

    /// Writes down how it has ended. Where the store is in trouble it is tried again, for as long as an answer may be held
    /// back; after that, in the background.
    pub async fn end(mut self, ending: Ending) -> Ended {
        self.write_end(ending).await
    }

    /// The same for whoever drops it then anyway, and keeps no other copy.
    pub(crate) async fn write_end(&mut self, ending: Ending) -> Ended {
        self.tell(&ending);
        self.release_on_drop = false;
        self.ending = Some(ending.clone());
        let mut within = Within::new(self.keeper.settings.finish_within);
        let written = self.keeper.write_end(self.idem.held(), &ending, &mut within).await;
        self.ending = None;
        let keeper = &self.keeper;
        let late = match written {
            Ok(()) => return Ended::Kept,
            Err(Lost::Fenced) => {
                keeper.tell(IdempotencyOutcome::Fenced);
                return Ended::Fenced;
            }
            // Lost by the store: there is nothing to write it to.
            Err(Lost::Gone) => None,
            Err(Lost::Store(_)) => self.place.take(),
        };
        keeper.tell(IdempotencyOutcome::Unstored);
        if let Some(place) = late {
            tokio::spawn(keep_on(keeper.clone(), self.idem.hold(), ending, place));
        }
        Ended::Unstored
    }

    fn tell(&self, ending: &Ending) {
        self.keeper.tell(match ending {
            Ending::Done(_) => IdempotencyOutcome::Stored,
            Ending::Released => IdempotencyOutcome::Released,
            Ending::Unknown => IdempotencyOutcome::Parked,
        });
    }

    /// Tells the listeners of something about its answer.
    #[cfg(feature = "http")]
    pub(crate) fn note(&self, outcome: IdempotencyOutcome) {
        self.keeper.tell(outcome);
    }

    /// It was ended by a transaction of the handler: there is nothing left to write.
    pub fn ended_elsewhere(mut self) {
        self.was_ended_elsewhere();
    }

    pub(crate) fn was_ended_elsewhere(&mut self) {
        self.keeper.tell(IdempotencyOutcome::Stored);
        self.release_on_drop = false;
    }
}

pin_project! {
    /// The work, and beside it, once it waits, what renews the lease for as long as it takes. `R` is the run, or points at it.
    pub(crate) struct Driving<R, S, W> {
        #[pin]
        work: TaskLocalFuture<Idem, W>,
        run: Option<R>,
        renewing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        store: PhantomData<fn() -> S>,
    }
}

impl<R: Borrow<Run<S>>, S: KeyStore, W: Future> Driving<R, S, W> {
    fn new(run: R, work: W) -> Self {
        let work = run.borrow().idem.clone().around(work);
        Self { work, run: Some(run), renewing: None, store: PhantomData }
    }

    /// The run, to be ended.
    #[cfg(feature = "http")]
    pub(crate) fn give_back(self: Pin<&mut Self>) -> Option<R> {
        self.project().run.take()
    }
}

impl<R: Borrow<Run<S>>, S: KeyStore, W: Future> Future for Driving<R, S, W> {
    type Output = thread::Result<W::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match catch_unwind(AssertUnwindSafe(|| this.work.poll(cx))) {
            Ok(Poll::Ready(done)) => return Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Err(panic)),
        }
        if let (None, Some(run)) = (&this.renewing, &this.run) {
            let run = run.borrow();
            *this.renewing = Some(Box::pin(renew_forever(run.keeper.clone(), run.idem.clone())));
        }
        if let Some(renewing) = this.renewing {
            // It has no end.
            let _ = renewing.as_mut().poll(cx);
        }
        Poll::Pending
    }
}

async fn renew_forever<S: KeyStore>(keeper: Keeper<S>, idem: Idem) {
    let lease = keeper.settings.lease.max(clock::GRAIN);
    let mut next = lease / 3;
    loop {
        time::sleep(next.max(clock::GRAIN)).await;
        // One that is never answered must not be the last: there is time for others before the lease is over.
        let mut within = Within::new((lease / 6).max(clock::GRAIN));
        match within.make(pin!(keeper.settings.shared.store.renew(idem.hold(), lease))).await {
            Ok(Ok(())) => next = lease / 3,
            // It may be back before the lease is over.
            Ok(Err(Lost::Store(_))) | Err(_) => next = (lease / 12).min(Duration::from_secs(1)),
            Ok(Err(Lost::Fenced | Lost::Gone)) => {
                keeper.tell(IdempotencyOutcome::Fenced);
                idem.lose();
                pending::<()>().await;
            }
        }
    }
}

impl<S: KeyStore> Keeper<S> {
    /// Writes an end, again after trouble, as long as there is time.
    pub(super) async fn write_end(
        &self,
        hold: &Hold,
        ending: &Ending,
        within: &mut Within,
    ) -> Result<(), Lost> {
        let ttl = match ending {
            Ending::Unknown => self.settings.parked_ttl,
            Ending::Done(_) | Ending::Released => self.settings.ttl,
        };
        within.insist(|| self.settings.shared.store.finish(*hold, ending.clone(), ttl)).await
    }
}

/// The answer is out, and the record does not know it yet: keeps it ours for one more lease, and goes on trying.
async fn keep_on<S: KeyStore>(keeper: Keeper<S>, hold: Hold, ending: Ending, place: Place) {
    let lease = keeper.settings.lease;
    let mut within = Within::new(lease);
    // If it cannot be renewed either, the tries go on as long as it would have been.
    let _ = within.make(pin!(keeper.settings.shared.store.renew(hold, lease))).await;
    let _ = keeper.write_end(&hold, &ending, &mut within).await;
    drop(place);
}

impl<S: KeyStore> Drop for Run<S> {
    fn drop(&mut self) {
        let ending = self.ending.take();
        if ending.is_none() && !self.release_on_drop {
            return;
        }
        let (Some(place), Ok(runtime)) = (self.place.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (keeper, hold) = (self.keeper.clone(), self.idem.hold());
        let ending = ending.unwrap_or_else(|| {
            self.tell(&Ending::Released);
            Ending::Released
        });
        runtime.spawn(async move {
            let mut within = Within::new(keeper.settings.lease);
            let _ = keeper.write_end(&hold, &ending, &mut within).await;
            drop(place);
        });
    }
}

impl<S: KeyStore> fmt::Debug for Run<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("idem", &self.idem).finish_non_exhaustive()
    }
}
