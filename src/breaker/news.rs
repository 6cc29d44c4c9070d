//! Turns that have yet to be told: each once, in the order in which they were made.
//!
//! A turn is made under the slot's lock and told without it, since whoever listens may take its time, or ask the circuit
//! something. So two threads could tell two turns the wrong way round, and a gauge would stand on the former state until
//! the next turn. Here turns stand in a row; who finds nobody telling tells them all.

use super::{
    State,
    owner::Owner,
    slot::{Held, Slot},
};
use crate::telemetry::{Event, Observed, Why};
use std::{collections::VecDeque, sync::Arc};

/// A turn that was made. It holds the owner of that moment, so that a slot changes hands only once all is told.
#[derive(Debug)]
pub(super) struct News {
    pub(super) owner: Arc<Owner>,
    /// Who listened then.
    pub(super) observed: Observed,
    pub(super) to: State,
    pub(super) why: Why,
}

/// The turns of one slot that have yet to be told, behind its lock. As long as the turns that are made while one is told.
#[derive(Debug, Default)]
pub(super) struct Row {
    row: VecDeque<News>,
    telling: bool,
}

impl Row {
    pub(super) fn add(&mut self, news: News) {
        self.row.push_back(news);
    }

    /// Whether all is told, and nobody is at it.
    pub(super) fn is_empty(&self) -> bool {
        self.row.is_empty() && !self.telling
    }

    fn next(&mut self) -> Option<News> {
        if self.telling {
            return None;
        }
        let next = self.row.pop_front();
        self.telling = next.is_some();
        next
    }
}

impl Slot {
    /// Tells what stands in the row, unless somebody does: then they tell it. An observer that turns the circuit itself is
    /// told of that once it has returned.
    pub(super) fn tell(&self) {
        while let Some(News { owner, observed, to, why }) = self.next_news() {
            // Observers that panic are silenced in there, so this comes back.
            observed.emit(|| Event::turned(owner.name.as_str(), to, why));
            if let Some(more) = self.cold().as_mut().and_then(Held::rare) {
                more.news.telling = false;
            }
        }
    }

    fn next_news(&self) -> Option<News> {
        let mut cold = self.cold()?;
        let next = cold.rare()?.news.next();
        if next.is_none() {
            cold.tidy();
        }
        next
    }
}
