//! What a record should do, as plainly as it can be said.

use crate::idempotency::State;

/// What there is to know of one key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Life {
    pub(super) what: bool,
    pub(super) token: u64,
    /// 0 once somebody from outside has settled it.
    pub(super) owner: u128,
    pub(super) state: State,
    pub(super) lease: u64,
    pub(super) lease_end: u64,
    pub(super) dies: u64,
    pub(super) park: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Mine(u64),
    Done,
    Busy(u64),
    Unknown,
    Mismatch,
    Ok,
    Fenced,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) life: Option<Life>,
    pub(super) now: u64,
}

impl Model {
    pub(super) fn alive(&self) -> Option<Life> {
        self.life
            .filter(|life| life.dies > self.now || life.state == State::Running && life.lease_end > self.now)
    }

    fn begin(&mut self, what: bool, nonce: u128, (lease, ttl, park): (u64, u64, bool)) -> Said {
        let token = self.life.map_or(0, |life| life.token) + 1;
        let lease_end = self.now + lease;
        let dies = lease_end + ttl;
        self.life =
            Some(Life { what, token, owner: nonce, state: State::Running, lease, lease_end, dies, park });
        Said::Mine(token)
    }

    pub(super) fn claim(&mut self, what: bool, nonce: u128, terms: (u64, u64, bool)) -> Said {
        let Some(mut life) = self.alive() else { return self.begin(what, nonce, terms) };
        if life.what != what {
            return Said::Mismatch;
        }
        match life.state {
            State::Done => Said::Done,
            State::Unknown => Said::Unknown,
            State::Running if life.owner == nonce => {
                self.extend(&mut life, terms.0);
                Said::Mine(life.token)
            }
            State::Running if self.now < life.lease_end => Said::Busy(life.lease_end - self.now),
            State::Running if life.park || terms.2 => {
                self.life = Some(Life { state: State::Unknown, ..life });
                Said::Unknown
            }
            State::Released | State::Running => self.begin(what, nonce, terms),
        }
    }

    fn extend(&mut self, life: &mut Life, lease: u64) {
        let end = life.lease_end.max(self.now + lease);
        life.dies += end - life.lease_end;
        life.lease_end = end;
        self.life = Some(*life);
    }

    fn owned(&self, token: u64, nonce: u128) -> Option<Life> {
        self.life.filter(|life| (life.token, life.owner) == (token, nonce))
    }

    pub(super) fn renew(&mut self, token: u64, nonce: u128, lease: u64) -> Said {
        match self.owned(token, nonce) {
            Some(mut life) if life.state == State::Running => {
                self.extend(&mut life, lease);
                Said::Ok
            }
            _ => Said::Fenced,
        }
    }

    pub(super) fn finish(&mut self, token: u64, nonce: u128, to: State, ttl: u64) -> Said {
        match self.owned(token, nonce) {
            Some(life) if life.state == to => Said::Ok,
            Some(life) if matches!(life.state, State::Running | State::Unknown) => {
                self.life = Some(Life { state: to, dies: self.now + ttl, ..life });
                Said::Ok
            }
            _ => Said::Fenced,
        }
    }

    pub(super) fn resolve(&mut self, token: u64, to: State, ttl: u64) -> Said {
        let Some(life) = self.life.filter(|life| life.token == token && to != State::Unknown) else {
            return Said::Fenced;
        };
        let left = life.state == State::Running && life.park && life.lease_end <= self.now;
        if self.alive().is_some() && (life.state == State::Unknown || left) {
            self.life = Some(Life { state: to, owner: 0, dies: self.now + ttl, ..life });
            Said::Ok
        } else if life.state == to && life.owner == 0 {
            Said::Ok
        } else {
            Said::Fenced
        }
    }

    pub(super) fn purge(&mut self) {
        if self.alive().is_none() {
            self.life = self.life.filter(|life| life.dies + life.lease > self.now);
        }
    }
}
