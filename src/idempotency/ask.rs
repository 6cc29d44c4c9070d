//! Asking for an operation: claims, waits where that was asked for, and leaves nothing claimed that nobody runs.

use super::{
    Attempt, Claim, Ending, Fingerprint, Hold, Idem, KeyStore, Nonce, RecordId, Run, StoreError, Stored,
    Trouble,
    crew::{Place, Seat},
    keeper::Keeper,
    line::Stand,
    within::{PAUSE, Within},
};
use crate::{
    clock::{self, Instant},
    deadline::Deadline,
    telemetry::IdempotencyOutcome,
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time;

/// What comes of asking for an operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Asked<S: KeyStore> {
    /// It is yours to run.
    Run(Run<S>),
    /// It was done, and this was the answer.
    Replay(Stored),
    /// Somebody runs it, and has this much of a lease left.
    Busy(Duration),
    /// Nobody knows whether it was done.
    Unknown,
    /// The key belongs to another request.
    Mismatch,
    /// So many run here that no other may begin.
    Full,
    /// The store could not say.
    Down(StoreError),
}

impl<S: KeyStore> Keeper<S> {
    /// Asks for the operation `id`, and waits for somebody else's attempt where [`wait`](Self::wait) says so. A record that has
    /// a fingerprint by another rule, from before or after an upgrade, is not compared, and an event says so.
    ///
    /// Dropped, it leaves nothing claimed.
    pub async fn ask(&self, id: RecordId, fingerprint: Fingerprint) -> Asked<S> {
        let mut patience = self.patience(&id);
        loop {
            match self.ask_for(&id, &fingerprint).await {
                Asked::Busy(remaining) if !patience.lasts().await => return Asked::Busy(remaining),
                Asked::Busy(_) => {}
                told => return told,
            }
        }
    }

    /// The same without waiting.
    pub async fn ask_now(&self, id: RecordId, fingerprint: Fingerprint) -> Asked<S> {
        self.ask_for(&id, &fingerprint).await
    }

    /// The same for whoever keeps both anyway.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and this is a part of what is boxed for every request"
    )]
    pub(crate) fn ask_for<'a>(
        &'a self,
        id: &'a RecordId,
        mut fingerprint: &'a Fingerprint,
    ) -> impl Future<Output = Asked<S>> + use<'a, S> {
        async move {
            let told = loop {
                match self.try_claim(id, fingerprint).await {
                    Ok(Tried::Told(Claim::OtherRule(_))) if fingerprint.rule() != Fingerprint::ANY.rule() => {
                        self.tell(IdempotencyOutcome::NotCompared);
                        fingerprint = &Fingerprint::ANY;
                    }
                    told => break told,
                }
            };
            match told {
                Err(error) => Asked::Down(error),
                Ok(Tried::Run(run)) => Asked::Run(run),
                Ok(Tried::Full) => Asked::Full,
                Ok(Tried::Told(claim)) => match claim {
                    Claim::Done(stored) => Asked::Replay(stored),
                    Claim::Unknown => Asked::Unknown,
                    Claim::Mismatch => Asked::Mismatch,
                    Claim::Busy { remaining } => Asked::Busy(remaining),
                    // A claim that was won is a `Run`; and what any fingerprint is compared with is not told apart.
                    Claim::Mine { .. } | Claim::OtherRule(_) => Asked::Down(Trouble::Unreadable.into()),
                },
            }
        }
    }

    /// To wait with for the end of somebody else's attempt, all in all as long as [`wait`](Self::wait) says.
    pub(crate) const fn patience<'a>(&'a self, id: &'a RecordId) -> Patience<'a, S> {
        Patience { keeper: self, id, until: None, stand: None }
    }

    fn try_claim<'a>(
        &'a self,
        id: &'a RecordId,
        fingerprint: &'a Fingerprint,
    ) -> impl Future<Output = Result<Tried<S>, StoreError>> + use<'a, S> {
        let seat = self.settings.shared.crew.enter();
        let mut asking = Asking { keeper: self, id, fingerprint, nonce: Nonce::fresh(), seat };
        async move {
            if asking.seat.is_none() {
                return Ok(Tried::Full);
            }
            let told = asking.told().await;
            asking.came_to(told)
        }
    }
}

/// One place in the line for the whole wait.
pub(crate) struct Patience<'a, S: KeyStore> {
    keeper: &'a Keeper<S>,
    id: &'a RecordId,
    /// From the first time that there is something to wait for.
    until: Option<Instant>,
    stand: Option<Stand>,
}

impl<S: KeyStore> Patience<'_, S> {
    /// Waits for a change; `false` where there is no time, or no place in the line, to wait any longer.
    pub(crate) async fn lasts(&mut self) -> bool {
        let Some(max) = self.keeper.settings.wait else { return false };
        let until = *self.until.get_or_insert_with(|| {
            let until = clock::after(clock::now(), max);
            // Nobody is there any more to be told what comes of it later.
            Deadline::current().map_or(until, |deadline| deadline.instant().min(until))
        });
        if self.stand.is_none() {
            self.stand = self.keeper.settings.shared.line.join(*self.id);
        }
        self.stand.is_some()
            && time::timeout_at(until, self.keeper.settings.shared.store.changed(*self.id)).await.is_ok()
            && clock::now() < until
    }
}

enum Tried<S: KeyStore> {
    Run(Run<S>),
    Told(Claim),
    Full,
}

/// A claim that is being made. Dropped before it was told how it stands, it finds that out in the background and gives back
/// what it won: a claim whose answer was lost would else stand until its lease is over, and be parked as though something had
/// run.
///
/// It points at what its caller keeps: its future is boxed with every request.
struct Asking<'a, S: KeyStore> {
    keeper: &'a Keeper<S>,
    id: &'a RecordId,
    fingerprint: &'a Fingerprint,
    nonce: Nonce,
    seat: Option<Seat<'a>>,
}

impl<S: KeyStore> Asking<'_, S> {
    /// The same claim again after trouble, by the same nonce, for as long as a claim may take.
    async fn told(&self) -> Result<Claim, StoreError> {
        let store = &self.keeper.settings.shared.store;
        let mut within = Within::new(self.keeper.settings.claim_within);
        loop {
            // Gone before there is a pause: there is room for one of them at a time.
            let told = within.make(pin!(store.claim(*self.id, self.attempt()))).await;
            match told {
                Ok(Err(error)) if error.trouble() == Trouble::Unavailable => {
                    if !within.pause().await {
                        return Err(error);
                    }
                }
                Ok(told) => return told,
                Err(late) => return Err(StoreError::new(Trouble::Unavailable, late)),
            }
        }
    }

    /// What it has come to: a run that is won, or what was told.
    fn came_to(&mut self, told: Result<Claim, StoreError>) -> Result<Tried<S>, StoreError> {
        match told {
            Ok(Claim::Mine { token, recovery }) => {
                let Some(place) = self.seat.take().map(Seat::keep) else { return Ok(Tried::Full) };
                let settings = &self.keeper.settings;
                let hold = Hold { id: *self.id, token, nonce: self.nonce };
                let remember = Arc::clone(settings);
                let idem = Idem::new(hold, recovery.as_ref(), settings.secret.clone(), remember);
                Ok(Tried::Run(Run::new(self.keeper.clone(), idem, place)))
            }
            Ok(told) => {
                self.seat = None;
                Ok(Tried::Told(told))
            }
            Err(error) => {
                // Where it was refused nothing was done; where it was not heard, the drop sees to it.
                if error.trouble() != Trouble::Unavailable {
                    self.seat = None;
                }
                Err(error)
            }
        }
    }

    fn attempt(&self) -> Attempt {
        self.keeper.attempt(*self.fingerprint, self.nonce)
    }
}

impl<S: KeyStore> Drop for Asking<'_, S> {
    fn drop(&mut self) {
        let Some(seat) = self.seat.take() else { return };
        // Without a runtime nobody can find out; the lease will end.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(disown(self.keeper.clone(), *self.id, self.attempt(), seat.keep()));
        }
    }
}

/// Finds out whether the claim was won, and releases it. The place is held until then, so that there are never more of these
/// than may run.
async fn disown<S: KeyStore>(keeper: Keeper<S>, id: RecordId, attempt: Attempt, place: Place) {
    let mut within = Within::new(keeper.settings.lease);
    let ask = async {
        loop {
            match keeper.settings.shared.store.claim(id, attempt).await {
                Ok(Claim::Mine { token, .. }) => {
                    return Some(Hold { id, token, nonce: attempt.nonce });
                }
                Err(error) if error.trouble() == Trouble::Unavailable => time::sleep(PAUSE).await,
                Ok(_) | Err(_) => return None,
            }
        }
    };
    if let Ok(Some(hold)) = within.make(pin!(ask)).await {
        keeper.write_end(&hold, &Ending::Released, &mut within).await.ok();
    }
    drop(place);
}
