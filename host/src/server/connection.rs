//! One connection, and when it has to end although its caller does not end it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_io_timeout::TimeoutStream;
use tracing::debug;

use super::{Port, said_stop};
use crate::config;
use crate::gateway::Gateway;
use crate::{admin, proxy, reply};

/// Headers of one request; hyper's own default.
const HEADERS_MAX: usize = 100;
/// Streams of one HTTP/2 connection; what RFC 9113 recommends as the least.
const STREAMS_MAX: u32 = 100;

/// Serve a connection until its caller or one of the limits ends it. After `stop` says true it takes no further request.
pub(super) async fn serve(
    stream: TcpStream,
    gateway: Arc<Gateway>,
    port: Port,
    settings: &config::Server,
    mut stop: watch::Receiver<bool>,
) {
    // Tokens are small, and each is waited for.
    let _ = stream.set_nodelay(true);
    // Whoever reads nothing of what is sent would hold the answer, and the call to the provider, for ever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(settings.write));
    let builder = builder(settings);
    let requests = Arc::new(Requests::new());
    let service = service_fn(|request: Request<Incoming>| {
        let (gateway, port) = (gateway.clone(), port.clone());
        let longest = gateway.generation().settings.upstream.total;
        let in_service = requests.clone().begin(Instant::now() + longest + settings.write);
        // Ten kilobytes that hyper would move into the connection, and that an idle connection would keep.
        Box::pin(async move {
            let response = match port {
                Port::Public => proxy::serve(&gateway, request).await,
                Port::Admin(admin) => admin::serve(&gateway, &admin, request).await,
            };
            Ok::<_, Infallible>(response.map(|body| Held { body, _in_service: in_service }))
        })
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = said_stop(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = requests.are_over(settings.header) => {
            connection.as_mut().graceful_shutdown();
            timeout(settings.write, connection).await.unwrap_or_else(|_| Err("it does not come to an end".into()))
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}

fn builder(settings: &config::Server) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header)
        .max_headers(HEADERS_MAX)
        .max_buf_size(settings.header_bytes_max.max(8 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(settings.header))
        .keep_alive_timeout(settings.header);
    builder
}

/// The requests of a connection that are in service.
///
/// hyper bounds the time for a head once it knows which version of HTTP it reads, and only for HTTP/1. It asks for no more
/// of an answer while the caller takes nothing, so an exchange does not notice that its time is over.
#[derive(Debug)]
struct Requests(Mutex<State>);

#[derive(Debug)]
struct State {
    /// When each must be over, and its answer read.
    open: BTreeMap<u64, Instant>,
    begun: u64,
    idle_since: Instant,
}

impl Requests {
    fn new() -> Self {
        Self(Mutex::new(State { open: BTreeMap::new(), begun: 0, idle_since: Instant::now() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: Arc<Self>, over: Instant) -> InService {
        let mut state = self.state();
        state.begun += 1;
        let number = state.begun;
        state.open.insert(number, over);
        drop(state);
        InService { requests: self, number }
    }

    /// Wait until none has been in service for as long as `idle`, or one is in service for longer than it may.
    async fn are_over(&self, idle: Duration) {
        loop {
            let next = {
                let state = self.state();
                state.open.values().min().copied().unwrap_or(state.idle_since + idle)
            };
            let now = Instant::now();
            if next <= now {
                return;
            }
            // What ends meanwhile leaves the connection idle.
            sleep_until(next.min(now + idle)).await;
        }
    }
}

/// A request is in service until this is dropped.
#[derive(Debug)]
struct InService {
    requests: Arc<Requests>,
    number: u64,
}

impl Drop for InService {
    fn drop(&mut self) {
        let mut state = self.requests.state();
        state.open.remove(&self.number);
        if state.open.is_empty() {
            state.idle_since = Instant::now();
        }
    }
}

/// The body of a response, which is in service for as long as it is there.
#[derive(Debug)]
struct Held {
    body: reply::Body,
    _in_service: InService,
}

impl Body for Held {
    type Data = <reply::Body as Body>::Data;
    type Error = <reply::Body as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
