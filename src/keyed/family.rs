//! What the handles of one kind by key have in common: how each gets its name, how it is made, and who hears that there is
//! no place for more.

use super::{Found, Registry};
use crate::{
    rejected::Name,
    telemetry::{Event, Observed},
};
use std::{borrow::Borrow, fmt, hash::Hash, sync::Arc};

/// A kind of handle: how one is made of a name and of what all of them share.
///
/// It is cloned into every change of a [`Family`]: what is meant for all handles over one registry stands behind an `Arc`,
/// what is meant for one handle of the family alone does not.
pub(crate) trait Kind: Clone {
    type Handle: Clone;

    /// Runs under a lock: it tells no listener.
    fn make(&self, name: Name) -> Self::Handle;

    /// Whether it may make room for a newcomer.
    fn may_leave(handle: &Self::Handle) -> bool;

    fn name(handle: &Self::Handle) -> Name;

    /// Who hears that newcomers share one.
    fn observed(&self) -> Observed;

    /// What its listeners shall know of one that was just made: the lock is free by now.
    fn tell(handle: &Self::Handle) {
        let _ = handle;
    }
}

/// The handles of one kind by key. Clones are the same handles.
pub(crate) struct Family<K, T: Kind> {
    shared: Arc<Shared<K, T>>,
}

struct Shared<K, T: Kind> {
    registry: Arc<Registry<K, T::Handle>>,
    kind: T,
    name_of: Naming<K>,
    overflow: Name,
}

type Naming<K> = Arc<dyn Fn(&K) -> Name + Send + Sync>;

const OVERFLOW: Name = Name::fixed("overflow");

impl<K, T: Kind> Family<K, T> {
    /// For at most `bound` keys, as [`Registry::new`] takes it.
    pub(crate) fn named_by<N: Into<Name>>(
        bound: usize,
        kind: T,
        name_of: impl Fn(&K) -> N + Send + Sync + 'static,
    ) -> Self {
        let registry = Arc::new(Registry::new(bound, T::may_leave));
        let name_of: Naming<K> = Arc::new(move |key| name_of(key).into());
        Self { shared: Arc::new(Shared { registry, kind, name_of, overflow: OVERFLOW }) }
    }

    /// With another name for what newcomers share.
    pub(crate) fn overflow_name(self, name: Name) -> Self {
        self.with(|shared| shared.overflow = name)
    }

    /// With a kind that is changed for this handle, and not for those that it was cloned of.
    pub(crate) fn change(self, change: impl FnOnce(&mut T)) -> Self {
        self.with(|shared| change(&mut shared.kind))
    }

    fn with(self, change: impl FnOnce(&mut Shared<K, T>)) -> Self {
        let Shared { registry, kind, name_of, overflow } = &*self.shared;
        let mut shared = Shared {
            registry: Arc::clone(registry),
            kind: kind.clone(),
            name_of: Arc::clone(name_of),
            overflow: overflow.clone(),
        };
        change(&mut shared);
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn kind(&self) -> &T {
        &self.shared.kind
    }

    #[inline]
    pub(crate) fn registry(&self) -> &Registry<K, T::Handle> {
        &self.shared.registry
    }

    /// The same for all handles over one registry, and for no other while this one lives.
    #[cfg(feature = "http")]
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.shared.registry).addr()
    }

    fn make(&self, key: Option<&K>) -> T::Handle {
        let Shared { kind, name_of, overflow, .. } = &*self.shared;
        kind.make(key.map_or_else(|| overflow.clone(), |key| name_of(key)))
    }
}

impl<K: Hash + Eq, T: Kind> Family<K, T> {
    /// The handle of a key, made if it has not been; or the one that newcomers share.
    pub(crate) fn get<Q>(&self, key: &Q) -> T::Handle
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let Shared { registry, kind, .. } = &*self.shared;
        match registry.get_or_make(key, |key| self.make(key)) {
            Found::Known(handle) => handle,
            Found::Made(handle) => {
                T::tell(&handle);
                handle
            }
            Found::Overflow { value: handle, first } => {
                T::tell(&handle);
                if first {
                    let name = T::name(&handle);
                    kind.observed().emit(|| Event::overflow(name.as_str(), registry.bound()));
                }
                handle
            }
        }
    }

    /// The one that those share who find no place.
    pub(crate) fn overflow(&self) -> T::Handle {
        let handle = self.shared.registry.overflow(|| self.make(None));
        T::tell(&handle);
        handle
    }
}

impl<K, T: Kind> Clone for Family<K, T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K, T: Kind> fmt::Debug for Family<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.registry.fmt(f)
    }
}
