//! A provider on a raw socket: it keeps every byte that it was sent, and answers with bytes, pauses and bad ends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use sluicegate::sandbox::Sandbox;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// Whatever a gateway can be put in front of.
pub trait Model {
    /// Its address, as in a configuration.
    fn base_url(&self) -> String;
}

impl Model for Sandbox {
    fn base_url(&self) -> String {
        Self::base_url(self)
    }
}

impl Model for Provider {
    fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The request line and the headers, to the empty line.
    pub head: String,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the request is UTF-8")
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(Bytes),
    /// The same bytes again and again, until the gateway is gone.
    Flood(Bytes),
    /// Wait for [`Provider::proceed`].
    Pause,
    Stall,
    /// Say no more: the end of the connection, without the end of the body.
    Close,
    /// The same, with a TCP reset.
    Reset,
}

/// What a provider answers.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    /// Nothing to send no head.
    head: bool,
    /// One write, one chunk of the transfer encoding; whole bodies have a length instead.
    chunked: bool,
    body: Vec<Step>,
}

impl Reply {
    fn new(chunked: bool, content_type: &str, body: Vec<Step>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status: 200, headers, head: true, chunked, body }
    }

    /// 200, with this JSON.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::whole("application/json", body)
    }

    /// 200, with this body.
    pub fn whole(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(false, content_type, vec![Step::Write(body.into())])
    }

    /// A stream of events. Each item is one write, whatever it cuts in two.
    pub fn events<T: Into<Bytes>>(writes: impl IntoIterator<Item = T>) -> Self {
        Self::new(true, "text/event-stream", Vec::new()).then(writes)
    }

    /// No answer, ever.
    #[must_use]
    pub fn nothing() -> Self {
        Self { head: false, ..Self::new(false, "", vec![Step::Stall]) }
    }

    /// The end of the connection instead of an answer.
    #[must_use]
    pub fn hangs_up() -> Self {
        Self { head: false, ..Self::new(false, "", vec![Step::Close]) }
    }

    /// These bytes and no others, whether they are HTTP or not.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self { head: false, ..Self::new(false, "", vec![Step::Write(bytes.into())]) }
    }

    /// Then these bytes again and again, until the gateway is gone.
    #[must_use]
    pub fn floods(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body.push(Step::Flood(bytes.into()));
        self
    }

    /// With this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With this header too, or this value of it.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(given, _)| given != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whole, and then the end of the connection, without a word of warning.
    #[must_use]
    pub fn hangs_up_afterwards(mut self) -> Self {
        self.body.push(Step::Close);
        self
    }

    /// Then these writes.
    #[must_use]
    pub fn then<T: Into<Bytes>>(mut self, writes: impl IntoIterator<Item = T>) -> Self {
        self.body.extend(writes.into_iter().map(|write| Step::Write(write.into())));
        self
    }

    /// Written in pieces of so many bytes.
    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        let cut = |step: Step| match step {
            Step::Write(all) => all.chunks(bytes).map(|piece| Step::Write(Bytes::copy_from_slice(piece))).collect(),
            other => vec![other],
        };
        self.body = self.body.into_iter().flat_map(cut).collect();
        self
    }

    /// Then wait for [`Provider::proceed`].
    #[must_use]
    pub fn pauses(self) -> Self {
        self.step(Step::Pause)
    }

    /// Then nothing, until the gateway is gone.
    #[must_use]
    pub fn stalls(self) -> Self {
        self.step(Step::Stall)
    }

    /// Then the end of the connection, without the end of the body.
    #[must_use]
    pub fn dies(self) -> Self {
        self.step(Step::Close)
    }

    /// Then a TCP reset.
    #[must_use]
    pub fn resets(self) -> Self {
        self.step(Step::Reset)
    }

    fn step(mut self, step: Step) -> Self {
        self.chunked = true;
        self.body.push(step);
        self
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let bytes = |step: &Step| if let Step::Write(bytes) = step { bytes.len() } else { 0 };
        let length: usize = self.body.iter().map(bytes).sum();
        let framing = match self.chunked {
            true => "transfer-encoding: chunked".to_owned(),
            false => format!("content-length: {length}"),
        };
        format!("{head}{framing}\r\n\r\n")
    }
}

/// A provider.
#[derive(Debug)]
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    replies: Mutex<Script>,
    proceed: Semaphore,
    state: watch::Sender<State>,
}

/// What it answers to the request of number `first` and to those after it.
#[derive(Debug)]
struct Script {
    first: usize,
    replies: Vec<Reply>,
}

#[derive(Debug, Default)]
struct State {
    connections: usize,
    /// Those of them that are over.
    closed: usize,
    received: Vec<Received>,
    hung_up: usize,
    written: usize,
}

/// Longer than anything takes; a test that waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Provider {
    /// A provider that answers each request like this.
    pub async fn saying(reply: Reply) -> Self {
        Self::saying_in_turn([reply]).await
    }

    /// A provider that answers the first request with the first reply and so on; the last one stays.
    pub async fn saying_in_turn(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Mutex::new(Script { first: 0, replies: replies.into_iter().collect() });
        let shared = Arc::new(Shared { replies, proceed: Semaphore::new(0), state: watch::Sender::default() });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self { address, shared, accepting }
    }

    /// From the next request on, it answers like this, in turn; the last reply stays.
    pub fn now_says(&self, replies: impl IntoIterator<Item = Reply>) {
        let first = self.shared.state.borrow().received.len();
        *self.shared.replies.lock().unwrap() = Script { first, replies: replies.into_iter().collect() };
    }

    /// Nobody listens there.
    pub async fn absent() -> Self {
        let provider = Self::saying(Reply::nothing()).await;
        provider.accepting.abort();
        // The listener is closed when the task is gone.
        while !provider.accepting.is_finished() {
            tokio::task::yield_now().await;
        }
        provider
    }

    /// Go on after a pause.
    pub fn proceed(&self) {
        self.shared.proceed.add_permits(1);
    }

    /// What has come so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.state.borrow().received.clone()
    }

    /// The one request that came.
    #[must_use]
    pub fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "the provider was asked {} times", received.len());
        received.remove(0)
    }

    /// The body of the one request that came.
    #[must_use]
    pub fn body(&self) -> String {
        self.only().text().to_owned()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state.borrow().connections
    }

    /// How many bytes of bodies could be written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.shared.state.borrow().written
    }

    /// Wait until so many bytes of bodies could be written.
    pub async fn has_written(&self, bytes: usize) {
        self.wait("bytes that are taken", |state| state.written >= bytes).await;
    }

    /// Wait until so many requests have come.
    pub async fn has_received(&self, count: usize) {
        self.wait("requests", |state| state.received.len() >= count).await;
    }

    /// Wait until so many connections are over.
    pub async fn has_closed(&self, count: usize) {
        self.wait("connections that are closed", |state| state.closed >= count).await;
    }

    /// Wait until so many calls were given up before their end.
    pub async fn has_lost(&self, count: usize) {
        self.wait("calls that are given up", |state| state.hung_up >= count).await;
    }

    async fn wait(&self, what: &str, until: impl Fn(&State) -> bool) {
        let mut state = self.shared.state.subscribe();
        let waited = timeout(PATIENCE, state.wait_for(|state| until(state))).await;
        assert!(waited.is_ok(), "waited in vain for {what}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        shared.state.send_modify(|state| state.connections += 1);
        let shared = shared.clone();
        connections.spawn(async move {
            serve(stream, shared.clone()).await;
            shared.state.send_modify(|state| state.closed += 1);
        });
    }
}

/// One connection: requests and replies until one of the two sides has enough.
async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        let mut number = 0;
        shared.state.send_modify(|state| {
            number = state.received.len();
            state.received.push(request);
        });
        let reply = {
            let script = shared.replies.lock().unwrap();
            let reply = script.replies.get(number.saturating_sub(script.first)).or(script.replies.last());
            reply.expect("a reply").clone()
        };
        if answer(&mut stream, &reply, &shared).await.is_none() {
            return;
        }
    }
}

/// Nothing if the connection is over.
async fn answer(stream: &mut TcpStream, reply: &Reply, shared: &Shared) -> Option<()> {
    if reply.head {
        write(stream, reply.head().as_bytes(), shared).await?;
    }
    for step in &reply.body {
        match step {
            Step::Write(bytes) if reply.chunked && bytes.is_empty() => {}
            Step::Write(bytes) if reply.chunked => {
                let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
                write(stream, &chunk, shared).await?;
            }
            Step::Write(bytes) => write(stream, bytes, shared).await?,
            Step::Flood(bytes) => loop {
                write(stream, bytes, shared).await?;
            },
            Step::Pause => tokio::select! {
                permit = shared.proceed.acquire() => permit.unwrap().forget(),
                () = hung_up(stream, shared) => return None,
            },
            Step::Stall => {
                hung_up(stream, shared).await;
                return None;
            }
            Step::Close => return None,
            Step::Reset => {
                stream.set_zero_linger().unwrap();
                return None;
            }
        }
        if let Step::Write(bytes) = step {
            shared.state.send_modify(|state| state.written += bytes.len());
        }
    }
    if reply.chunked {
        write(stream, b"0\r\n\r\n", shared).await?;
    }
    Some(())
}

/// Nothing if the other side has closed the connection.
async fn write(stream: &mut TcpStream, bytes: &[u8], shared: &Shared) -> Option<()> {
    let written = stream.write_all(bytes).await;
    if written.is_err() {
        shared.state.send_modify(|state| state.hung_up += 1);
    }
    written.ok()
}

/// Wait until the other side closes the connection.
async fn hung_up(stream: &mut TcpStream, shared: &Shared) {
    let mut byte = [0];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
    shared.state.send_modify(|state| state.hung_up += 1);
}

/// The next request; nothing at the end of the connection.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Received> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break buffer.drain(..end + 4).collect::<Vec<u8>>();
        }
        more(stream, buffer).await?;
    };
    let mut received = Received { head: String::from_utf8(head).expect("a head in ASCII"), body: Bytes::new() };
    let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(received.header("transfer-encoding"), None, "the gateway knows how long a request is");
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    received.body = buffer.drain(..length).collect();
    Some(received)
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(1..) => Some(()),
        Ok(0) | Err(_) => None,
    }
}
