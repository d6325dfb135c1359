//! The program itself: what it prints, what signals do, how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A program that serves. It is ended when it is dropped.
struct Program {
    child: Child,
    /// Where it listens.
    address: String,
}

impl Program {
    /// Without a configuration, so in front of the sandbox model.
    fn serving() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(&folder)
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
