//! How much each tenant has, of those that have a quota.

use super::sync::{Mutex, MutexGuard, PoisonError};
use crate::idempotency::{Quota, Scope};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    records: u64,
    /// Of their answers.
    bytes: u64,
}

/// Locked behind a shard, never before one.
#[derive(Debug, Default)]
pub(super) struct Tenants(Mutex<HashMap<Scope, Usage>>);

impl Tenants {
    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, Usage>> {
        // No panic can come between two steps that belong together: there is only arithmetic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more record, if the quota has one.
    pub(super) fn enter(&self, scope: Scope, quota: Quota) -> bool {
        let mut tenants = self.lock();
        let usage = tenants.get(&scope).copied().unwrap_or_default();
        if usage.records >= quota.records || usage.bytes >= quota.bytes {
            return false;
        }
        tenants.insert(scope, Usage { records: usage.records + 1, ..usage });
        true
    }

    pub(super) fn leave(&self, scope: Scope, bytes: usize) {
        let mut tenants = self.lock();
        if let Some(usage) = tenants.get_mut(&scope) {
            usage.records = usage.records.saturating_sub(1);
            usage.bytes = usage.bytes.saturating_sub(bytes as u64);
            if usage.records == 0 {
                tenants.remove(&scope);
            }
        }
    }

    pub(super) fn resize(&self, scope: Scope, before: usize, after: usize) {
        if let Some(usage) = self.lock().get_mut(&scope) {
            usage.bytes = usage.bytes.saturating_add(after as u64).saturating_sub(before as u64);
        }
    }
}
