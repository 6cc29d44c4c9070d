//! Turns that have yet to be told: each once, in the order in which they were made.
//!
//! A turn is made under the slot's lock and told without it, since whoever listens may take its time, or ask the circuit
//! something. So two threads could tell two turns the wrong way round, and a gauge would stand on the former state until
//! the next turn. Here turns stand in a row; who finds nobody telling tells them all.

use super::State;
use crate::{
    rejected::Name,
    telemetry::{Event, Observed, Why},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A turn that was made.
#[derive(Debug)]
pub(super) struct News {
    pub(super) name: Name,
    pub(super) observed: Observed,
    pub(super) to: State,
    pub(super) why: Why,
}

/// The turns of one slot that have yet to be told. As long as the turns that are made while one is told.
#[derive(Debug, Default)]
pub(super) struct Row(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    row: VecDeque<News>,
    telling: bool,
}

impl Row {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only under the slot's lock, so that the row has the order of the turns.
    pub(super) fn add(&self, news: News) {
        self.lock().row.push_back(news);
    }

    /// Tells what stands in the row, unless somebody does: then they tell it. An observer that turns the circuit itself is
    /// told of that once it has returned.
    pub(super) fn tell(&self) {
        while let Some(News { name, observed, to, why }) = self.next() {
            // Observers that panic are silenced in there, so this comes back.
            observed.emit(|| Event::turned(name.as_str(), to, why));
            self.lock().telling = false;
        }
    }

    fn next(&self) -> Option<News> {
        let mut inside = self.lock();
        if inside.telling {
            return None;
        }
        let next = inside.row.pop_front();
        inside.telling = next.is_some();
        next
    }
}
