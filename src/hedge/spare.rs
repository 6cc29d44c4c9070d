//! What a call keeps beside its first attempt: all that another one would need.

use super::{race::Race, shared::Shared};
use crate::{
    budget::{Extra, Purse},
    clock::{self, Instant},
    deadline::{Alarm, Deadline},
    outcome::{Class, Outcome},
    replay::{Payer, Replay},
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

pub(super) struct Spare<S, K, R, C> {
    /// The instance that made the first attempt. It is readied anew for each hedge, one at a time.
    pub(super) service: S,
    /// What copies of the request are made from.
    kept: K,
    pub(super) race: Race,
    purse: Purse<Payer<Shared<R, C>>>,
    deadline: Option<Deadline>,
    /// Attempts that were sent, or are about to be.
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

impl<S, K, R, C> Spare<S, K, R, C> {
    #[inline]
    pub(super) fn new(service: S, kept: K, payer: Payer<Shared<R, C>>) -> Self {
        let race = Race::new(payer.layer.max);
        let purse = Purse::of(payer);
        let deadline = Deadline::current();
        Self { service, kept, race, purse, deadline, sent: 1, since: None, delay: Delay::NotLookedUp }
    }

    #[inline]
    pub(super) fn shared(&self) -> &Arc<Shared<R, C>> {
        &self.purse.holder().layer
    }

    /// Makes an attempt.
    #[inline]
    pub(super) fn call<Req>(&mut self, request: Req) -> S::Future
    where
        S: Service<Req>,
    {
        self.purse.around(|| self.service.call(request))
    }

    /// Goes on with one.
    #[inline]
    pub(super) fn poll<F: Future>(&mut self, attempt: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.purse.around(|| attempt.poll(cx))
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

    /// If one is wanted, and there is time for it: makes its request, and asks for leave to send it. The budget pays last, so
    /// that it pays for nothing that is not sent.
    pub(super) fn ask<Req>(&mut self) -> Option<R::Sent>
    where
        R: Replay<Req, Kept = K>,
    {
        if !self.race.wants() || self.delay().is_none() {
            return None;
        }
        let in_time = self.deadline.is_none_or(|deadline| !deadline.passed(clock::now()));
        let request = in_time.then(|| self.again()).flatten().filter(|_| self.purse.take(Extra::Hedge));
        match request {
            Some(_) => {
                self.race.paid();
                self.sent += 1;
            }
            None => self.race.stop(),
        }
        request
    }

    fn again<Req>(&mut self) -> Option<R::Sent>
    where
        R: Replay<Req, Kept = K>,
    {
        self.purse.holder().layer.replay.again(&mut self.kept, self.sent + 1)
    }

    /// What was paid for cannot be sent.
    pub(super) fn cannot_start(&mut self) {
        self.purse.ended();
        self.race.failed_to_start();
    }
}
