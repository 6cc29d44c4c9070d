//! An operation that is ours to run: keeps its lease alive, and writes down its end.

use super::{
    Effects, Ending, Hold, Idem, KeyStore, Lost, StoreError, Trouble, ask::PAUSE, crew::Place,
    keeper::Keeper, within::Within,
};
use crate::{clock, telemetry::IdempotencyOutcome};
use pin_project_lite::pin_project;
use std::{
    fmt,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
    thread,
    time::Duration,
};
use tokio::time;

/// An operation that was won. Dropped without an [`end`](Self::end), it is left to its lease.
pub struct Run<S: KeyStore> {
    keeper: Keeper<S>,
    idem: Idem,
    place: Option<Place>,
    release_on_drop: bool,
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
        Self { keeper, idem, place: Some(place), release_on_drop: false }
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
        let renew = || Box::pin(self.renew_forever());
        Driving { work: self.idem.clone().scope(work), renew, renewing: None }
    }

    async fn renew_forever(&self) {
        let lease = self.keeper.settings.lease.max(clock::GRAIN);
        let mut next = lease / 3;
        loop {
            time::sleep(next.max(clock::GRAIN)).await;
            match self.keeper.shared.store.renew(self.idem.hold(), lease).await {
                Ok(()) => next = lease / 3,
                // It may be back before the lease is over.
                Err(Lost::Store(_)) => next = (lease / 12).min(Duration::from_secs(1)),
                Err(Lost::Fenced | Lost::Gone) => {
                    self.keeper.tell(IdempotencyOutcome::Fenced);
                    self.idem.lose();
                    pending::<()>().await;
                }
            }
        }
    }

    /// Writes down how it has ended. Where the store is in trouble it is tried again, for as long as an answer may be held
    /// back; after that, in the background.
    pub async fn end(mut self, ending: Ending) -> Ended {
        self.tell(&ending);
        self.release_on_drop = false;
        let hold = self.idem.hold();
        let within = Within::new(self.keeper.settings.finish_within);
        let written = self.keeper.write_end(hold, &ending, within).await;
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
            tokio::spawn(keep_on(self.keeper.clone(), hold, ending, place));
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

    /// It was ended by a transaction of the handler: there is nothing left to write.
    pub fn ended_elsewhere(mut self) {
        self.keeper.tell(IdempotencyOutcome::Stored);
        self.release_on_drop = false;
    }
}

pin_project! {
    /// The work, and beside it, once it waits, what renews the lease for as long as it takes.
    struct Driving<W, F, R> {
        #[pin]
        work: W,
        renew: F,
        renewing: Option<Pin<Box<R>>>,
    }
}

impl<W, F, R> Future for Driving<W, F, R>
where
    W: Future,
    F: Fn() -> Pin<Box<R>>,
    R: Future<Output = ()>,
{
    type Output = thread::Result<W::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match catch_unwind(AssertUnwindSafe(|| this.work.poll(cx))) {
            Ok(Poll::Ready(done)) => return Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Err(panic)),
        }
        // It has no end.
        let _ = this.renewing.get_or_insert_with(this.renew).as_mut().poll(cx);
        Poll::Pending
    }
}

impl<S: KeyStore> Keeper<S> {
    /// Writes an end, again after trouble, as long as there is time.
    pub(super) async fn write_end(
        &self,
        hold: Hold,
        ending: &Ending,
        mut within: Within,
    ) -> Result<(), Lost> {
        let ttl = match ending {
            Ending::Unknown => self.settings.parked_ttl,
            Ending::Done(_) | Ending::Released => self.settings.ttl,
        };
        loop {
            let step = pin!(self.shared.store.finish(hold, ending.clone(), ttl));
            let error = match within.make(step).await {
                Ok(Err(Lost::Store(error))) => error,
                Ok(ended) => return ended,
                Err(late) => StoreError::new(Trouble::Unavailable, late),
            };
            if within.make(pin!(time::sleep(PAUSE))).await.is_err() || within.is_over() {
                return Err(Lost::Store(error));
            }
        }
    }
}

/// The answer is out, and the record does not know it yet: keeps it ours for one more lease, and goes on trying.
async fn keep_on<S: KeyStore>(keeper: Keeper<S>, hold: Hold, ending: Ending, place: Place) {
    let lease = keeper.settings.lease;
    let mut within = Within::new(lease);
    // If it cannot be renewed either, the tries go on as long as it would have been.
    let _ = within.make(pin!(keeper.shared.store.renew(hold, lease))).await;
    let _ = keeper.write_end(hold, &ending, within).await;
    drop(place);
}

impl<S: KeyStore> Drop for Run<S> {
    fn drop(&mut self) {
        if !self.release_on_drop {
            return;
        }
        let (Some(place), Ok(runtime)) = (self.place.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (keeper, hold) = (self.keeper.clone(), self.idem.hold());
        self.tell(&Ending::Released);
        runtime.spawn(async move {
            let within = Within::new(keeper.settings.lease);
            let _ = keeper.write_end(hold, &Ending::Released, within).await;
            drop(place);
        });
    }
}

impl<S: KeyStore> fmt::Debug for Run<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("idem", &self.idem).finish_non_exhaustive()
    }
}
