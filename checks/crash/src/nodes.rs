//! The processes of a run: started, killed, stopped, and started again where they were.

use crate::orders::Orders;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::task::spawn_blocking;

/// One server process.
#[derive(Debug)]
pub struct Node {
    program: &'static str,
    orders: Orders,
    child: Child,
}

impl Node {
    /// Starts one; it listens when this returns.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start(program: &'static str, mut orders: Orders) -> Self {
        let start = move || {
            let (child, port) = run(program, &orders);
            orders.port = port;
            Self { program, orders, child }
        };
        // On a thread that may wait: the node may in turn wait for a connection that this runtime has to drive.
        spawn_blocking(start).await.expect("no panic")
    }

    /// Where it listens, also after it has been started again.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.orders.port
    }

    /// As the power goes.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }

    /// Whether it ends by itself within that time. Waits for it, on a thread that may.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        const LOOK: Duration = Duration::from_millis(10);
        let looks = time.as_millis() / LOOK.as_millis();
        (0..looks).any(|_| {
            pause(LOOK);
            self.child.try_wait().expect("it is ours").is_some()
        })
    }

    /// Starts it again where it was, with nothing more that ends it by itself.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.orders.faults.ends = None;
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

/// Whether there is a program of that name.
#[must_use]
pub fn is_there(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok()
}

fn run(program: &str, orders: &Orders) -> (Child, u16) {
    // A port that was just let go of may be taken for a moment; and a store may be starting itself.
    for _ in 0..100 {
        let mut command = match orders.clock {
            None => Command::new(program),
            Some(off) => {
                let mut command = Command::new("faketime");
                // What counts time stays as it is: clocks are set, and do not run faster.
                command.args(["--exclude-monotonic", "-f", off, program]);
                command
            }
        };
        let mut child = command
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
