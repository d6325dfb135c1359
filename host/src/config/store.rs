//! From what a person wrote about the store to what the program needs.

use std::path::Path;

use toml::Spanned;

use super::problem::suggestion;
use super::resolve::{file_name, milliseconds, number, secret};
use super::{OnFailure, Problems, Secret, Store, file};
use crate::store::postgres::is_address as is_postgres;
use crate::store::redis::is_address as is_redis;

pub(super) fn store(file: &file::Store, base: &Path, problems: &mut Problems) -> Store {
    Store {
        path: base.join(file_name(file.path.as_ref(), "sluicegate.db", "store.path", problems)),
        redis: file.redis.as_ref().and_then(|file| redis(file, base, problems)),
        postgres: postgres(file, base, problems),
        wait: milliseconds(file.wait_ms.as_ref(), 500, "store.wait_ms", problems),
        kv_bytes_max: number(file.kv_bytes_max.as_ref(), 1 << 30, 1..=1 << 40, "store.kv_bytes_max", problems),
        on_failure: on_failure(file, problems),
    }
}

fn redis(redis: &file::Redis, base: &Path, problems: &mut Problems) -> Option<Secret> {
    const MESSAGE: &str =
        "is not an address of a Redis; write it as redis://:PASSWORD@HOST:6379/0, or with rediss:// for TLS";
    address(&redis.url, base, "store.redis.url", problems, is_redis, MESSAGE)
}

fn postgres(file: &file::Store, base: &Path, problems: &mut Problems) -> Option<Secret> {
    const MESSAGE: &str =
        "is not an address of a PostgreSQL; write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE";
    let postgres = file.postgres.as_ref()?;
    address(&postgres.url, base, "store.postgres.url", problems, is_postgres, MESSAGE)
}

fn address(
    url: &Spanned<file::SecretSource>,
    base: &Path,
    field: &str,
    problems: &mut Problems,
    is_address: fn(&str) -> bool,
    message: &str,
) -> Option<Secret> {
    let address = secret(url, base, field, problems)?;
    if !is_address(address.reveal()) {
        // Not repeated: it may hold a password.
        problems.add(Some(url.span()), field, message);
        return None;
    }
    Some(address)
}

fn on_failure(file: &file::Store, problems: &mut Problems) -> OnFailure {
    let Some(given) = &file.on_failure else { return OnFailure::Closed };
    match given.get_ref().as_str() {
        "closed" => OnFailure::Closed,
        "open" => OnFailure::Open,
        other => {
            let close = suggestion(other, ["closed", "open"].into_iter());
            let message = format!("{other:?} is not known; use \"closed\" or \"open\"{close}");
            problems.add(Some(given.span()), "store.on_failure", message);
            OnFailure::Closed
        }
    }
}
