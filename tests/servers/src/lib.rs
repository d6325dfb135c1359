//! The real servers of tests: each in a folder of its own, with nothing in it, gone when it is dropped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod postgres;
mod redis;

use std::time::Duration;

pub use postgres::Postgres;
pub use redis::Redis;

/// How long a server may take to start, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
