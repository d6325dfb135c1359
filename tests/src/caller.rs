//! A caller that sees every byte of an answer.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::provider::PATIENCE;

/// What can be sent as a body.
pub trait Body {
    /// Its bytes.
    fn bytes(self) -> Bytes;
}

impl Body for Value {
    fn bytes(self) -> Bytes {
        self.to_string().into()
    }
}

impl Body for &str {
    fn bytes(self) -> Bytes {
        Bytes::copy_from_slice(self.as_bytes())
    }
}

impl Body for String {
    fn bytes(self) -> Bytes {
        self.into()
    }
}

impl Body for Vec<u8> {
    fn bytes(self) -> Bytes {
        self.into()
    }
}

/// A request that is about to be sent. `.await` it for the whole [`Answer`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Call {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    http2: bool,
}

impl Call {
    /// A request to whoever listens there.
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { address, method, path, headers: Vec::new(), body: Bytes::new(), http2: false }
    }

    /// With this body.
    pub fn body(self, body: impl Body) -> Self {
        Self { body: body.bytes(), ..self }.header("content-type", "application/json")
    }

    /// With this header too.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Ask for receipts.
    pub fn receipts(self) -> Self {
        self.header("x-sluicegate-receipts", "1")
    }

    /// Over HTTP/2, without an upgrade.
    pub fn http2(self) -> Self {
        Self { http2: true, ..self }
    }

    /// Send it, and wait for the head of the answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn open(self) -> Open {
        let opened = timeout(PATIENCE, self.try_open()).await.expect("an answer in time");
        opened.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// Send it, and wait for the head of the answer.
    ///
    /// # Errors
    /// When there is none.
    ///
    /// # Panics
    /// When the request is none.
    pub async fn try_open(self) -> Result<Open, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut request = Request::builder().method(&*self.method);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let io = TokioIo::new(stream);
        let (response, connection) = if self.http2 {
            let request = request.uri(format!("http://{}{}", self.address, self.path)).body(Full::new(self.body))?;
            let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
            let connection = tokio::spawn(async move { drop(connection.await) });
            (sender.send_request(request).await, connection)
        } else {
            let request = request.uri(self.path).header("host", self.address.to_string()).body(Full::new(self.body))?;
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
            let connection = tokio::spawn(async move { drop(connection.await) });
            (sender.send_request(request).await, connection)
        };
        let connection = Connection(connection);
        let (head, body) = response?.into_parts();
        Ok(Open {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            seen: Vec::new(),
            torn: false,
            connection,
        })
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.open().await.rest().await })
    }
}

/// Ends the connection with the answer.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer whose body is still coming. Dropping it hangs up.
#[derive(Debug)]
pub struct Open {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Incoming,
    seen: Vec<u8>,
    torn: bool,
    connection: Connection,
}

impl Open {
    /// What has come so far.
    #[must_use]
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Wait until this has come.
    ///
    /// # Panics
    /// When it never does.
    pub async fn until(&mut self, text: &str) {
        while !self.seen().contains(text) {
            assert!(self.more().await, "the answer ended without {text:?}: {}", self.seen());
        }
    }

    /// The rest of it.
    pub async fn rest(mut self) -> Answer {
        while self.more().await {}
        Answer { status: self.status, headers: self.headers, body: self.seen.into(), torn: self.torn }
    }

    /// Wait until the gateway has ended the connection.
    ///
    /// # Panics
    /// When it does not.
    pub async fn connection_has_ended(&mut self) {
        let ended = timeout(PATIENCE, &mut self.connection.0).await;
        ended.expect("the connection ends").expect("it does so in order");
    }

    /// Wait for more. Says whether there is.
    async fn more(&mut self) -> bool {
        match timeout(PATIENCE, self.body.frame()).await.expect("the answer goes on or ends") {
            Some(Ok(frame)) => {
                self.seen.extend(frame.into_data().unwrap_or_default());
                true
            }
            Some(Err(_)) => {
                self.torn = true;
                false
            }
            None => false,
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
    /// Whether the connection ended before the body did.
    pub torn: bool,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the answer is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The events of a stream, each without its empty line.
    ///
    /// # Panics
    /// When the answer is torn or does not end with an empty line: nothing that a gateway sends may.
    #[must_use]
    pub fn events(&self) -> Vec<&str> {
        assert!(!self.torn, "the answer is torn: {}", self.text());
        let (mut events, mut rest) = (Vec::new(), self.text());
        let end = |rest: &str| {
            let ends = ["\n\n", "\r\n\r\n"].iter();
            ends.filter_map(|end| rest.find(end).map(|at| (at, at + end.len()))).min()
        };
        while let Some((end, next)) = end(rest) {
            events.push(&rest[..end]);
            rest = &rest[next..];
        }
        assert_eq!(rest, "", "the last event is torn: {}", self.text());
        events
    }

    /// The JSON of all events of a stream that have some.
    ///
    /// # Panics
    /// When one of them is not JSON.
    #[must_use]
    pub fn chunks(&self) -> Vec<Value> {
        let data = |event: &'_ str| event.lines().find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
        let data = self.events().into_iter().filter_map(data);
        let json = |data: String| serde_json::from_str(&data).unwrap_or_else(|error| panic!("{error}: {data}"));
        data.filter(|data| *data != "[DONE]").map(json).collect()
    }

    /// Whether it is a stream that came to its proper end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.events().contains(&"data: [DONE]")
    }

    fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    /// What a choice says in a field of its message or of its deltas.
    #[must_use]
    pub fn said(&self, choice: usize, field: &str) -> String {
        let (bodies, message) = match self.is_stream() {
            true => (self.chunks(), "delta"),
            false => (vec![self.json()], "message"),
        };
        let choices = bodies.iter().filter_map(|body| body["choices"].as_array()).flatten();
        choices.filter(|said| said["index"] == choice).filter_map(|said| said[message][field].as_str()).collect()
    }

    /// What the first choice says.
    #[must_use]
    pub fn content(&self) -> String {
        self.said(0, "content")
    }

    /// The reasons with which choices of a stream end.
    #[must_use]
    pub fn finishes(&self) -> Vec<String> {
        let chunks = self.chunks();
        let choices = chunks.iter().filter_map(|chunk| chunk["choices"].as_array()).flatten();
        choices.filter_map(|choice| choice["finish_reason"].as_str()).map(str::to_owned).collect()
    }

    /// The error, in the body or at the end of the stream.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn error(&self) -> Value {
        let bodies = if self.is_stream() { self.chunks() } else { vec![self.json()] };
        let error = bodies.iter().map(|body| &body["error"]).find(|error| !error.is_null());
        error.unwrap_or_else(|| panic!("no error: {}", self.text())).clone()
    }

    /// The code of the error.
    #[must_use]
    pub fn code(&self) -> String {
        let error = self.error();
        // In Google's shape the code is the HTTP status, and ours a reason.
        let code = error["code"].as_str().or_else(|| error["details"][0]["reason"].as_str());
        code.unwrap_or_default().to_owned()
    }

    /// The header of that name; in a stream also the comment at its end, which counts for more.
    fn about(&self, name: &str) -> Option<&str> {
        let comment = format!(": {name}: ");
        let at_the_end = self.text().lines().rev().find_map(|line| line.strip_prefix(&*comment));
        at_the_end.or(self.header(name))
    }

    /// The receipts.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        let receipts = self.about("x-sluicegate-plugins").expect("receipts");
        receipts.split(", ").filter(|receipt| !receipt.is_empty()).map(Receipt::read).collect()
    }

    /// What was not inspected; empty if all was.
    #[must_use]
    pub fn not_inspected(&self) -> &str {
        self.about("x-sluicegate-not-inspected").unwrap_or_default()
    }
}

/// A receipt as a caller sees it.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The plugin's name.
    pub plugin: String,
    parameters: Vec<(String, String)>,
}

impl Receipt {
    fn read(text: &str) -> Self {
        let mut parts = text.split(';');
        let plugin = parts.next().unwrap_or_default().to_owned();
        let parameters = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.trim_matches('"').to_owned());
        Self { plugin, parameters: parameters.map(own).collect() }
    }

    /// A parameter: `verdict`, `outcome`, `remembered`, `fuel`. A flag that is set is the empty text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| &**value)
    }

    /// Plugin, phase, verdict and outcome in one line.
    #[must_use]
    pub fn brief(&self) -> String {
        let part = |name| self.get(name).unwrap_or("?").to_owned();
        format!("{} {} {} {}", self.plugin, part("phase"), part("verdict"), part("outcome"))
    }
}
