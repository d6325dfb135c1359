//! A Redis, on a port of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::PATIENCE;

/// A running server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: TempDir,
    server: Child,
}

impl Redis {
    /// Start `redis-server`, which has to be installed, and wait until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub async fn start() -> Self {
        // Between looking for a free port and taking it, somebody else may.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let folder = TempDir::new().unwrap();
            let server = serve(port, &folder);
            let mut redis = Self { port, folder, server };
            std::fs::write(redis.url_file(), redis.url()).unwrap();
            if redis.answers().await {
                return redis;
            }
        }
        panic!("redis-server does not start");
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/3", self.port)
    }

    /// A file with its address, as a configuration names it.
    #[must_use]
    pub fn url_file(&self) -> PathBuf {
        self.folder.path().join("url")
    }

    /// Settings of a gateway that counts there.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("store.redis.url.file = '{}'", self.url_file().display())
    }

    /// What it says to an inline command.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn ask(&self, command: &str) -> String {
        self.try_ask(command).await.expect("the server answers")
    }

    /// End it, as a machine does that loses its power.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Start it again, at the same address.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        self.server = serve(self.port, &self.folder);
        assert!(self.answers().await, "redis-server does not start again");
    }

    /// Whether it answers before it ends.
    async fn answers(&mut self) -> bool {
        let look = async {
            loop {
                if self.try_ask("PING").await.is_some_and(|said| said.starts_with("+PONG")) {
                    return true;
                }
                if self.server.try_wait().unwrap().is_some() {
                    return false;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, look).await.unwrap_or(false)
    }

    async fn try_ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        // It ends the connection behind the last answer.
        stream.write_all(format!("SELECT 3\r\n{command}\r\nQUIT\r\n").as_bytes()).await.ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await.ok()?;
        said.strip_prefix("+OK\r\n").map(|said| said.trim_end_matches("+OK\r\n").to_owned())
    }
}

fn serve(port: u16, folder: &TempDir) -> Child {
    let mut server = Command::new("redis-server");
    server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"]).arg(folder.path());
    server.args(["--save", "", "--appendonly", "no"]);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn().expect("redis-server is installed, as on Debian with apt-get install redis-server")
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
