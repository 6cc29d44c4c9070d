//! Nothing but a place for the bench: `cargo bench -p buttress-bench-stores`.
