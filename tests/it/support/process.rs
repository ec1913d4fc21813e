//! One process of the program: spawned, waited for, stopped, killed; killed also when the test ends early.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::wait_for;

/// How long a debug build may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);

/// The program: where the test runner says that it is, which matters when the build was moved, else where it was built.
fn program() -> PathBuf {
    std::env::var_os("NEXTEST_BIN_EXE_action-center")
        .map_or_else(|| env!("CARGO_BIN_EXE_action-center").into(), PathBuf::from)
}

/// Runs the program to its end with these arguments and no settings but these.
pub fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ACTION_CENTER")) {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied()).output().expect("the program")
}

/// A process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    first_line: Receiver<String>,
}

impl Process {
    /// Runs the program with these arguments and settings (as `SERVER__LISTEN`); its standard error is added to `log`.
    pub fn spawn(arguments: &[&str], settings: &[(String, String)], log: &Path) -> Self {
        let errors: File = OpenOptions::new().create(true).append(true).open(log).expect("a file for standard error");
        let mut command = Command::new(program());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ACTION_CENTER")) {
            command.env_remove(name);
        }
        for (name, value) in settings {
            command.env(name, value);
        }
        let mut child = command.spawn().expect("the program");
        let output = child.stdout.take().expect("its standard output");
        let (tell, first_line) = sync_channel(1);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            if let Some(line) = lines.next() {
                drop(tell.send(line)); // nobody may be waiting
            }
            drop(tell);
            lines.for_each(drop);
        });
        Self { child, first_line }
    }

    /// Waits for the first line of standard output, and gives the address in it.
    ///
    /// # Errors
    /// The process ended before, or said something else.
    pub fn address(&mut self) -> Result<SocketAddr, String> {
        match self.first_line.recv_timeout(READY_WITHIN) {
            Ok(line) => line
                .strip_prefix("listening on http://")
                .and_then(|address| address.parse().ok())
                .ok_or_else(|| format!("the first line is {line:?}")),
            Err(RecvTimeoutError::Timeout) => Err(format!("not ready within {READY_WITHIN:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(format!("it ended before it was ready: {}", self.ended())),
        }
    }

    /// Kills it where it stands (SIGKILL).
    pub fn kill(&mut self) {
        drop(self.child.kill()); // it may have ended by itself
        drop(self.child.wait());
    }

    /// Asks it to stop (SIGTERM), and gives how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal_terminate();
        self.ended()
    }

    /// Asks it to stop and does not wait.
    pub fn signal_terminate(&self) {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(asked.expect("a shell").success(), "the process is gone before it was asked to stop");
    }

    /// Waits until it ends, and gives how.
    pub fn ended(&mut self) -> ExitStatus {
        let ended = wait_for(STOPPED_WITHIN, || self.child.try_wait().expect("the state of the process"));
        ended.unwrap_or_else(|| {
            self.kill();
            panic!("the process had not ended after {STOPPED_WITHIN:?}")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
