//! What is particular to gRPC: service configs, and calls that go by them.

mod config;
