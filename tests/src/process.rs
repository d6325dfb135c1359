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
    admin: Option<SocketAddr>,
    child: Child,
}

impl Process {
    /// Start a gateway with this configuration file. `test` is a test that does nothing but call [`be_a_gateway`].
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(test: &str, config: &Path) -> Self {
        Self::begin(Command::new(std::env::current_exe().unwrap()), test, config).await
    }

    /// The same for one that can write no file longer than this, as on a disk that is full.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_on_a_small_disk(test: &str, config: &Path, file_bytes_max: u64) -> Self {
        let mut command = Command::new("sh");
        // Without the signal that would end it, writing fails.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", file_bytes_max / 512);
        command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
        Self::begin(command, test, config).await
    }

    async fn begin(mut command: Command, test: &str, config: &Path) -> Self {
        command.args(["--exact", test, "--ignored", "--nocapture"]).env(CONFIG, config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let has_admin = std::fs::read_to_string(config).unwrap().contains("admin");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listens = async {
            let mut address = None;
            while let Some(line) = lines.next_line().await.unwrap() {
                let (_, said) = line.split_once("listens on http://").unwrap_or_default();
                address = said.trim_end_matches("/v1").parse().ok().or(address);
                // It is said behind that, where there is one.
                let admin =
                    line.strip_prefix("admin:").and_then(|said| said.trim().strip_prefix("http://")?.parse().ok());
                if let Some(address) = address.filter(|_| admin.is_some() || !has_admin) {
                    return (address, admin);
                }
            }
            panic!("the gateway ended without having listened");
        };
        let (address, admin) = timeout(PATIENCE, listens).await.expect("the gateway listens");
        // It has more to say, and must not find that nobody listens any more. Ends with the process.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, admin, child }
    }

    /// Ask for a chat completion.
    pub fn ask(&self, body: impl Body) -> Call {
        Call::new(self.address, "POST", "/v1/chat/completions").body(body)
    }

    /// Any other request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    /// Any request to its admin port.
    ///
    /// # Panics
    /// When it has none.
    pub fn admin(&self, method: &str, path: &str) -> Call {
        Call::new(self.admin.expect("admin.listen is configured"), method, path)
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
