//! The demo as a user starts it, as processes: what it says when something is wrong, and that it leaves nobody behind.
//!
//! That the failure is contained, and no longer is without the layers, takes two runs by the clock: the step `examples` of
//! `.ci/run` looks at both. The pure parts are tested in `examples/cascade`.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

/// Where the program is. A test binary is told of the binaries of its package, but not of its examples.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = ["build", "--quiet", "--locked", "--example", "cascade", "--message-format", "json"];
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let built = built.expect("cargo, which runs this test");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let said = String::from_utf8(built.stdout).expect("JSON");
        let of_it = said.lines().filter(|line| line.contains(r#""kind":["example"]"#));
        let path = of_it
            .filter_map(|line| line.split_once(r#""executable":""#))
            .next_back()
            .expect("it was built")
            .1;
        path.split('"').next().expect("a path").into()
    })
}

/// The program, for which an interrupt is what it is in a terminal: started in the background by a shell, tests ignore it, and
/// whom they start does so, too.
fn interruptible() -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(program());
        command
    } else {
        Command::new(program())
    }
}

fn ends(args: &[&str]) -> Output {
    // A service takes a closed stdin for the end of the demo: this one stays open until it has ended by itself.
    let mut child = Command::new(program())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let stdin = child.stdin.take();
    let output = child.wait_with_output().expect("ends");
    drop(stdin);
    output
}

fn says(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), std::str::from_utf8(&output.stderr).expect("text").trim_end())
}

#[test]
fn what_it_does_not_understand_is_said_and_nothing_is_run() {
    let output = ends(&["--load", "lots"]);
    let why = "--load wants a whole number of requests a second, from 80 to 300: \"lots\" is none";
    assert_eq!((says(&output), output.stdout.len()), ((Some(2), why), 0));
}

#[test]
fn an_upstream_that_cannot_be_found_is_named_before_any_user_comes() {
    for (upstream, why) in [("orders..shop:80", ""), ("orders", "invalid socket address")] {
        let output = ends(&["--role", "gateway", "--upstream", upstream, "--stack", "bare"]);
        let (code, said) = says(&output);
        let begin = format!("gateway finds no {upstream:?}, its upstream: {why}");
        assert!(
            code == Some(1) && said.starts_with(&begin) && said.len() > begin.len() - why.len(),
            "{said}"
        );
        assert_eq!(output.stdout, b"", "it does not say that it listens");
    }
}

#[test]
fn a_service_ends_when_its_stdin_is_closed() {
    let service =
        Command::new(program()).args(["--role", "payments"]).stdin(Stdio::null()).output().expect("starts");
    assert_eq!(says(&service), (Some(0), ""));
}

/// A demo whose users have come already.
struct Running {
    demo: Child,
    stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
    /// Name, address and process of each service.
    services: Vec<[String; 3]>,
}

impl Running {
    fn start() -> Self {
        let mut demo = interruptible()
            .args(["--duration", "12", "--svg", "/dev/null"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut stdout = BufReader::new(demo.stdout.take().expect("piped"));
        let mut services = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).expect("text"), 0, "it ended, after {services:?}");
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [name, "listens", "on", address, "process", process] => {
                    services.push([name, address.trim_end_matches(','), process].map(Into::into));
                }
                ["1", "s", ..] => break,
                _ => {}
            }
        }
        let stderr = demo.stderr.take().expect("piped");
        assert_eq!(services.len(), 3);
        Self { demo, stdout, stderr, services }
    }

    /// The services have the stderr of the demo: once all that could write to it are gone, it ends.
    #[track_caller]
    fn nobody_is_left(mut self) -> String {
        let (tells, told) = mpsc::channel();
        let mut stderr = self.stderr;
        thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).expect("text");
            tells.send(said)
        });
        let said = told.recv_timeout(Duration::from_secs(20));
        // Whatever comes of it, the demo itself is not left to run on.
        let _ = self.demo.kill();
        self.demo.wait().expect("ends");
        drop(self.stdout);
        let listens = |[_, address, _]: &&[String; 3]| TcpStream::connect(address).is_ok();
        let left: Vec<_> = self.services.iter().filter(listens).collect();
        for [_, _, process] in &left {
            signal(process, "-KILL");
        }
        assert!(left.is_empty(), "still listening: {left:?}");
        said.expect("all of its processes have ended")
    }
}

/// By hand, since a process that is not our child has no other handle.
fn signal(process: &str, signal: &str) {
    assert!(Command::new("kill").args([signal, process]).status().expect("kill is there").success());
}

/// Ctrl-C in a terminal goes to all of them; this one reaches the demo alone, which is harder.
#[test]
fn after_an_interrupt_in_the_middle_nobody_is_left() {
    let running = Running::start();
    signal(&running.demo.id().to_string(), "-INT");
    assert_eq!(running.nobody_is_left(), "");
}

#[test]
fn after_a_kill_in_the_middle_nobody_is_left() {
    let mut running = Running::start();
    running.demo.kill().expect("it runs");
    assert_eq!(running.nobody_is_left(), "");
}

#[test]
fn a_service_that_ends_by_itself_ends_the_demo_and_is_named() {
    let mut running = Running::start();
    let [_, _, orders] =
        running.services.iter().find(|[name, ..]| name == "orders").expect("it listens").clone();
    signal(&orders, "-KILL");
    assert_eq!(running.demo.wait().expect("ends").code(), Some(1));
    assert_eq!(running.nobody_is_left().trim_end(), "orders has ended in the middle of the run");
}
