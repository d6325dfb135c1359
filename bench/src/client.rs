//! One connection of the load generator: HTTP/1.1 over TCP, as lean as it can be, since it shares the machine with what is
//! measured. It understands what the model, the bare proxy and the gateway send, and nothing else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Result;

/// Longer than any answer that is asked for.
const PATIENCE: Duration = Duration::from_secs(20);
/// What stands in front of the text of an event.
const TEXT: &[u8] = b"\"content\":\"";

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// As it came: status line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// From sending the request to the first piece of text of a stream.
    pub(crate) first_text: Option<Duration>,
    /// From sending the request to the last byte.
    pub(crate) took: Duration,
}

impl Reply {
    /// How many events it has.
    pub(crate) fn events(&self) -> usize {
        occurrences(&self.body, b"data: ")
    }

    /// The values of a parameter of all its receipts: those in the head, and those that came behind a stream.
    pub(crate) fn receipts(&self, parameter: &str) -> Vec<String> {
        let body = String::from_utf8_lossy(&self.body);
        let behind = body.split("\n: x-sluicegate-plugins").nth(1).unwrap_or_default();
        let listed = if behind.is_empty() { self.head.as_str() } else { behind };
        let wanted = format!(";{parameter}=");
        let values = listed.split(&wanted).skip(1);
        values.map(|rest| rest.split([';', ',', '\r', '\n']).next().unwrap_or_default().to_owned()).collect()
    }
}

fn occurrences(text: &[u8], wanted: &[u8]) -> usize {
    text.windows(wanted.len()).filter(|window| *window == wanted).count()
}

/// How the end of a body is told.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let failed = |error| format!("connecting to {address}: {error}");
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4 << 10) })
    }

    /// Send a request and read the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Reply> {
        match timeout(PATIENCE, self.exchange(request)).await {
            Ok(reply) => reply,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        }
    }

    /// Send a request, whose answer is read another time.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await.map_err(|error| format!("sending a request: {error}"))
    }

    /// Read a stream until it has said something.
    pub(crate) async fn begins(&mut self) -> Result<()> {
        let begun = async {
            while !has_text(&self.buffer) {
                self.read().await?;
            }
            Ok(())
        };
        match timeout(PATIENCE, begun).await {
            Ok(begun) => begun,
            Err(_) => Err(format!("no text within {} s", PATIENCE.as_secs())),
        }
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Reply> {
        let started = Instant::now();
        self.send(request).await?;
        let mut reply = Reply::default();
        let end_of_head = loop {
            match position(&self.buffer, b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let rest = self.buffer.split_off(end_of_head);
        let head = std::mem::replace(&mut self.buffer, rest);
        reply.head = String::from_utf8(head).map_err(|_| "an answer's head is not text")?.to_ascii_lowercase();
        reply.status = reply.head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        match framing(&reply.head)? {
            Framing::Length(length) => {
                while self.buffer.len() < length {
                    self.read().await?;
                }
                let rest = self.buffer.split_off(length);
                reply.body = std::mem::replace(&mut self.buffer, rest);
            }
            Framing::Chunked => self.read_chunks(&mut reply, started).await?,
        }
        reply.took = started.elapsed();
        Ok(reply)
    }

    async fn read_chunks(&mut self, reply: &mut Reply, started: Instant) -> Result<()> {
        let mut at = 0;
        loop {
            let Some(line) = self.buffer.get(at..).and_then(|rest| position(rest, b"\r\n")) else {
                self.buffer.drain(..at);
                at = 0;
                self.read().await?;
                continue;
            };
            let size = self.buffer.get(at..at + line).and_then(|size| std::str::from_utf8(size).ok());
            let size = size.and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or("a chunk without a size")?;
            let (start, end) = (at + line + 2, at + line + 2 + size);
            while self.buffer.len() < end + 2 {
                self.read().await?;
            }
            if size == 0 {
                self.buffer.drain(..end + 2);
                return Ok(());
            }
            reply.body.extend_from_slice(self.buffer.get(start..end).unwrap_or_default());
            if reply.first_text.is_none() && has_text(&reply.body) {
                reply.first_text = Some(started.elapsed());
            }
            at = end + 2;
        }
    }

    async fn read(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the connection was closed in the middle of an answer".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("reading an answer: {error}")),
        }
    }
}

/// Whether some event has text that is not empty.
fn has_text(body: &[u8]) -> bool {
    let mut rest = body;
    while let Some(at) = position(rest, TEXT) {
        rest = rest.get(at + TEXT.len()..).unwrap_or_default();
        if rest.first().is_some_and(|first| *first != b'"') {
            return true;
        }
    }
    false
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = text.get(from..)?.iter().position(|byte| *byte == first) {
        if text.get(from + at..)?.starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// `head` is in lower case.
fn framing(head: &str) -> Result<Framing> {
    let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    if value("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
        return Ok(Framing::Chunked);
    }
    let length = value("content-length").and_then(|length| length.parse().ok());
    length.map(Framing::Length).ok_or_else(|| "an answer without a length".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_empty_does_not_count_as_the_first() {
        assert!(!has_text(b"data: {\"delta\":{\"content\":\"\"}}\n\n"));
        assert!(has_text(b"{\"content\":\"\"}\n\n{\"content\":\"a\"}"));
    }

    #[test]
    fn the_framing_is_read_from_the_head() {
        assert!(matches!(framing("http/1.1 200 ok\r\ncontent-length: 12\r\n\r\n"), Ok(Framing::Length(12))));
        assert!(matches!(framing("http/1.1 200 ok\r\ntransfer-encoding: chunked\r\n\r\n"), Ok(Framing::Chunked)));
        assert!(framing("http/1.1 200 ok\r\n\r\n").is_err());
    }

    #[test]
    fn receipts_of_a_stream_are_those_behind_it() {
        let head = "http/1.1 200 ok\r\nx-sluicegate-plugins: a;digest=1;us=5, b;digest=2;us=6\r\n".to_owned();
        let mut reply = Reply { head, ..Reply::default() };
        assert_eq!(reply.receipts("digest"), ["1", "2"]);
        reply.body = b"data: x\n\n: x-sluicegate-plugins: a;digest=1;us=5, b;digest=3;us=7\n\n".to_vec();
        assert_eq!(reply.receipts("digest"), ["1", "3"]);
        assert_eq!(reply.receipts("us"), ["5", "7"]);
        assert_eq!(reply.events(), 1);
    }
}
