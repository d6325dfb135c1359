//! Compiled functions, remembered while the process lives: an author compiles nearly the same component again and again,
//! and of one with a runtime in it all but a few functions stay the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use wasmtime::CacheStore;

/// Bytes of all that is remembered. CPython's functions have about 40 MB.
const BYTES_MAX: usize = 512 << 20;

/// Those of this process, whatever engine compiled them: the key says with which settings.
pub(super) fn remembered() -> Arc<dyn CacheStore> {
    static REMEMBERED: LazyLock<Arc<Functions>> = LazyLock::new(|| Arc::new(Functions::of(BYTES_MAX)));
    REMEMBERED.clone()
}

#[derive(Debug)]
struct Functions {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Vec<u8>, Arc<[u8]>>,
    bytes: usize,
}

impl Functions {
    fn of(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let found = self.kept.lock().unwrap_or_else(PoisonError::into_inner).by_key.get(key).cloned();
        found.map(|found| Cow::Owned(found.to_vec()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = key.len() + value.len();
        let has_room = kept.bytes.saturating_add(bytes) <= self.bytes_max;
        if has_room {
            kept.bytes += bytes;
            kept.by_key.insert(key.to_vec(), value.into());
        }
        has_room
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_a_bound() {
        let functions = Functions::of(10);
        assert!(functions.insert(b"one", vec![1; 4]));
        assert!(!functions.insert(b"two", vec![2; 4]));
        assert_eq!(functions.get(b"one").as_deref(), Some(&[1; 4][..]));
        assert_eq!(functions.get(b"two"), None);
    }
}
