//! The thread that writes: takes all that waits, makes it one transaction, and answers after the commit.

use super::{
    clock::Clock,
    rows::{Rows, trouble},
};
use crate::idempotency::{Moment, StoreError, Trouble};
use rusqlite::{Connection, TransactionBehavior};
use std::{collections::VecDeque, error::Error, io, thread};
use tokio::sync::{mpsc, oneshot};

/// So many may wait for the writer; who comes then waits for a place.
const WAITING: usize = 1024;
/// So many are written in one transaction.
const TOGETHER: usize = 256;

/// Something to be done in the next transaction.
pub(super) trait Step: Send {
    /// Whether nobody waits for it any more. Before it is begun, that is as good as never asked.
    fn is_given_up(&self) -> bool;

    /// Does it, at the time that it was asked or that the file has seen, whichever is later. May be called again, in another transaction, when the one it was done in has failed. False: the transaction
    /// cannot be committed with it.
    fn run(&mut self, rows: &Rows<'_>, seen: &mut Moment) -> bool;

    /// The transaction has been committed, by which time the file has seen this one; or not.
    fn end(self: Box<Self>, committed: Result<Moment, StoreError>);
}

/// A step that is a function, and somebody who waits for what comes of it.
pub(super) struct Asked<T, F> {
    run: F,
    /// When it was asked, which the file may know to be later.
    now: Moment,
    outcome: Option<T>,
    answer: oneshot::Sender<(T, Moment)>,
}

/// What comes of a step: it knows how to be a store's trouble.
pub(super) trait Comes: Send {
    /// Whether SQLite has failed at it, so that nothing of the transaction can be trusted.
    fn has_failed(&self) -> bool;
    fn from_trouble(error: StoreError) -> Self;
}

impl<T, F> Step for Asked<T, F>
where
    T: Comes,
    F: FnMut(&Rows<'_>, Moment) -> T + Send,
{
    fn is_given_up(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, rows: &Rows<'_>, seen: &mut Moment) -> bool {
        *seen = self.now.max(*seen);
        let outcome = (self.run)(rows, *seen);
        let good = !outcome.has_failed();
        self.outcome = Some(outcome);
        good
    }

    fn end(self: Box<Self>, committed: Result<Moment, StoreError>) {
        let seen = *committed.as_ref().unwrap_or(&self.now);
        let outcome = match (committed, self.outcome) {
            (Ok(_), Some(outcome)) => outcome,
            // A step's own failure says more than that of its transaction.
            (Err(_), Some(outcome)) if outcome.has_failed() => outcome,
            (Err(error), _) => T::from_trouble(error),
            (Ok(_), None) => T::from_trouble(Trouble::Unavailable.into()),
        };
        // Nobody may be there to hear it.
        let _ = self.answer.send((outcome, seen));
    }
}

/// The way to the thread. It ends when the last clone is gone and what waited is done.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    clock: Clock,
    steps: mpsc::Sender<Box<dyn Step>>,
}

impl Writer {
    pub(super) fn start(db: Connection) -> io::Result<Self> {
        let (steps, waiting) = mpsc::channel(WAITING);
        thread::Builder::new().name("buttress-sqlite".into()).spawn(move || work(db, waiting))?;
        Ok(Self { clock: Clock::new(), steps })
    }

    /// The time of the file, as far as it was seen from here.
    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Has something done, and waits for what comes of it.
    pub(super) async fn ask<T, F>(&self, run: F) -> T
    where
        T: Comes + 'static,
        F: FnMut(&Rows<'_>, Moment) -> T + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let sent =
            self.steps.send(Box::new(Asked { run, now: self.clock.now(), outcome: None, answer })).await;
        match (sent, outcome.await) {
            (Ok(()), Ok((outcome, seen))) => {
                self.clock.follow(seen);
                outcome
            }
            // The thread has died, which only a panic in SQLite's bindings could bring about.
            _ => T::from_trouble(Trouble::Unavailable.into()),
        }
    }
}

fn work(mut db: Connection, mut waiting: mpsc::Receiver<Box<dyn Step>>) {
    let mut batch = VecDeque::with_capacity(TOGETHER);
    while let Some(first) = waiting.blocking_recv() {
        batch.push_back(first);
        while batch.len() < TOGETHER
            && let Ok(next) = waiting.try_recv()
        {
            batch.push_back(next);
        }
        batch.retain(|step| !step.is_given_up());
        together(&mut db, &mut batch);
    }
}

/// Why a transaction came to nothing.
enum Failed {
    /// It could not begin: somebody else writes, or the file cannot be read. Nothing would be better for who tries alone.
    Whole(StoreError),
    /// One of its steps has spoiled it.
    Spoiled(StoreError),
}

/// All in one transaction; where one of them spoils it, each in its own.
fn together(db: &mut Connection, batch: &mut VecDeque<Box<dyn Step>>) {
    if batch.is_empty() {
        return;
    }
    let alone = batch.len() == 1;
    match transact(db, batch.make_contiguous()) {
        Ok(seen) => batch.drain(..).for_each(|step| step.end(Ok(seen))),
        Err(Failed::Spoiled(_)) if !alone => {
            while let Some(mut step) = batch.pop_front() {
                let ended = transact(db, std::slice::from_mut(&mut step));
                step.end(ended.map_err(|(Failed::Whole(error) | Failed::Spoiled(error))| error));
            }
        }
        // Waited once for all of them: a file that is busy keeps nobody in a row of waits.
        Err(Failed::Whole(error) | Failed::Spoiled(error)) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            for step in batch.drain(..) {
                step.end(Err(StoreError::new(error.trouble(), why.clone())));
            }
        }
    }
}

/// The time that the file has seen by then.
fn transact(db: &mut Connection, steps: &mut [Box<dyn Step>]) -> Result<Moment, Failed> {
    let whole = |error| Failed::Whole(trouble(error));
    let spoiled = |error| Failed::Spoiled(trouble(error));
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(whole)?;
    let rows = Rows(&tx);
    let mut now = rows.clock().map_err(whole)?;
    let before = tx.total_changes();
    for step in steps {
        if !step.run(&rows, &mut now) {
            // Rolls back by being dropped.
            return Err(Failed::Spoiled(Trouble::Unavailable.into()));
        }
    }
    // A batch that has only looked costs no sync.
    if tx.total_changes() != before {
        rows.set_clock(now).map_err(spoiled)?;
    }
    tx.commit().map_err(spoiled)?;
    Ok(now)
}
