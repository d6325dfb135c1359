//! Sockets: accept, caps, timeouts, drain. Knows hyper, knows no words of language models.

mod connection;
mod open_files;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::admin;
use crate::gateway::Gateway;

pub use open_files::raise_limit;

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

/// Connections to the admin port at the same time: a few people and their tools.
const ADMIN_CONNECTIONS_MAX: usize = 64;

/// A listening server.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    gateway: Arc<Gateway>,
    port: Port,
}

/// Whom a port is for.
#[derive(Clone, Debug)]
enum Port {
    /// Callers.
    Public,
    /// Operators, as the settings said when it was opened.
    Admin(Arc<admin::Port>),
}

impl Server {
    /// Listen.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(gateway: Arc<Gateway>) -> std::io::Result<Self> {
        let listen = gateway.generation().settings.server.listen;
        Self::bind_port(gateway, listen, Port::Public).await
    }

    /// Listen for operators, if there is a port for them.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind_admin(gateway: Arc<Gateway>) -> std::io::Result<Option<Self>> {
        let Some(admin) = gateway.generation().settings.admin.clone() else { return Ok(None) };
        let listen = admin.listen;
        Self::bind_port(gateway, listen, Port::Admin(Arc::new(admin::Port::new(admin)))).await.map(Some)
    }

    async fn bind_port(gateway: Arc<Gateway>, listen: SocketAddr, port: Port) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, gateway, port })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serve until `stop` says true, then let open exchanges end within the grace. Says whether all of them did.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> bool {
        let Self { listener, gateway, port, .. } = self;
        let mut settings = gateway.generation().settings.server.clone();
        if let Port::Admin(_) = port {
            settings.connections_max = ADMIN_CONNECTIONS_MAX;
        }
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
            let (gateway, port, server, stop) = (gateway.clone(), port.clone(), settings.clone(), stop.clone());
            tokio::spawn(async move {
                connection::serve(stream, gateway, port, &server, stop).await;
                drop(place);
            });
        }
        drop(listener);
        let open = settings.connections_max.saturating_sub(places.available_permits());
        info!(open, grace_ms = settings.drain.as_millis() as u64, "stopping");
        let all = u32::try_from(settings.connections_max).unwrap_or(u32::MAX);
        timeout(settings.drain, places.acquire_many(all)).await.is_ok()
    }
}

/// Wait until `stop` says true, or nobody is left to say it.
pub(crate) async fn said_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
