//! A step of a store: a connection is lent for it, and given back. The same whichever crate speaks to the server.

/// `KeyStore` for a type whose `link()` lends a [`Link`](super::link::Link).
macro_rules! key_store_over_links {
    ($store:ty) => {
        impl KeyStore for $store {
            async fn claim(&self, id: RecordId, attempt: Attempt) -> Result<Claim, StoreError> {
                steps::claim(&self.link().await?, &id, &attempt).await
            }

            async fn renew(&self, hold: Hold, lease: Duration) -> Result<(), Lost> {
                steps::renew(&self.link().await?, &hold, lease).await
            }

            async fn finish(&self, hold: Hold, ending: Ending, ttl: Duration) -> Result<(), Lost> {
                steps::finish(&self.link().await?, &hold, ending, ttl).await
            }

            async fn set_recovery(&self, hold: Hold, recovery: Recovery) -> Result<(), Lost> {
                steps::set_recovery(&self.link().await?, &hold, &recovery).await
            }

            async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
                steps::purge(&self.link().await?, limit).await
            }

            async fn parked(&self, after: Option<RecordId>, limit: usize) -> Result<Vec<Parked>, StoreError> {
                steps::parked(&self.link().await?, after, limit).await
            }

            async fn resolve(
                &self,
                id: RecordId,
                token: u64,
                resolution: Resolution,
                ttl: Duration,
            ) -> Result<(), Lost> {
                swap::resolve(&self.link().await?, &id, token, resolution, ttl).await
            }
        }
    };
}

pub(super) use key_store_over_links;
