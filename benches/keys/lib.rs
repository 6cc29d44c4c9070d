//! Nothing but a place for the bench: `cargo bench`, in this folder.
