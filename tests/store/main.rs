//! Stores of records: what is true of every one of them, and what each promises beside.

mod memory;
