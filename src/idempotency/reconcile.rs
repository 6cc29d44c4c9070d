//! What nobody knows, asked of somebody who may: the records that are parked, one by one.

use super::{Keeper, KeyStore, Lost, Parked, Resolution, StoreError};

/// So many are read at once.
const PAGE: usize = 100;

/// What has come of going through the parked records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciled {
    /// Settled, by what was found out.
    pub settled: u64,
    /// Still parked: it could not be found out.
    pub unknown: u64,
}

impl<S: KeyStore> Keeper<S> {
    /// Goes once through everything that is parked in the store, by whichever layer, and settles what `find_out` knows: by asking the service
    /// downstream for the child key of the call, say, or by looking into the books. `None` where that cannot be told; it stays parked
    /// then. What its owner or somebody else has settled meanwhile is left as that.
    ///
    /// ```
    /// use std::{future::ready, time::{Duration, SystemTime}};
    /// use buttress::{
    ///     idempotency::{Asked, Body, Effects, Ending, Fingerprint, Keeper, RecordId, Resolution, Scope, Stored},
    ///     key::Key,
    ///     store::memory::MemoryStore,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keeper = Keeper::new(MemoryStore::new(), Effects::Plain);
    /// let id = RecordId::new(Scope::unscoped("mails"), &Key::new("message 7")?);
    /// let send = Fingerprint::of(["welcome"]);
    /// let Asked::Run(run) = keeper.ask(id, send).await else { panic!("the first") };
    /// run.end(Ending::Unknown).await;
    ///
    /// // the mail server has it under that key
    /// let sent = Stored::encode(0, SystemTime::now(), [("", ""); 0], Body::Kept(b"sent"), [("", ""); 0]);
    /// let found_out = move |parked: buttress::idempotency::Parked| {
    ///     ready((parked.id == id).then(|| Resolution::Done(sent.clone())))
    /// };
    /// let reconciled = keeper.reconcile(found_out).await?;
    /// assert_eq!((reconciled.settled, reconciled.unknown), (1, 0));
    /// assert!(matches!(keeper.ask(id, send).await, Asked::Replay(_)));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The store could not be asked. What was settled before stays settled; go through them again.
    pub async fn reconcile<F>(&self, mut find_out: impl FnMut(Parked) -> F) -> Result<Reconciled, StoreError>
    where
        F: Future<Output = Option<Resolution>>,
    {
        let (mut reconciled, mut after) = (Reconciled::default(), None);
        loop {
            let page = self.store().parked(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(reconciled) };
            after = Some(last.id);
            for parked in page {
                let (id, token) = (parked.id, parked.token);
                let Some(resolution) = find_out(parked).await else {
                    reconciled.unknown += 1;
                    continue;
                };
                match self.store().resolve(id, token, resolution, self.time_to_live()).await {
                    Ok(()) => reconciled.settled += 1,
                    Err(Lost::Fenced | Lost::Gone) => {}
                    Err(Lost::Store(error)) => return Err(error),
                }
            }
        }
    }
}
