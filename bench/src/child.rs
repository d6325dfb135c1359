//! The processes of a measurement: this binary again, with a hidden command. What one of them takes is read from `/proc`.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read};
use std::net::SocketAddr;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::thread::CpuSet;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::Result;

/// How a child says where it listens; the gateway says it in its own words.
const LISTENS: &str = "listens on http://";
/// How a child is told the CPUs that it is to stay on.
const CPUS: &str = "BENCH_CPUS";

/// Set, the logs of the children are shown.
const LOG: &str = "BENCH_LOG";
/// How long a process that did not start may take to say why.
const SECOND_START_MAX: Duration = Duration::from_secs(10);

/// Which CPU a process stays on. Moving costs both sides time that is nobody's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A CPU that nobody else of the measurement uses: the proxies, which are measured one after the other.
    Proxy,
    /// Beside it: the load generator and the model.
    Beside,
    /// Wherever the system likes, with as many threads as there are CPUs: as in production.
    Anywhere,
}

/// A running process, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    /// Kept open: a process that says one thing more would fail otherwise.
    _said: Lines<BufReader<ChildStdout>>,
    pub(crate) address: SocketAddr,
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself, which was noticed as failed exchanges.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Child {
    /// Starts this binary with these arguments and waits until it listens.
    pub(crate) fn start(place: Place, arguments: &[&str]) -> Result<Self> {
        let mut command = command(place, arguments)?;
        let failed = |error| format!("starting {}: {error}", arguments.join(" "));
        // A log that nobody reads still has to be formatted and written.
        let log = if std::env::var_os(LOG).is_some() { Stdio::inherit() } else { Stdio::null() };
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().map_err(failed)?;
        let mut said = process.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let address =
            said.as_mut().and_then(|said| said.map_while(std::io::Result::ok).find_map(|line| listening(&line)));
        match address.zip(said) {
            Some((address, said)) => Ok(Self { process, _said: said, address }),
            None => {
                let _ = process.kill();
                let _ = process.wait();
                Err(format!("starting {}: {}", arguments.join(" "), why(place, arguments)))
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The time that its threads have spent on a CPU. Exact while it is idle.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(&self.id().to_string())
    }

    /// A number of kilobytes from one of its files in `/proc`, in bytes.
    fn kilobytes(&self, file: &str, name: &str) -> Result<u64> {
        let path = format!("/proc/{}/{file}", self.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("reading {path}: {error}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        number.map(|number| number << 10).ok_or_else(|| format!("reading {path}: it does not say {name}"))
    }

    /// What it has in memory, and how much of that it shares with nobody, in bytes.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let rollup = |name| self.kilobytes("smaps_rollup", name);
        Ok(Memory {
            resident: self.kilobytes("status", "VmRSS")?,
            anonymous: self.kilobytes("status", "RssAnon")?,
            private: rollup("Private_Clean")? + rollup("Private_Dirty")?,
        })
    }
}

/// What a process has in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All of it, the program's own code included.
    pub(crate) resident: u64,
    /// What no file holds.
    pub(crate) anonymous: u64,
    /// What no other process has mapped too. Of the program's code that is all, as no other process runs it.
    pub(crate) private: u64,
}

/// The time that the threads of a process have spent on a CPU; `self` is this one.
pub(crate) fn cpu(process: &str) -> Result<Duration> {
    let threads = format!("/proc/{process}/task");
    let failed = |error| format!("reading {threads}: {error}");
    let mut nanoseconds: u64 = 0;
    for thread in fs::read_dir(&threads).map_err(failed)? {
        // A thread may end between the two looks.
        let Ok(text) = fs::read_to_string(thread.map_err(failed)?.path().join("schedstat")) else { continue };
        nanoseconds += text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    match nanoseconds {
        0 => Err(format!("{threads}/*/schedstat says nothing: the kernel does not count scheduled time")),
        _ => Ok(Duration::from_nanos(nanoseconds)),
    }
}

fn command(place: Place, arguments: &[&str]) -> Result<Command> {
    let program = std::env::current_exe().map_err(|error| format!("finding this program: {error}"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_remove("TOKIO_WORKER_THREADS").stdin(Stdio::piped());
    if place != Place::Anywhere {
        command.env("TOKIO_WORKER_THREADS", "1");
    }
    let cpus: Vec<String> = cpus_of(place).iter().map(ToString::to_string).collect();
    command.env(CPUS, cpus.join(","));
    Ok(command)
}

/// The CPUs for a process; none where there is no choice.
fn cpus_of(place: Place) -> Vec<usize> {
    // As it was before this process itself was told where to stay.
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    let allowed = ALLOWED.get_or_init(|| {
        let allowed = rustix::thread::sched_getaffinity(None).unwrap_or_default();
        (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect()
    });
    match (place, allowed.as_slice()) {
        (Place::Proxy, [proxy, _, ..]) => vec![*proxy],
        (Place::Beside, [_, beside @ ..]) => beside.to_vec(),
        (_, all) => all.to_vec(),
    }
}

fn stay_on(cpus: &[usize]) {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|cpu| set.set(*cpu));
    // Where this is not allowed, the figures are less steady and still right.
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// What the load generator does first.
pub(crate) fn stay_beside_the_proxy() {
    stay_on(&cpus_of(Place::Beside));
}

/// The words with which a child refuses to start: started once more, with somebody listening.
fn why(place: Place, arguments: &[&str]) -> String {
    let started = command(place, arguments).and_then(|mut command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().map_err(|error| error.to_string())
    });
    let mut process = match started {
        Ok(process) => process,
        Err(words) => return words,
    };
    // Should it not fail this time, it ends when nobody is at the other end of its standard input any more.
    let stdin = process.stdin.take();
    std::thread::spawn(move || {
        std::thread::sleep(SECOND_START_MAX);
        drop(stdin);
    });
    let mut words = String::new();
    if let Some(mut stderr) = process.stderr.take() {
        let _ = stderr.read_to_string(&mut words);
    }
    let _ = process.wait();
    words.trim().to_owned()
}

fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENS)?;
    rest.split('/').next()?.parse().ok()
}

/// What every child does first: stay where it belongs, and end with whoever started it.
pub(crate) fn begin() -> Result<()> {
    let cpus = std::env::var(CPUS).unwrap_or_default();
    let cpus: Vec<usize> = cpus.split(',').filter_map(|cpu| cpu.parse().ok()).collect();
    if !cpus.is_empty() {
        stay_on(&cpus);
    }
    let watch = || {
        let mut nothing = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut nothing);
        std::process::exit(0);
    };
    let started = std::thread::Builder::new().name("parent".to_owned()).spawn(watch);
    started.map(drop).map_err(|error| format!("starting a thread: {error}"))
}

/// A runtime like the gateway's, with the one worker that `TOKIO_WORKER_THREADS` asks for.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("starting the runtime: {error}"))
}

pub(crate) fn listens(listener: &TcpListener) -> Result<()> {
    listens_at(listener.local_addr().map_err(|error| format!("listening: {error}"))?);
    Ok(())
}

pub(crate) fn listens_at(address: SocketAddr) {
    println!("{LISTENS}{address}/");
}
