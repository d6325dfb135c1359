//! A gateway in a process of its own, which can be killed. It is the test binary once more, told to be the command line.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use clap::Parser;
use sluicegate::cli::Cli;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::caller::{Body, Call};
use crate::provider::PATIENCE;

/// Names the configuration to a process that is to be a gateway.
const CONFIG: &str = "SLUICEGATE_TEST_CONFIG";

/// A gateway in a process of its own.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Process {
    /// Start a gateway with this configuration file. `test` is a test that does nothing but call [`be_a_gateway`].
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(test: &str, config: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--ignored", "--nocapture"]).env(CONFIG, config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listens = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let (_, address) = line.split_once("listens on http://").unwrap_or_default();
                if let Ok(address) = address.trim_end_matches("/v1").parse() {
                    return address;
                }
            }
            panic!("the gateway ended without having listened");
        };
        let address = timeout(PATIENCE, listens).await.expect("the gateway listens");
        // It has more to say, and must not find that nobody listens any more. Ends with the process.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, child }
    }

    /// Ask for a chat completion.
    pub fn ask(&self, body: impl Body) -> Call {
        Call::new(self.address, "POST", "/v1/chat/completions").body(body)
    }

    /// Any other request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    /// End it with SIGKILL.
    ///
    /// # Panics
    /// When that is not possible.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Be a gateway, if that is what this process was started for.
///
/// # Panics
/// When the gateway does not start.
pub fn be_a_gateway() {
    if let Some(config) = std::env::var_os(CONFIG) {
        let arguments = ["sluicegate".into(), "serve".into(), "--config".into(), config];
        Cli::parse_from(arguments).run().unwrap();
    }
}
