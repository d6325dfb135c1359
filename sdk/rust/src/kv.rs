//! A small store, kept apart by plugin and tenant, for plugins whose installation has `[grants.kv]`.
//!
//! In the gateway the host keeps it; natively, in tests, each thread has one of its own, without bounds.

use std::time::Duration;

pub use crate::bindings::imports::sluicegate::plugin::kv::KvError as Error;

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::sluicegate::plugin::kv as store;
#[cfg(not(target_arch = "wasm32"))]
use native as store;

/// What is kept under a key of at most 512 bytes.
///
/// # Errors
/// When the key is too long, or the store cannot be asked.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    store::get(key)
}

/// Keep a value for so long; without a time, until it is deleted.
///
/// # Errors
/// When key or value are too long, there is no room, or the store cannot be asked.
pub fn set(key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
    store::set(key, value, ttl.map(milliseconds))
}

/// Forget what is kept under a key.
///
/// # Errors
/// When the key is too long, or the store cannot be asked.
pub fn delete(key: &str) -> Result<(), Error> {
    store::delete(key)
}

/// Add to a number, which is 0 where there was none and then kept for so long; gives the sum. Of many who add at the same
/// time each counts.
///
/// # Errors
/// When what is kept is no number, there is no room, or the store cannot be asked.
pub fn increment(key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
    store::increment(key, by, ttl.map(milliseconds))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use super::Error;

    /// A value, and until when it is kept.
    type Kept = (Vec<u8>, Option<Instant>);

    thread_local! {
        static KEPT: RefCell<BTreeMap<String, Kept>> = const { RefCell::new(BTreeMap::new()) };
    }

    fn found(key: &str) -> Option<Kept> {
        let kept = KEPT.with_borrow(|kept| kept.get(key).cloned());
        kept.filter(|(_, until)| until.is_none_or(|until| until > Instant::now()))
    }

    fn keep(key: &str, kept: Kept) {
        KEPT.with_borrow_mut(|all| all.insert(key.to_owned(), kept));
    }

    fn until(ttl_ms: Option<u64>) -> Option<Instant> {
        ttl_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)))
    }

    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(found(key).map(|(value, _)| value))
    }

    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn set(key: &str, value: &[u8], ttl_ms: Option<u64>) -> Result<(), Error> {
        keep(key, (value.to_vec(), until(ttl_ms)));
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn delete(key: &str) -> Result<(), Error> {
        KEPT.with_borrow_mut(|all| all.remove(key));
        Ok(())
    }

    pub(super) fn increment(key: &str, by: i64, ttl_ms: Option<u64>) -> Result<i64, Error> {
        let (value, until) = found(key).unwrap_or_else(|| (b"0".to_vec(), until(ttl_ms)));
        let number = std::str::from_utf8(&value).ok().and_then(|value| value.parse::<i64>().ok());
        let sum = number.and_then(|number| number.checked_add(by));
        let sum = sum.ok_or_else(|| Error::Unavailable("what is kept under this key is no number".to_owned()))?;
        keep(key, (sum.to_string().into_bytes(), until));
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_it_keeps_what_the_host_would() {
        assert_eq!(get("a"), Ok(None));
        assert_eq!(set("a", b"x", None), Ok(()));
        assert_eq!(get("a"), Ok(Some(b"x".to_vec())));
        assert!(increment("a", 1, None).is_err());
        assert_eq!(delete("a"), Ok(()));
        assert_eq!((increment("a", 2, None), increment("a", 3, None)), (Ok(2), Ok(5)));
        assert_eq!(set("a", b"x", Some(Duration::ZERO)), Ok(()));
        assert_eq!(get("a"), Ok(None));
    }
}
