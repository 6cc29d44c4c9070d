//! What all stores share, and the one in memory.

#[path = "../../../../src/store/plan.rs"]
mod plan;

#[path = "models.rs"]
mod memory;
