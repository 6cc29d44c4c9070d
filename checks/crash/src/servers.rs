//! Servers of records that belong to one run: a Redis and a PostgreSQL that may be killed, restarted and replaced.

use crate::nodes::{is_there, pause};
use redis::{FromRedisValue, aio::MultiplexedConnection};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio_postgres::NoTls;

/// A server process under a shell that ends it when the test is gone, however that has ended.
#[derive(Debug)]
struct Daemon {
    shell: Child,
    pid: String,
}

impl Daemon {
    /// `last`: the signal by which it ends where nobody says another.
    fn start(last: &str, command: &[&str], dir: &Path) -> Self {
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

    fn runs(&self) -> bool {
        let asked = Command::new("kill").args(["-0", &self.pid]).stderr(Stdio::null()).status();
        asked.is_ok_and(|asked| asked.success())
    }

    /// Sends that signal, and returns when it has ended.
    fn end(&mut self, signal: &str) {
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
fn free_port() -> u16 {
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

/// A cluster of PostgreSQL, for one run.
#[derive(Debug)]
pub struct Postgres {
    daemon: Daemon,
    bin: PathBuf,
    data: PathBuf,
    port: u16,
    settings: &'static [&'static str],
}

impl Postgres {
    /// Makes one below that directory, and starts it with those settings (`name=value`) beside the usual ones; `None`, said aloud,
    /// where it is not installed.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    #[must_use]
    pub fn start(dir: &Path, settings: &'static [&'static str]) -> Option<Self> {
        let Some(bin) = newest() else {
            println!("skipped: there is no server of PostgreSQL");
            return None;
        };
        let home = dir.join("postgres");
        std::fs::create_dir_all(&home).expect("a directory");
        if is_root() {
            done(Command::new("chown").arg("postgres:postgres").arg(&home));
        }
        let data = home.join("data");
        let (initdb, at) = (bin.join("initdb").display().to_string(), data.display().to_string());
        let words =
            [&initdb, "-D", &at, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"];
        let words = as_postgres(&words);
        done(Command::new(words[0]).args(&words[1..]).current_dir(&home));
        for _ in 0..5 {
            let port = free_port();
            let daemon = run(&bin, &data, port, settings);
            let server = Self { daemon, bin: bin.clone(), data: data.clone(), port, settings };
            if server.answers() {
                return Some(server);
            }
        }
        panic!("PostgreSQL does not start");
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// It ends at once, as `pg_ctl -m immediate stop` has it: nobody is waited for, and the log is read again at the next start.
    pub fn stop_at_once(&mut self) {
        self.daemon.end("QUIT");
    }

    /// Starts it again, where it was; it answers when this returns.
    ///
    /// # Panics
    /// Where it does not.
    pub fn restart(&mut self) {
        for _ in 0..5 {
            self.daemon = run(&self.bin, &self.data, self.port, self.settings);
            if self.answers() {
                return;
            }
        }
        panic!("PostgreSQL does not start again");
    }

    /// Cuts all connections but the one that says so.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn cut_all(&self) {
        let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.expect("it answers");
        tokio::spawn(connection);
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        client.query(others, &[]).await.expect("it answers");
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        for _ in 0..500 {
            let asked = Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .expect("it is there");
            if asked.success() {
                return true;
            }
            if !self.daemon.runs() {
                return false;
            }
            pause(Duration::from_millis(20));
        }
        false
    }
}

fn run(bin: &Path, data: &Path, port: u16, settings: &[&str]) -> Daemon {
    let (postgres, at) = (bin.join("postgres").display().to_string(), data.display().to_string());
    let (port, home) = (port.to_string(), data.parent().expect("a directory").display().to_string());
    let mut words = vec![&*postgres, "-D", &at, "-p", &port, "-k", &home];
    // No power goes here but the server's own: what it has handed to the system outlives it.
    for setting in ["listen_addresses=127.0.0.1", "fsync=off", "shared_buffers=16MB"].iter().chain(settings) {
        words.extend(["-c", setting]);
    }
    Daemon::start("QUIT", &as_postgres(&words), data)
}

/// It refuses to run as root.
fn as_postgres<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut all = Vec::new();
    if is_root() {
        all.extend(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    all.extend(words);
    all
}

/// Whether this is root, who may mount, and must hand over to others.
#[must_use]
pub fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output();
    said.is_ok_and(|said| said.stdout == b"0\n")
}

fn newest() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let bins = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let number = |bin: &PathBuf| bin.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    bins.filter(|bin| bin.join("postgres").exists()).max_by_key(number)
}

fn done(command: &mut Command) {
    let said = command.stdin(Stdio::null()).output().expect("it is there");
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
}
