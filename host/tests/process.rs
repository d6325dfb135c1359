//! The program itself: what it prints, what signals do, how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A program that serves. It is ended when it is dropped.
struct Program {
    child: Child,
    /// Where it listens.
    address: String,
}

impl Program {
    /// Without a configuration, so in front of the sandbox model.
    fn serving() -> Self {
        Self::serving_in(&tempfile::tempdir().unwrap())
    }

    fn serving_in(folder: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("sluicegate listens on http://")?.to_owned()));
        let address = address.expect("it says where it listens").trim_end_matches("/v1").to_owned();
        // Whatever else it prints has somewhere to go.
        std::thread::spawn(move || lines.count());
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Ask for a stream, and give the connection when its first event has come.
    fn stream(&self, model: &str) -> (TcpStream, Vec<u8>) {
        let body =
            format!(r#"{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"hello there"}}]}}"#);
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length";
        let mut stream = self.connect();
        stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains("data: ") {
            let mut bytes = [0; 1024];
            let count = stream.read(&mut bytes).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(bytes.get(..count).unwrap());
        }
        (stream, answer)
    }

    fn send(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_signal_lets_open_streams_end_and_then_the_program_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::serving();
        let (mut stream, mut answer) = program.stream("sandbox-slow-10");
        program.send(signal);
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("data: [DONE]"), "{answer}");
        assert_eq!(program.end().code(), Some(0));
        assert!(TcpStream::connect(&program.address).is_err());
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    let output = command.args(arguments).current_dir(&folder).env_clear().output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_cannot_be_done_ends_with_1_and_what_is_not_understood_with_2() {
    let (code, words) = run(&["serve", "--config", "absent.toml"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("absent.toml"), "{words}");
    let (code, words) = run(&["serv"]);
    assert_eq!(code, Some(2));
    assert!(words.contains("similar subcommand") && words.contains("serve"), "{words}");
}

/// Run the program there: how it ends, and what it says on standard output and on standard error.
fn run_in(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    let output = command.args(arguments).current_dir(folder).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_key_that_the_command_line_makes_lets_a_caller_in_while_the_gateway_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serving_in(&folder);
    let status = |key: &str| {
        let mut stream = program.connect();
        let head = "GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer";
        stream.write_all(format!("{head} {key}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.get(9..12).unwrap().to_owned()
    };
    let until = |key: &str, wanted: &str| {
        let patience = Instant::now() + Duration::from_secs(30);
        while status(key) != wanted {
            assert!(Instant::now() < patience, "the gateway does not notice the change");
        }
    };
    let (code, out, err) = run_in(&folder, &["keys", "list"]);
    assert!(code == Some(1) && out.is_empty() && err.contains("no key has been made yet"), "{out}{err}");
    // Before there is a key, anyone on this machine is let in.
    assert_eq!(status("none"), "200");

    let made = run_in(&folder, &["keys", "create", "search", "--tenant", "blue", "--expires", "90d"]);
    let (Some(0), key, about) = made else { panic!("{made:?}") };
    let key = key.trim();
    assert!(key.starts_with("sg-") && !about.contains(key), "{about}");
    until("none", "401");
    assert_eq!(status(key), "200");

    let id = key.split('-').nth(1).unwrap();
    let (code, out, _) = run_in(&folder, &["keys", "list"]);
    assert!(code == Some(0) && out.contains(id) && out.contains("blue") && !out.contains(key), "{out}");
    let (code, newer, _) = run_in(&folder, &["keys", "rotate", id, "--grace", "0s"]);
    assert_eq!(code, Some(0));
    until(newer.trim(), "200");
    assert_eq!(status(key), "401");
    let (code, out, _) = run_in(&folder, &["keys", "revoke", id]);
    assert_eq!((code, out), (Some(0), format!("key {id} (\"search\") is revoked\n")));
    until(newer.trim(), "401");
    let (code, _, err) = run_in(&folder, &["keys", "rotate", id]);
    assert!(code == Some(1) && err.contains("was revoked, and stays so"), "{err}");
}
