//! Servers that are killed at work, and what must be true all the same.
//!
//! A [`run`] is some server processes over one store, clients that send every operation several times until they know what has become
//! of it, and something that goes wrong: [`proxy`] loses answers, [`nodes`] are killed and stopped, [`used`] stores are slow or end
//! their process at a named [`point`], [`servers`] of records restart and are replaced, a [`pair`] of them fails over, a [`disk`] loses
//! what was not synced. The [`ledger`] is written by the effect itself and by nothing else. [`check`] compares what the clients were
//! told with what has happened. That it can find anything is shown by [`wrong`] servers, each of which breaks one rule.
//!
//! For Linux: it sends signals, mounts disks and answers for one by FUSE.

mod answers;
pub mod books;
pub mod check;
pub mod client;
pub mod disk;
pub mod ledger;
pub mod load;
pub mod node;
pub mod nodes;
pub mod orders;
pub mod pair;
pub mod place;
pub mod platter;
pub mod point;
pub mod postgres;
pub mod proxy;
pub mod run;
pub mod servers;
pub mod single;
pub mod used;
pub mod way;
pub mod wrong;

/// One operation of a run: whose, and which. Tenants use the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Op {
    /// Whose.
    pub tenant: u32,
    /// Which of theirs; the key is made of this alone.
    pub number: u32,
}
