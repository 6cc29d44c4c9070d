//! Servers of records that belong to one run and end with it: the process of any of them, and a Redis that may be killed and replaced.

use crate::nodes::is_there;
use redis::{FromRedisValue, aio::MultiplexedConnection};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server process under a shell that ends it when the test is gone, however that has ended.
#[derive(Debug)]
pub(crate) struct Daemon {
    shell: Child,
    pub(crate) pid: String,
}

impl Daemon {
    /// `last`: the signal by which it ends where nobody says another.
    pub(crate) fn start(last: &str, command: &[&str], dir: &Path) -> Self {
        // The server is a child of the shell, which waits for a line: the name of a signal, or the end of the test.
        let script = "last=$1; shift; \"$@\" </dev/null >/dev/null 2>&1 & echo $!; read -r signal; \
                      kill -\"${signal:-$last}\" $!; wait $!";
        let mut shell = Command::new("sh")
            .args(["-c", script, "sh", last])
            .args(command)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut pid).expect("text");
        Self { shell, pid: pid.trim().to_owned() }
    }

    pub(crate) fn runs(&self) -> bool {
        let asked = Command::new("kill").args(["-0", &self.pid]).stderr(Stdio::null()).status();
        asked.is_ok_and(|asked| asked.success())
    }

    /// Sends that signal, and returns when it has ended.
    pub(crate) fn end(&mut self, signal: &str) {
        if let Some(mut line) = self.shell.stdin.take() {
            // It may have ended by itself.
            let _ = writeln!(line, "{signal}");
        }
        let _ = self.shell.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// A port that is free now. Another may take it before the server does: then the server ends, and is started on the next.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}

/// A Redis without persistence, for one run.
#[derive(Debug)]
pub struct Redis {
    daemon: Daemon,
    port: u16,
}

impl Redis {
    /// Starts one in that directory; `None`, said aloud, where it is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub async fn start(dir: &Path) -> Option<Self> {
        if !is_there("redis-server") {
            println!("skipped: there is no redis-server");
            return None;
        }
        for _ in 0..5 {
            let port = free_port();
            let text = port.to_string();
            let command =
                ["redis-server", "--port", &text, "--bind", "127.0.0.1", "--save", "", "--repl-timeout", "5"];
            let server = Self { daemon: Daemon::start("KILL", &command, dir), port };
            for _ in 0..100 {
                if server.try_ask::<String>(&["PING"]).await.is_ok_and(|pong| pong == "PONG") {
                    return Some(server);
                }
                if !server.daemon.runs() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await; // real: it is starting
            }
        }
        panic!("redis-server does not start");
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A command, and what it answers.
    ///
    /// # Panics
    /// Where it does not answer, or something else.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// How many records say that somebody runs them.
    pub async fn running(&self) -> i64 {
        let mut running = 0;
        for key in self.ask::<Vec<String>>(&["KEYS", "buttress:idem:*"]).await {
            let state: Option<String> = self.ask(&["HGET", &key, "state"]).await;
            running += i64::from(state.as_deref() == Some("0"));
        }
        running
    }

    async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection: MultiplexedConnection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query_async(&mut connection).await
    }

    /// As the power goes.
    pub fn kill(&mut self) {
        self.daemon.end("KILL");
    }
}

/// Whether this is root, who may mount, and must hand over to others.
#[must_use]
pub fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output();
    said.is_ok_and(|said| said.stdout == b"0\n")
}
