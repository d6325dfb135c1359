//! How a shared store is reached: a Redis or Valkey.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError};

use crate::config::Secret;

/// All names begin with it, which also keeps them on one node of a cluster.
pub(crate) const PREFIX: &str = "{sluicegate}";

/// Whether this can be the address of a Redis.
pub(crate) fn is_address(url: &str) -> bool {
    Client::open(url).is_ok()
}

/// A connection that is made when it is first needed, and anew when it was lost; `wait` bounds each answer.
///
/// # Errors
/// When it is no address.
pub(crate) fn connect(url: &Secret, wait: Duration) -> Result<ConnectionManager, String> {
    let client = Client::open(url.reveal()).map_err(|_| "the address of the shared store is none".to_owned())?;
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(wait))
        .set_connection_timeout(Some(wait))
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client, config)
        .map_err(|error| format!("setting up the shared store: {}", why(&error)))
}

/// Why there is no answer, where there was none in time.
pub(crate) const TOO_SLOW: &str = "the shared store did not answer in time";
/// Why an answer is of no use.
pub(crate) const SOMETHING_ELSE: &str = "the shared store answered something else than was asked";

/// What went wrong, without the address, which may hold a password.
pub(crate) fn why(error: &RedisError) -> String {
    format!("asking the shared store: {}", error.detail().map_or_else(|| error.category().to_owned(), str::to_owned))
}
