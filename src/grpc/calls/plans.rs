//! What a service config comes to: for each of its methods the layers that do it, made once.

use super::{ByCodes, Messages};
use crate::{
    backoff::{Backoff, Jitter},
    budget::Budget,
    grpc::{HedgingPolicy, MethodConfig, Plan, RetryPolicy},
    hedge::HedgeLayer,
    retry::{Policy, RetryLayer},
    telemetry::{Event, Observer},
    timeout::TotalLayer,
    window::Ratio,
};
use std::{sync::Arc, time::Duration};

/// What is done with the calls of a method.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) total: TotalLayer,
    pub(super) how: How,
}

#[derive(Debug)]
pub(super) enum How {
    Once,
    Retry(RetryLayer<ByCodes, Messages>),
    Hedge(HedgeLayer<Messages, ByCodes>),
}

/// What all methods have in common.
pub(super) struct Common<'a> {
    pub(super) budget: &'a Budget,
    pub(super) most: usize,
    pub(super) name: &'static str,
    pub(super) ears: Option<&'a Ears>,
}

/// Who listens to all of the layers that are made here.
#[derive(Clone)]
pub(super) struct Ears(pub(super) Arc<dyn Observer>);

impl Observer for Ears {
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
}

impl Common<'_> {
    pub(super) fn make(&self, method: &MethodConfig) -> Made {
        let how = match method.plan() {
            Plan::Once => How::Once,
            Plan::Retry(policy) => How::Retry(self.retry(policy)),
            Plan::Hedge(policy) => {
                let messages = Messages::new(policy.codes(), self.most);
                How::Hedge(self.hedge(policy, messages))
            }
        };
        let limit = method.timeout().unwrap_or(Duration::MAX);
        let total = TotalLayer::new(limit).name(self.name);
        Made { total: self.heard(total, TotalLayer::observe), how }
    }

    fn retry(&self, policy: &RetryPolicy) -> RetryLayer<ByCodes, Messages> {
        let backoff = Backoff::exponential(policy.initial_backoff())
            .factor(policy.multiplier())
            .cap(policy.max_backoff())
            .jitter(Jitter::Proportional(Ratio::percent(20)));
        let policy = Policy::new()
            .attempts(policy.max_attempts())
            .backoff(backoff)
            .classify(ByCodes::retry(policy.codes()))
            .replay(Messages::new(policy.codes(), self.most))
            .budget(self.budget)
            .name(self.name);
        RetryLayer::new(self.heard(policy, Policy::observe))
    }

    fn hedge(&self, policy: &HedgingPolicy, messages: Messages) -> HedgeLayer<Messages, ByCodes> {
        let hedge = HedgeLayer::after(policy.delay())
            .max(policy.max_attempts() - 1)
            .replay(messages)
            .classify(ByCodes::hedge(policy.codes()))
            .budget(self.budget)
            .name(self.name);
        self.heard(hedge, HedgeLayer::observe)
    }

    fn heard<T>(&self, made: T, observe: impl FnOnce(T, Ears) -> T) -> T {
        match self.ears {
            Some(ears) => observe(made, ears.clone()),
            None => made,
        }
    }
}
