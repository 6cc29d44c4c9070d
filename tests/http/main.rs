//! What is particular to HTTP and gRPC: bodies that settle, bodies that are cut, deadlines by header, answers.

mod body_timeout;
mod breaker;
mod deadline;
mod frames;
mod replay;
mod respond;
mod retry;
mod send_deadline;
mod settle;
