//! Sockets: accept, caps, timeouts, drain. Knows hyper, knows no words of language models.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::config;
use crate::gateway::Gateway;
use crate::proxy;

/// Headers of one request; hyper's own default.
const HEADERS_MAX: usize = 100;
/// Streams of one HTTP/2 connection; what RFC 9113 recommends as the least.
const STREAMS_MAX: u32 = 100;
/// How long to wait when no connection can be accepted, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Tasks that a worker runs before it looks for news from the network. A plugin that computes yields every few
/// microseconds, and each yield counts as one: tokio's own 61 would let one plugin keep others waiting for
/// milliseconds.
const TASKS_BETWEEN_NEWS: u32 = 7;

/// The threads that serve: as many as there are cores, or `workers`.
///
/// # Errors
/// When the system gives no threads.
pub fn executor(workers: Option<usize>) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().event_interval(TASKS_BETWEEN_NEWS).global_queue_interval(TASKS_BETWEEN_NEWS);
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    builder.build()
}

/// A listening server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    gateway: Arc<Gateway>,
}

impl Server {
    /// Listen.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(gateway: Arc<Gateway>) -> std::io::Result<Self> {
        let listen = gateway.generation().settings.server.listen;
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, gateway })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serve until `stop` says true, then let open exchanges end within the grace. Says whether all of them did.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> bool {
        let Self { listener, gateway, .. } = self;
        let settings = gateway.generation().settings.server.clone();
        let open = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(settings.connections_max));
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = said_stop(&mut stop) => break,
            };
            let Ok(place) = place else { break };
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        warn!(%error, "accepting a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
                () = said_stop(&mut stop) => break,
            };
            serve(stream, &gateway, &settings, &open, place);
        }
        drop(listener);
        let count = open.count();
        info!(open = count, grace_ms = settings.drain.as_millis() as u64, "stopping");
        timeout(settings.drain, open.shutdown()).await.is_ok()
    }
}

/// Wait until `stop` says true, or nobody is left to say it.
pub(crate) async fn said_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn serve(
    stream: TcpStream,
    gateway: &Arc<Gateway>,
    settings: &config::Server,
    open: &GracefulShutdown,
    place: tokio::sync::OwnedSemaphorePermit,
) {
    // Tokens are small, and each is waited for.
    let _ = stream.set_nodelay(true);
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
    let gateway = gateway.clone();
    let begun = Arc::new(Notify::new());
    let (has_begun, header) = (begun.clone(), settings.header);
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = gateway.clone();
        has_begun.notify_one();
        async move { Ok::<_, Infallible>(proxy::serve(&gateway, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = open.watch(connection);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        // hyper counts the time for a head only once it knows which version of HTTP it reads: whoever says nothing, or
        // half the beginning of HTTP/2, would keep the place for ever.
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            begun = timeout(header, begun.notified()) => match begun {
                Ok(()) => connection.await,
                Err(_) => Err("no request came in time".into()),
            },
        };
        if let Err(error) = ended {
            debug!(%error, "connection ended");
        }
        drop(place);
    });
}
