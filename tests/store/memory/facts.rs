//! What is true of every store, over the one in memory.

use buttress::{
    store::memory::MemoryStore,
    testing::key_store::{Stage, facts},
};
use std::time::Duration;

async fn memory() -> Option<Stage<MemoryStore>> {
    Some(Stage::new(MemoryStore::new(), Duration::from_secs(1)))
}

buttress::key_store_facts!(memory, #[tokio::test(start_paused = true)]);

/// Tasks that really run at once: the clock runs too, so the unit is long enough that no lease ends by accident.
async fn threaded() -> Stage<MemoryStore> {
    Stage::new(MemoryStore::new(), Duration::from_secs(60))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_claims_wins_on_four_threads() {
    let stage = threaded().await;
    for _ in 0..40 {
        facts::one_of_many_claims_wins(&stage).await;
    }
}
