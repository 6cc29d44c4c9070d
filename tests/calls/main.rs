//! Calls that are made again, over real sockets: a server that counts what it received, faults in between that a seed repeats,
//! and clients of all kinds. What the server counted is what is asserted.

mod again;
mod faults;
mod never_sent;
mod server;
mod storm;
mod two;
mod upload;
