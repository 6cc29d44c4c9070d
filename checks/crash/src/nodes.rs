//! The processes of a run: started, killed, stopped, and started again where they were.

use crate::node::Orders;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// One server process.
#[derive(Debug)]
pub struct Node {
    program: &'static str,
    orders: Orders,
    child: Child,
}

impl Node {
    /// Starts one; it listens when this returns.
    #[must_use]
    pub fn start(program: &'static str, mut orders: Orders) -> Self {
        let (child, port) = run(program, &orders);
        orders.port = port;
        Self { program, orders, child }
    }

    /// Where it listens, also after it has been started again.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.orders.port
    }

    /// As the power goes.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Starts it again where it was, with nothing more that ends it by itself.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.orders.ends_at = None;
        self.child = run(self.program, &self.orders).0;
    }

    /// It stands still, and knows nothing of it: `STOP`, and `CONT` to go on.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits; on a thread that may.
#[expect(clippy::disallowed_methods, reason = "processes are waited for, on no clock of ours")]
pub fn pause(time: Duration) {
    std::thread::sleep(time); // real: processes
}

fn run(program: &str, orders: &Orders) -> (Child, u16) {
    // A port that was just let go of may be taken for a moment.
    for _ in 0..50 {
        let mut child = Command::new(program)
            .args(orders.args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("text");
        if let Ok(port) = line.trim().parse() {
            return (child, port);
        }
        let _ = child.wait();
        pause(Duration::from_millis(50));
    }
    panic!("a node does not start");
}
