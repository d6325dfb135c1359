//! A PostgreSQL with pgvector.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::PATIENCE;

/// Where `cargo xtask test` has put the server, empty where it could not.
const VARIABLE: &str = "SLUICEGATE_POSTGRES";
/// Who owns the databases.
const USER: &str = "sluice";
const PASSWORD: &str = "made up: 4 the tests";
/// How often to look whether it has started or ended.
const LOOK: Duration = Duration::from_millis(5);
/// How long it may take to end.
const END_TIME: Duration = Duration::from_secs(2);
/// User and group of nobody: a PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

/// A running server, behind a socket in its folder.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    /// Whom its processes run as, where that is not who runs the tests.
    user: Option<u32>,
    server: Option<Child>,
}

impl Postgres {
    /// Start a server, and wait until it answers; nothing where `cargo xtask test` has said that there is none.
    ///
    /// # Panics
    /// When it does not start, or nothing is said.
    pub async fn start() -> Option<Self> {
        let Ok(installed) = std::env::var(VARIABLE) else {
            panic!("{VARIABLE} is not set: run cargo xtask test, which installs what it stands for");
        };
        if installed.is_empty() {
            return None;
        }
        let folder = TempDir::new().unwrap();
        let is_root = folder.path().metadata().unwrap().uid() == 0;
        let mut postgres = Self { programs: installed.into(), user: is_root.then_some(NOBODY), server: None, folder };
        postgres.prepare();
        postgres.start_again().await;
        Some(postgres)
    }

    /// Its address. The database has no extension yet, and its user may make one.
    #[must_use]
    pub fn url(&self) -> String {
        // A socket's folder stands where else a host does.
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://{USER}:{}@{folder}/postgres", PASSWORD.replace(' ', "%20"))
    }

    /// A file with its address, as a configuration names it.
    #[must_use]
    pub fn url_file(&self) -> PathBuf {
        self.folder.path().join("url")
    }

    /// Settings of a gateway that finds questions there.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("store.postgres.url.file = '{}'", self.url_file().display())
    }

    /// What it says to SQL: a line for each row, `|` between its values.
    ///
    /// # Panics
    /// When it refuses.
    pub fn ask(&self, sql: &str) -> String {
        let mut psql = self.program("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command"]);
        psql.arg(sql).arg(self.url());
        ran(&mut psql)
    }

    /// End it, without letting it tidy up.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // Told so, it takes its children along. One that waits for the password of a client who says nothing, as this thread
        // is here, would take a minute; without its parent, it ends too.
        kill_process(Pid::from_child(&server), Signal::QUIT).unwrap();
        let began = Instant::now();
        while server.try_wait().unwrap().is_none() && began.elapsed() < END_TIME {
            std::thread::sleep(LOOK);
        }
        server.kill().unwrap();
        server.wait().unwrap();
    }

    /// Start it again, at the same address.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_again(&mut self) {
        let mut server = self.program("postgres");
        server.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        for setting in ["listen_addresses=", "fsync=off", "shared_buffers=16MB"] {
            server.args(["-c", setting]);
        }
        self.server = Some(server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let look = async {
            while !self.is_ready() {
                assert!(self.server.as_mut().unwrap().try_wait().unwrap().is_none(), "PostgreSQL has ended");
                sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, look).await.expect("PostgreSQL starts");
    }

    /// Make the folder ready, and an empty database in it.
    fn prepare(&mut self) {
        std::fs::write(self.url_file(), self.url()).unwrap();
        let password = self.folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some(user) = self.user {
            // The checkout may be in a folder that only its owner may enter.
            let mut copy = Command::new("cp");
            ran(copy
                .arg("-r")
                .args(["pgserver", "pgserver.libs"].map(|part| self.programs.join(part)))
                .arg(self.folder.path()));
            self.programs = self.folder.path().to_owned();
            for path in [self.folder.path(), &password] {
                chown(path, Some(user), Some(user)).unwrap();
            }
        }
        let mut initdb = self.program("initdb");
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", USER]);
        ran(initdb.arg("--pwfile").arg(password).arg("--pgdata").arg(self.data()));
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join("pgserver/pginstall/bin").join(name));
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// It says so in a line of its own, and beside it whose word that is.
    fn is_ready(&self) -> bool {
        let said = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let id = self.server.as_ref().unwrap().id().to_string();
        said.lines().next() == Some(&id) && said.lines().nth(7).is_some_and(|line| line.trim() == "ready")
    }
}

/// What a program prints.
fn ran(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}
