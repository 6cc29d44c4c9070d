//! A PostgreSQL that belongs to one run: killed, restarted, and followed by a standby.

use crate::{
    nodes::pause,
    servers::{Daemon, free_port, is_root},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tokio_postgres::NoTls;

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
        Some(Self::run(&bin, &data, settings))
    }

    fn run(bin: &Path, data: &Path, settings: &'static [&'static str]) -> Self {
        for _ in 0..5 {
            let port = free_port();
            let daemon = run(bin, data, port, settings);
            let server = Self { daemon, bin: bin.to_owned(), data: data.to_owned(), port, settings };
            if server.answers() {
                return server;
            }
        }
        panic!("PostgreSQL does not start");
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Another one with the same settings that follows whoever listens on the port `link`; it may be asked when this returns, and
    /// knows what was known when this was called.
    ///
    /// # Panics
    /// Where it cannot be made.
    #[must_use]
    pub fn follower(&self, link: u16) -> Self {
        // A port is nobody else's at a time, and so are these files.
        let data = self.data.with_file_name(format!("data-{}", free_port()));
        let (program, at) =
            (self.bin.join("pg_basebackup").display().to_string(), data.display().to_string());
        let from = format!("host=127.0.0.1 port={link} user=postgres");
        let words =
            [&*program, "-d", &from, "-D", &at, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"];
        let words = as_postgres(&words);
        done(Command::new(words[0]).args(&words[1..]).current_dir(self.home()));
        Self::run(&self.bin, &data, self.settings)
    }

    /// Follows nobody any more, and may be written to when this returns.
    ///
    /// # Panics
    /// Where it follows nobody.
    pub fn promote(&self) {
        let (program, at) = (self.bin.join("pg_ctl").display().to_string(), self.data.display().to_string());
        let words = as_postgres(&[&program, "promote", "--wait", "-D", &at]);
        done(Command::new(words[0]).args(&words[1..]).current_dir(self.home()));
    }

    /// The host is gone: all its processes at once, with nobody's leave, and its disk.
    pub fn lose(mut self) {
        // Held, so that it starts no other while they are looked for.
        signal("STOP", std::slice::from_ref(&self.daemon.pid));
        let mut all = children(&self.daemon.pid);
        all.push(self.daemon.pid.clone());
        signal("KILL", &all);
        self.daemon.end("KILL");
        self.leave_no_memory();
        // Somebody may be dying there still: then it goes with the run.
        let _ = std::fs::remove_dir_all(&self.data);
    }

    /// A server that is killed leaves a piece of shared memory, which the next one on the same files would remove.
    fn leave_no_memory(&self) {
        let left = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        if let Some(id) = left.lines().nth(6).and_then(|key_and_id| key_and_id.split_whitespace().nth(1)) {
            let _ = Command::new("ipcrm").args(["-m", id]).stderr(Stdio::null()).status();
        }
    }

    fn home(&self) -> &Path {
        self.data.parent().expect("a directory")
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

fn signal(name: &str, to: &[String]) {
    // Some of them may have ended by themselves.
    let _ = Command::new("kill").arg(format!("-{name}")).args(to).stderr(Stdio::null()).status();
}

/// All whose parent it is.
fn children(of: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let is_child = |dir: &Path| {
        let stat = std::fs::read_to_string(dir.join("stat")).unwrap_or_default();
        // Number, name in brackets, state, parent.
        stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)) == Some(of)
    };
    let children = all.filter(|entry| is_child(&entry.path()));
    children.filter_map(|entry| entry.file_name().into_string().ok()).collect()
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
