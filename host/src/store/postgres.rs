//! How a PostgreSQL is reached.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use tokio_postgres::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::Secret;
use crate::upstream::{causes, tls};

/// Connections of one gateway at a time.
const CONNECTIONS_MAX: usize = 8;
/// Silence after which a server is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);

fn config(url: &str) -> Option<Config> {
    // Other forms are known too, in which a host is easily left out.
    let is_url = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    // A certificate is always looked at.
    let url = url.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
    is_url.then(|| url.parse().ok()).flatten().filter(|config: &Config| !config.get_hosts().is_empty())
}

/// Whether this can be the address of a PostgreSQL.
pub(crate) fn is_address(url: &str) -> bool {
    config(url).is_some()
}

/// What operators know it by: its first host and its database.
pub(crate) fn named(url: &Secret) -> Option<String> {
    use tokio_postgres::config::Host;
    let config = config(url.reveal())?;
    let host = match config.get_hosts().first()? {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    Some(format!("PostgreSQL at {host}, database {}", config.get_dbname().unwrap_or("of its user")))
}

/// Connections that are made when they are needed, with TLS where the server has it; `wait` bounds how long a free one is waited for, or a new one. Each
/// begins with these statements.
///
/// # Errors
/// When it is no address.
pub(crate) fn connect(
    url: &Secret,
    authorities: &[CertificateDer<'static>],
    wait: Duration,
    first: &'static str,
) -> Result<Pool, String> {
    let mut config = config(url.reveal()).ok_or("the address of the PostgreSQL is none")?;
    config.application_name("sluicegate").connect_timeout(wait).tcp_user_timeout(wait).keepalives_idle(KEEPALIVE);
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config, MakeRustlsConnect::new(tls(authorities)?), manager);
    let begin = Hook::async_fn(move |client, _| {
        Box::pin(async move { client.batch_execute(first).await.map_err(HookError::Backend) })
    });
    let pool = Pool::builder(manager).max_size(CONNECTIONS_MAX).post_create(begin).runtime(Runtime::Tokio1);
    pool.timeouts(deadpool_postgres::Timeouts { wait: Some(wait), create: Some(wait), recycle: Some(wait) })
        .build()
        .map_err(|error| format!("setting up the PostgreSQL: {error}"))
}

/// What went wrong, without what was sent.
pub(crate) fn why(error: &tokio_postgres::Error) -> String {
    let why = error.as_db_error().map_or_else(|| causes(error), |said| said.message().to_owned());
    format!("asking the PostgreSQL: {why}")
}

/// Why there is no connection: the error of the server, or else words.
pub(crate) fn without_connection(error: PoolError) -> Result<tokio_postgres::Error, String> {
    match error {
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Ok(error),
        other => Err(format!("connecting to the PostgreSQL: {other}")),
    }
}
