//! The sandbox model: a small model server for when there is no key, and for when a model must misbehave on demand.
//!
//! It speaks OpenAI's chat completions, its Responses at `/v1/responses`, its older completions at `/v1/completions`,
//! Anthropic's messages at `/v1/messages`, Google's contents at `/v1beta/models/MODEL:generateContent` and
//! `:streamGenerateContent?alt=sse`, Amazon Bedrock's Converse at `/model/MODEL/converse` and `/converse-stream`, and what
//! Azure has at `/openai/v1` and `/openai/deployments/NAME`. It has vectors of texts at `/v1/embeddings` and
//! `:batchEmbedContents`, and counts tokens at `/v1/messages/count_tokens`, `/v1/responses/input_tokens` and `:countTokens`.
//! All that over real HTTP, so that the demo, plugin authors and the end-to-end tests go through the same sockets as
//! production. It is deterministic: the
//! same request gets the same bytes. What it does is chosen by the **last user message**:
//!
//! | the message | the answer |
//! | --- | --- |
//! | anything else | `You said: ` and the message, so that placeholders are repeated |
//! | `help` | this table, shortened |
//! | `repeat: TEXT` | exactly `TEXT`, to the end of the message; the model `sandbox-repeat` repeats the message itself |
//! | `leak KIND ...` | harmless sentences, then made-up personal data, then harmless sentences; `email`, `phone`, `card`, `iban`, `ssn`, `ip`, `key`, `aws`, `github`, `jwt`, `pem`, or `all`; see [`made_up`] |
//! | `call TOOL {json}` | calls the tool, with the arguments as written, valid or not; several such lines are parallel calls |
//! | `call TOOL`, `call` | the same with arguments made from the tool's schema; the first tool of the request |
//! | `long N` | N words of harmless text |
//! | `unicode` | emoji, joiners, combining marks, right-to-left text; everything beyond ASCII escaped, as `\ud83d\ude00` |
//! | `unicode split` | the same with each surrogate pair split over two events, so that neither half is a character |
//! | `refuse`, `refuse: TEXT` | a refusal in `message.refusal` |
//! | `usage` | a short answer, and the usage in a stream even when nobody asked for it |
//! | `fail STATUS [retry-after SECONDS][: TEXT]` | that HTTP status with OpenAI's error JSON, the message repeating `TEXT` |
//! | `garbage` | 200, and bytes that are neither events nor JSON |
//! | `die`, `stall` | closes the connection without an answer; never answers |
//!
//! Lines of these forms may stand **above** any of these, or alone, and change the manner of the answer:
//!
//! | the line | what changes |
//! | --- | --- |
//! | `reason: TEXT` | `reasoning_content` before the answer, as DeepSeek and vLLM send it |
//! | `slow`, `slow MS` | a pause before each chunk but the first ([`Settings::pace`], or so many milliseconds) |
//! | `slow start MS` | waits before the head of the response |
//! | `die after N` | N chunks, then the connection is dropped; at the latest before the end |
//! | `stall after N` | N chunks, then nothing, until the caller is gone |
//! | `garbage after N` | N chunks, then an event that is not JSON, and a clean end of the body without `[DONE]` |
//! | `chunks of N` | text is cut every N characters |
//! | `frames of N` | the event stream is written N bytes at a time, whatever they cut in two |
//! | `finish REASON` | that `finish_reason` |
//! | `usage P C [cached N] [reasoning N]` | usage says P prompt tokens and C completion tokens |
//!
//! **The model can choose too**, with the same words after `sandbox-` and dashes for spaces: `sandbox-slow`,
//! `sandbox-fail-503`, `sandbox-die-after-3`, `sandbox-chunks-of-1`. It is read as a line above the message, so that two
//! targets can treat one request differently. A model of any other name just answers.
//!
//! Beyond that: when the last messages are tool results, the answer is a sentence with them. `tool_choice` `required`
//! or a named function is obeyed; the strings of generated arguments repeat the message. A `response_format` of JSON
//! wraps every answer but `repeat:`. `max_tokens` counts words, `stop` stops, `n` choices differ by a suffix (except
//! with `repeat:`). A chunk is one event, the one with the role included; of a whole answer it is 64 bytes. After 0
//! chunks the head of the response has gone out; with plain `die` and `stall` not even that.

mod azure;
mod completions;
mod contents;
mod converse;
mod failure;
mod messages;
mod numbers;
mod pace;
mod plan;
mod request;
mod responses;
mod schema;
mod script;
mod server;
mod shared;
#[cfg(test)]
mod tests;
mod wire;
mod words;

use std::borrow::Cow;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use shared::Shared;
pub use words::made_up;

/// How the sandbox model listens and speaks. Every bound of it is here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. The default is a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The pause between two chunks of `sandbox-slow`: 60 ms, about the pace of a large model.
    pub pace: Duration,
    /// How many characters a chunk has on average: pieces run from half of it to half as much again, in a fixed
    /// pattern. With the default of 8 that is 4 to 12, about two tokens.
    pub chunk_chars: usize,
    /// How many requests [`Sandbox::seen`] remembers: 64. With 0 none, which a benchmark wants.
    pub seen_max: usize,
    /// How many bytes of bodies it remembers: 64 MiB. The newest request stays, whatever its size.
    pub seen_bytes_max: usize,
    /// The largest request body: 32 MiB, as much as the gateway would let through.
    pub body_bytes_max: usize,
    /// How many connections are open at a time: 4096. More wait in the kernel's queue.
    pub connections_max: usize,
    /// How long [`Sandbox::stop`] waits for answers under way: one second.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pace: Duration::from_millis(60),
            chunk_chars: 8,
            seen_max: 64,
            seen_bytes_max: 64 << 20,
            body_bytes_max: 32 << 20,
            connections_max: 4096,
            drain: Duration::from_secs(1),
        }
    }
}

/// A request that the sandbox model received.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The HTTP method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The headers; the values of those that carry credentials are replaced by `[redacted]`.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Seen {
    /// The body as text, for showing it.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Requests whose body has arrived; [`Sandbox::seen`] shows the last of them.
    pub received: usize,
    /// Requests whose head has arrived and whose answer is not yet complete.
    pub in_flight: usize,
    /// Requests that were dealt with, by an answer or by what was asked for instead of one (`die`).
    pub answered: usize,
    /// Requests whose caller left before the answer was complete.
    pub cancelled: usize,
}

/// A running sandbox model. It ends, with all its connections, when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Sandbox {
    /// Listens and serves until it is stopped or dropped. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened on.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind(settings.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&shared), stopped));
        Ok(Self { address, shared, stop: Some(stop), serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client calls its base URL: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The last requests, the oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen()
    }

    /// What has happened so far.
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// How many requests are being answered.
    pub fn in_flight(&self) -> usize {
        self.state().in_flight
    }

    /// How many answers were given up because the caller had gone.
    pub fn cancelled(&self) -> usize {
        self.state().cancelled
    }

    /// Waits until the state is as wanted, and returns it. For tests, which then need no sleep.
    ///
    /// The closure runs under a lock: it must not call the sandbox.
    pub async fn wait_until(&self, wanted: impl Fn(&State) -> bool) -> State {
        self.shared.wait_until(wanted).await
    }

    /// Stops listening, waits for answers under way ([`Settings::drain`] at most), and closes all connections.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only if the task is, and then there is nothing left to stop.
            let _ = stop.send(());
            let _ = (&mut self.serving).await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
