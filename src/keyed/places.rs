//! Who has a place, and who has to leave it.

use super::entry::Entry;
use std::sync::Arc;

/// So many values are looked at for the one that leaves. Where there are no more than that, it is the longest idle of all;
/// else the longest idle of so many in turn.
pub(super) const LOOKS: usize = 1024;

/// While there is no place, each newcomer looks at no more than so many whether they may leave by now.
pub(super) const GLANCES: usize = 16;

/// The places of a registry, behind its lock.
pub(super) struct Places<K, V> {
    pub(super) taken: Vec<Arc<Entry<K, V>>>,
    /// Where the next look begins.
    hand: usize,
    /// The last newcomer found no place.
    pub(super) overflowing: bool,
    /// What those share who found none.
    pub(super) overflow: Option<V>,
}

/// What a newcomer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    /// The place of this one, which may leave.
    Of(usize),
    None,
}

impl<K, V> Places<K, V> {
    pub(super) const fn new() -> Self {
        Self { taken: Vec::new(), hand: 0, overflowing: false, overflow: None }
    }

    /// Looks for a place. Changes nothing but where the next look begins.
    pub(super) fn look(&mut self, bound: usize, may_leave: fn(&V) -> bool) -> Room {
        if self.taken.len() < bound {
            return Room::Free;
        }
        let glanced = if self.overflowing { self.idlest(GLANCES, may_leave) } else { None };
        if self.overflowing && glanced.is_none() {
            return Room::None;
        }
        self.idlest(LOOKS, may_leave).or(glanced).map_or(Room::None, Room::Of)
    }

    /// The longest idle of the next so many.
    fn idlest(&mut self, looks: usize, may_leave: fn(&V) -> bool) -> Option<usize> {
        let all = self.taken.len();
        let looks = looks.min(all);
        let start = self.hand;
        let turn = |at: usize| if at < all { at } else { at - all };
        self.hand = turn(start.min(all) + looks);
        (0..looks)
            .map(|ahead| turn(start.min(all) + ahead))
            .filter(|at| may_leave(&self.taken[*at].value))
            .min_by_key(|at| self.taken[*at].used())
    }
}
