//! Values in a Redis or Valkey. One script does each step, all or nothing, by the server's clock.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use tokio::time::timeout;

use super::{ENTRY_BYTES, Failure, Kv, Place, Said, Step, number};
use crate::config::Secret;
use crate::store::redis::{PREFIX, SOMETHING_ELSE, TOO_SLOW, connect, why};

/// A place is forgotten when nothing in it has changed for so long: its plugin or its tenant is gone.
const KEPT: Duration = Duration::from_secs(800 * 86_400);

/// The values of any number of gateways.
#[derive(Debug)]
pub struct Shared {
    server: Arc<Server>,
}

struct Server {
    connection: ConnectionManager,
    script: Script,
    wait: Duration,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Shared {
    /// Values at this address. Nobody is asked before the first step; `wait` bounds each.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(url: &Secret, wait: Duration) -> Result<Self, String> {
        let connection = connect(url, wait)?;
        Ok(Self { server: Arc::new(Server { connection, script: Script::new(include_str!("kv.lua")), wait }) })
    }
}

impl Kv for Shared {
    fn run(&self, place: Place, step: Step) -> BoxFuture<'static, Result<Said, Failure>> {
        let server = self.server.clone();
        async move {
            match timeout(server.wait, server.asked(&place, &step)).await {
                Ok(Ok(said)) => read(&step, said),
                Ok(Err(error)) => Err(Failure::Unavailable(why(&error))),
                Err(_) => Err(Failure::Unavailable(TOO_SLOW.to_owned())),
            }
        }
        .boxed()
    }
}

impl Server {
    async fn asked(&self, place: &Place, step: &Step) -> Result<Vec<Vec<u8>>, RedisError> {
        let Place { plugin, tenant, bytes_max } = place;
        let ms = |ttl: &Option<Duration>| ttl.map_or(-1, |ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        let added;
        let (what, key, value, ttl): (_, _, &[u8], _) = match step {
            Step::Get(key) => ("get", key, b"", -1),
            Step::Delete(key) => ("delete", key, b"", -1),
            Step::Set(key, value, ttl) => ("set", key, value, ms(ttl)),
            Step::Increment(key, by, ttl) => {
                added = by.to_string();
                ("increment", key, added.as_bytes(), ms(ttl))
            }
        };
        // The length keeps names with colons apart.
        let name = |of: &str| format!("{PREFIX}:kv:{}:{plugin}:{tenant}:{of}", plugin.len());
        let mut script = self.script.prepare_invoke();
        script.key(name("values")).key(name("expiries")).key(name("bytes"));
        script.arg(what).arg(key).arg(value).arg(ttl).arg(*bytes_max).arg(KEPT.as_millis().to_string());
        script.arg(ENTRY_BYTES);
        script.invoke_async(&mut self.connection.clone()).await
    }
}

fn read(step: &Step, said: Vec<Vec<u8>>) -> Result<Said, Failure> {
    let mut said = said.into_iter();
    let word = said.next().unwrap_or_default();
    let value = said.next();
    match (&*word, step) {
        (b"none", _) => Ok(Said::Value(None)),
        (b"ok", Step::Get(_)) => Ok(Said::Value(Some(value.unwrap_or_default()))),
        (b"ok", Step::Set(..) | Step::Delete(_)) => Ok(Said::Done),
        (b"ok", Step::Increment(..)) => value.as_deref().and_then(number).map(Said::Number).ok_or(Failure::NotANumber),
        (b"quota", _) => Err(Failure::QuotaExceeded),
        (b"number", _) => Err(Failure::NotANumber),
        _ => Err(Failure::Unavailable(SOMETHING_ELSE.to_owned())),
    }
}
