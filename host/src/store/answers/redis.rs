//! Answers in a Redis or Valkey, for any number of gateways. How much of them it keeps is its own affair: its
//! `maxmemory`, and its policy for what makes room.
//!
//! A value is a head of fixed length, by which it is purged without fetching the rest, then a description, then the
//! answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use redis::aio::ConnectionManager;
use redis::{RedisError, Script, cmd, pipe};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::{About, Answers, Digest, Failure, Kept, PURGE_TIME, Purge, hex};
use crate::config::Secret;
use crate::money::Money;
use crate::store::counters::{Clock, Moment};
use crate::store::redis::{PREFIX, connect, why};

/// What all values of this form begin with.
const FORM: &[u8; 4] = b"SGA1";
/// Form, checksum, key, the digests of tenant and model, and when the answer was given.
const HEAD_BYTES: usize = 4 + 4 * 32 + 8;
/// Where the checksum ends, which is of all behind it.
const CHECKED_FROM: usize = 4 + 32;
/// Keys that are looked at in one go of a purge.
const SCANNED: usize = 500;
/// What a value may have beside the texts of an entry: the head, and what JSON adds to them.
const BESIDE_BYTES_MAX: u64 = 256 << 10;
/// How long a step of a purge may take, which looks at many keys.
const STEP_TIME: Duration = Duration::from_secs(5);
/// The longest time that a value is kept for: a Redis refuses times that it cannot add to its own.
const LONGEST_MS: u64 = 400 * 86_400_000;

/// The answers of any number of gateways.
#[derive(Debug)]
pub struct Redis {
    server: Server,
}

#[derive(Clone)]
struct Server {
    connection: ConnectionManager,
    /// Another one for purges, whose steps may take longer than what an exchange waits for.
    purges: ConnectionManager,
    wait: Duration,
    entry_bytes_max: u64,
    clock: Clock,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// What is said of an answer behind the head.
#[derive(Debug, Deserialize, Serialize)]
struct Description {
    partition: Digest,
    tenant: String,
    model: String,
    kept_until: u64,
    fresh_until: u64,
    question: String,
    cost: Option<u64>,
    exchange: String,
}

impl Redis {
    /// Answers at this address, of up to so many bytes. Nobody is asked before the first; `wait` bounds each.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(url: &Secret, wait: Duration, entry_bytes_max: u64, clock: Clock) -> Result<Self, String> {
        let (connection, purges) = (connect(url, wait)?, connect(url, STEP_TIME)?);
        Ok(Self { server: Server { connection, purges, wait, entry_bytes_max, clock } })
    }
}

impl Answers for Redis {
    fn get(&self, key: Digest) -> BoxFuture<'static, Result<Option<Arc<Kept>>, Failure>> {
        let mut server = self.server.clone();
        async move {
            // Not GET: whatever is there, no more of it is fetched than an answer can have.
            let mut get = cmd("GETRANGE");
            get.arg(name(&key)).arg(0).arg(server.value_bytes_max());
            let value: Vec<u8> = in_time(server.wait, get.query_async(&mut server.connection)).await?;
            if value.is_empty() {
                return Ok(None);
            }
            let kept = read(&key, value.into()).ok_or(Failure::Garbage)?;
            Ok((server.clock.now() < kept.about.kept_until).then(|| Arc::new(kept)))
        }
        .boxed()
    }

    fn put(&self, kept: Arc<Kept>) -> BoxFuture<'static, Result<(), Failure>> {
        let mut server = self.server.clone();
        if kept.bytes() > server.entry_bytes_max {
            return ready(Err(Failure::Full)).boxed();
        }
        async move {
            let left = server.clock.now().until(kept.about.kept_until);
            if left.is_zero() {
                return Ok(());
            }
            let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).min(LONGEST_MS);
            let value = written(&kept)?;
            // A question can be longer in JSON. What is not fetched whole would be garbage.
            if u64::try_from(value.len()).is_ok_and(|bytes| bytes > server.value_bytes_max()) {
                return Err(Failure::Full);
            }
            let mut set = cmd("SET");
            set.arg(name(&kept.key)).arg(value).arg("PX").arg(left);
            in_time(server.wait, set.query_async::<()>(&mut server.connection)).await
        }
        .boxed()
    }

    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>> {
        let server = self.server.clone();
        async move { in_time(PURGE_TIME, server.purged(&purge)).await }.boxed()
    }

    fn mark_purge(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let mut server = self.server.clone();
        async move {
            let script = Script::new(MARK_PURGE);
            let script = script.key(mark());
            in_time(STEP_TIME, script.invoke_async(&mut server.purges)).await
        }
        .boxed()
    }

    fn since_purge(&self) -> BoxFuture<'static, Result<Option<Duration>, Failure>> {
        let mut server = self.server.clone();
        async move {
            let script = Script::new(SINCE_PURGE);
            let script = script.key(mark());
            let micros: Option<u64> = in_time(server.wait, script.invoke_async(&mut server.connection)).await?;
            Ok(micros.map(Duration::from_micros))
        }
        .boxed()
    }
}

async fn in_time<T>(wait: Duration, asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, Failure> {
    match timeout(wait, asked).await {
        Err(_) => Err(Failure::Timeout),
        Ok(Err(error)) if error.is_timeout() => Err(Failure::Timeout),
        Ok(Err(error)) if error.code() == Some("OOM") => Err(Failure::Full),
        Ok(Err(error)) if error.code() == Some("WRONGTYPE") => Err(Failure::Garbage),
        Ok(Err(error)) => Err(Failure::Unavailable(why(&error))),
        Ok(Ok(value)) => Ok(value),
    }
}

impl Server {
    /// Bytes of a value that are fetched; one that is longer is none of ours.
    fn value_bytes_max(&self) -> u64 {
        self.entry_bytes_max.saturating_add(BESIDE_BYTES_MAX)
    }

    async fn purged(mut self, purge: &Purge) -> Result<u64, RedisError> {
        if let Some(key) = &purge.key {
            return self.purged_of(purge, vec![name(key).into_bytes()]).await;
        }
        let (mut cursor, mut purged) = (0_u64, 0_u64);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{PREFIX}:cache:*")).arg("COUNT").arg(SCANNED);
            let (next, names): (u64, Vec<Vec<u8>>) = scan.query_async(&mut self.purges).await?;
            purged = purged.saturating_add(self.purged_of(purge, names).await?);
            if next == 0 {
                return Ok(purged);
            }
            cursor = next;
        }
    }

    /// Forget those of these names that are concerned.
    async fn purged_of(&mut self, purge: &Purge, names: Vec<Vec<u8>>) -> Result<u64, RedisError> {
        let Purge { key: _, tenant, model, before } = purge;
        let concerned = match (tenant, model, before) {
            // Whatever is under such a name, it goes: also what nobody can read.
            (None, None, None) => names,
            (_, _, _) => self.concerned(purge, names).await?,
        };
        if concerned.is_empty() {
            return Ok(0);
        }
        cmd("UNLINK").arg(concerned).query_async(&mut self.purges).await
    }

    /// Those of these names whose heads say that they are concerned.
    async fn concerned(&mut self, purge: &Purge, names: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, RedisError> {
        if names.is_empty() {
            return Ok(names);
        }
        let mut pipe = pipe();
        // One of another type is none of ours, and must not keep the others.
        pipe.ignore_errors();
        for name in &names {
            pipe.cmd("GETRANGE").arg(name).arg(0).arg(HEAD_BYTES - 1);
        }
        let heads: Vec<Result<Vec<u8>, RedisError>> = pipe.query_async(&mut self.purges).await?;
        let both = names.into_iter().zip(heads);
        let is_concerned = |head: Result<Vec<u8>, RedisError>| head.is_ok_and(|head| is_concerned(purge, &head));
        Ok(both.filter_map(|(name, head)| is_concerned(head).then_some(name)).collect())
    }
}

/// When answers were purged last, by the server's clock, in microseconds; for a day, which no exchange takes.
const MARK_PURGE: &str = "local now = redis.call('TIME')
redis.call('SET', KEYS[1], now[1] * 1000000 + now[2], 'EX', 86400)";
/// How long ago that was.
const SINCE_PURGE: &str = "local last, now = redis.call('GET', KEYS[1]), redis.call('TIME')
return last and now[1] * 1000000 + now[2] - last";

fn mark() -> String {
    format!("{PREFIX}:purged")
}

fn name(key: &Digest) -> String {
    format!("{PREFIX}:cache:{}", hex(key))
}

fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

/// The parts of a head, if it is one: checksum, key, tenant, model, and when the answer was given.
fn head(value: &[u8]) -> Option<([Digest; 4], Moment)> {
    let (form, rest) = value.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<32>()?;
    let (key, rest) = rest.split_first_chunk::<32>()?;
    let (tenant, rest) = rest.split_first_chunk::<32>()?;
    let (model, rest) = rest.split_first_chunk::<32>()?;
    let (created, _) = rest.split_first_chunk::<8>()?;
    (form == FORM).then_some(([*checksum, *key, *tenant, *model], Moment(u64::from_le_bytes(*created))))
}

/// What is not of our form is no answer, and concerns nobody but who purges all.
fn is_concerned(purge: &Purge, value: &[u8]) -> bool {
    let Some(([_, key, tenant, model], created)) = head(value) else { return false };
    purge.key.is_none_or(|this| this == key)
        && purge.tenant.as_ref().is_none_or(|this| digest(this) == tenant)
        && purge.model.as_ref().is_none_or(|this| digest(this) == model)
        && purge.before.is_none_or(|this| created < this)
}

fn written(kept: &Kept) -> Result<Vec<u8>, Failure> {
    let Kept { key, about, fresh_until, question, answer, cost, exchange } = kept;
    let description = Description {
        partition: about.partition,
        tenant: about.tenant.to_string(),
        model: about.model.to_string(),
        kept_until: about.kept_until.0,
        fresh_until: fresh_until.0,
        question: question.clone(),
        cost: cost.map(Money::nanodollars),
        exchange: exchange.to_string(),
    };
    let description = serde_json::to_vec(&description).map_err(|_| Failure::Garbage)?;
    let length = u32::try_from(description.len()).map_err(|_| Failure::Full)?;
    let mut checked = Vec::with_capacity(HEAD_BYTES + description.len() + answer.len());
    checked.extend(key);
    checked.extend(digest(&about.tenant));
    checked.extend(digest(&about.model));
    checked.extend(about.created.0.to_le_bytes());
    checked.extend(length.to_le_bytes());
    checked.extend(description);
    checked.extend(&**answer);
    let checksum: Digest = Sha256::digest(&checked).into();
    Ok([&FORM[..], &checksum, &checked].concat())
}

/// The answer that is kept under this key, if the value is one and whole.
fn read(wanted: &Digest, value: Bytes) -> Option<Kept> {
    let ([checksum, key, tenant, model], created) = head(&value)?;
    let is_whole = Digest::from(Sha256::digest(value.get(CHECKED_FROM..)?)) == checksum;
    let (length, rest) = value.get(HEAD_BYTES..)?.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let description: Description = serde_json::from_slice(rest.get(..length)?).ok()?;
    let answer = value.slice(HEAD_BYTES + 4 + length..);
    let is_it =
        is_whole && key == *wanted && digest(&description.tenant) == tenant && digest(&description.model) == model;
    is_it.then(|| Kept {
        key,
        about: About {
            partition: description.partition,
            tenant: description.tenant.into(),
            model: description.model.into(),
            created,
            kept_until: Moment(description.kept_until),
        },
        fresh_until: Moment(description.fresh_until),
        question: description.question,
        answer,
        cost: description.cost.map(Money::from_nanodollars),
        exchange: description.exchange.into(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
