//! What a call keeps beside its first attempt: all that another one would need.

use super::{
    race::Race,
    shared::{Held, Shared},
};
use crate::{
    budget::{Extra, Purse},
    clock::{self, Instant},
    deadline::{Alarm, Deadline},
    outcome::{Class, Outcome},
};
use std::{pin::Pin, time::Duration};

pub(super) struct Spare<S, K, A, C> {
    /// The instance that made the first attempt. It is readied anew for each hedge, one at a time.
    pub(super) service: S,
    /// What copies of the request are made from.
    pub(super) kept: K,
    pub(super) race: Race,
    purse: Purse<Held<A, C>>,
    deadline: Option<Deadline>,
    /// Attempts that were sent.
    sent: u32,
    /// When the first attempt was first pending.
    since: Option<Instant>,
    delay: Delay,
}

#[derive(Clone, Copy)]
enum Delay {
    NotLookedUp,
    Is(Duration),
}

impl<S, K, A, C> Spare<S, K, A, C> {
    #[inline]
    pub(super) fn new(service: S, kept: K, held: Held<A, C>) -> Self {
        let race = Race::new(held.0.max);
        let purse = Purse::of(held);
        let deadline = Deadline::current();
        Self { service, kept, race, purse, deadline, sent: 1, since: None, delay: Delay::NotLookedUp }
    }

    #[inline]
    pub(super) fn shared(&self) -> &Shared<A, C> {
        &self.purse.holder().0
    }

    pub(super) fn held(&self) -> Held<A, C> {
        self.purse.holder().clone()
    }

    /// The first attempt has ended. Whether it has won.
    #[inline]
    pub(super) fn first_ended(&mut self, outcome: &Outcome) -> bool {
        self.purse.answered(outcome);
        if outcome.class() == Class::Ok {
            self.learn();
        }
        self.race.ended(outcome)
    }

    /// A hedge has ended. Whether it has won.
    pub(super) fn hedge_ended(&mut self, outcome: &Outcome) -> bool {
        self.purse.answered(outcome);
        self.purse.ended();
        self.race.ended(outcome)
    }

    /// The first attempt took so long; or longer, where it has lost. Left out, the slow ones would be missing from what is
    /// learnt, and the delay would fall with every hedge that wins.
    #[inline]
    pub(super) fn learn(&self) {
        let took = || self.since.map_or(Duration::ZERO, |since| clock::since(clock::now(), since));
        self.shared().delay.learn(took);
    }

    /// The first attempt is pending: whether for the first time.
    pub(super) fn begins_to_wait(&mut self) -> Option<Instant> {
        if self.since.is_some() {
            return None;
        }
        self.since = Some(clock::now());
        self.since
    }

    /// How long between attempts: the same for the whole call. Where it is not known there is no hedge.
    fn delay(&mut self) -> Option<Duration> {
        if let Delay::Is(time) = self.delay {
            return Some(time);
        }
        match self.shared().delay.get() {
            Some(time) => self.delay = Delay::Is(time),
            None => self.race.stop(),
        }
        if let Delay::Is(time) = self.delay { Some(time) } else { None }
    }

    /// Sets the time for the next one, so long after this.
    pub(super) fn wait(&mut self, from: Instant, mut timer: Pin<&mut Option<Alarm>>) {
        timer.set(None);
        if !self.race.may_go_on() {
            return;
        }
        match self.delay() {
            Some(Duration::ZERO) => self.race.due(),
            Some(delay) => {
                let due = clock::after(from, delay);
                // Nobody would wait for its answer.
                if self.deadline.is_none_or(|deadline| !deadline.passed(due)) {
                    timer.set(Some(Alarm::at(due)));
                }
            }
            None => {}
        }
    }

    /// If one is wanted, asks for leave to start it.
    pub(super) fn ask(&mut self) {
        if !self.race.wants() || self.delay().is_none() {
            return;
        }
        if self.deadline.is_some_and(|deadline| deadline.passed(clock::now()))
            || !self.purse.take(Extra::Hedge)
        {
            self.race.stop();
        } else {
            self.race.paid();
        }
    }

    /// The number of the attempt that is sent now.
    pub(super) fn number(&mut self) -> u32 {
        self.sent += 1;
        self.sent
    }

    /// What was paid for cannot be sent.
    pub(super) fn cannot_start(&mut self) {
        self.purse.ended();
        self.race.failed_to_start();
    }
}
