//! The last answer that was good.

use super::{
    Bounds, FallbackLayer, Given, Source, Why,
    store::{Signed, Store},
};
use crate::{clock, telemetry::FallbackKind};
use std::{
    fmt,
    future::{Ready, ready},
    hash::Hash,
    sync::Arc,
};

/// The last good answer for the same key; what [`FallbackLayer::last_good`] makes.
pub struct LastGood<F, K, V> {
    key: F,
    store: Arc<Store<K, V>>,
    weigh: fn(&V) -> usize,
}

impl<F, K: Hash + Eq, V> FallbackLayer<LastGood<F, K, V>> {
    /// Answers with the last good answer for the same key, if it is not too old.
    ///
    /// `key` says which requests have the same answer. Put into it whatever the answer depends on, the caller too where
    /// answers are personal; `None` for a request whose answer is neither kept nor given, such as one that changes
    /// something. It runs for every call.
    ///
    /// Good is what the classifier calls `Ok`. It is cloned when it is kept, which is seldom: see
    /// [`Bounds::refresh`]. For HTTP there is [`http::last_good`](crate::http), which keeps bodies too.
    ///
    /// ```
    /// use std::time::Duration;
    /// use buttress::{fallback::{Bounds, FallbackLayer}, outcome::Class, testing::{Answer, Probe}};
    /// use tower::{Layer, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let bounds = Bounds::age(Duration::from_secs(60));
    /// let layer = FallbackLayer::last_good(bounds, |user: &u64| Some(*user)).on([Class::Failed]);
    /// let probe = Probe::new(); // echoes
    /// let handle = probe.handle();
    /// let svc = layer.layer(probe);
    /// assert_eq!(svc.clone().oneshot(7).await, Ok(7));
    ///
    /// handle.always(Answer::fail());
    /// assert_eq!(svc.clone().oneshot(7).await, Ok(7), "what was good for 7");
    /// assert!(svc.clone().oneshot(8).await.is_err(), "nothing is known for 8");
    /// tokio::time::advance(Duration::from_secs(61)).await;
    /// assert!(svc.oneshot(7).await.is_err(), "too old");
    /// # }
    /// ```
    #[must_use]
    pub fn last_good<Req>(bounds: Bounds, key: F) -> Self
    where
        F: Fn(&Req) -> Option<K>,
    {
        Self::source(LastGood { key, store: Arc::new(Store::new(bounds)), weigh: |_| size_of::<V>() })
    }
}

impl<F, K, V, C> FallbackLayer<LastGood<F, K, V>, C> {
    /// How many bytes an answer counts for; its own size without what it points to, where nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use buttress::fallback::{Bounds, FallbackLayer};
    /// let bounds = Bounds::age(Duration::from_secs(60)).each(1 << 20);
    /// let layer = FallbackLayer::last_good(bounds, |id: &u64| Some(*id)).weigh(|page: &String| page.len());
    /// # drop(layer);
    /// ```
    #[must_use]
    pub fn weigh(self, weigh: fn(&V) -> usize) -> Self {
        self.map(|source| LastGood { weigh, ..source })
    }
}

impl<F: Clone, K, V> Clone for LastGood<F, K, V> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), store: Arc::clone(&self.store), weigh: self.weigh }
    }
}

impl<Req, Res, E, F, K> Source<Req, Res, E> for LastGood<F, K, Res>
where
    F: Fn(&Req) -> Option<K>,
    K: Hash + Eq,
    Res: Clone,
{
    type Response = Res;
    type Kept = Kept<K>;
    type Future = Ready<Option<Given<Res>>>;
    const KIND: FallbackKind = FallbackKind::LastGood;
    const WAITS: bool = false;

    #[inline]
    fn keep(&self, request: &Req) -> Kept<K> {
        Kept((self.key)(request).map(|key| self.store.sign(key)))
    }

    #[inline]
    fn good(&self, Kept(key): Kept<K>, response: Res) -> Res {
        if let Some(key) = key {
            let now = clock::now();
            if self.store.claim(&key, now) {
                let size = (self.weigh)(&response);
                if size <= self.store.bounds().largest() {
                    self.store.put(key, response.clone(), size, now);
                }
            }
        }
        response
    }

    fn pass(response: Res) -> Res {
        response
    }

    fn answer(&self, Kept(key): Kept<K>, _: Result<&Res, &E>, _: &Why) -> Self::Future {
        let found = key.and_then(|key| self.store.get(&key, clock::now()));
        ready(found.map(|(answer, age)| Given::new(Res::clone(&answer)).aged(age)))
    }
}

/// The key of a request, if it has one.
#[derive(Debug)]
pub struct Kept<K>(pub(crate) Option<Signed<K>>);

impl<F, K: Hash + Eq, V> fmt::Debug for LastGood<F, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastGood").field("store", &self.store).finish_non_exhaustive()
    }
}
