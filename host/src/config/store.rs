//! From what a person wrote about the store to what the program needs.

use std::path::Path;

use super::problem::suggestion;
use super::resolve::{file_name, milliseconds, number, secret};
use super::{OnFailure, Problems, Secret, Store, file};
use crate::store::redis::is_address;

pub(super) fn store(file: &file::Store, base: &Path, problems: &mut Problems) -> Store {
    Store {
        path: base.join(file_name(file.path.as_ref(), "sluicegate.db", "store.path", problems)),
        redis: file.redis.as_ref().and_then(|redis| address(redis, base, problems)),
        wait: milliseconds(file.wait_ms.as_ref(), 500, "store.wait_ms", problems),
        kv_bytes_max: number(file.kv_bytes_max.as_ref(), 1 << 30, 1..=1 << 40, "store.kv_bytes_max", problems),
        on_failure: on_failure(file, problems),
    }
}

fn address(redis: &file::Redis, base: &Path, problems: &mut Problems) -> Option<Secret> {
    let url = secret(&redis.url, base, "store.redis.url", problems)?;
    if !is_address(url.reveal()) {
        // Not repeated: it may hold a password.
        let message =
            "is not an address of a Redis; write it as redis://:PASSWORD@HOST:6379/0, or with rediss:// for TLS";
        problems.add(Some(redis.url.span()), "store.redis.url", message);
        return None;
    }
    Some(url)
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
