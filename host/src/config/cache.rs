//! From what a person wrote about the cache to what the program needs.

use std::path::Path;

use super::resolve::{file_name, milliseconds, number};
use super::{Cache, Problems, file};

const MIB: u64 = 1 << 20;

pub(super) fn cache(file: &file::Cache, base: &Path, problems: &mut Problems) -> Cache {
    let bytes = |given: Option<&toml::Spanned<u64>>, usual: u64, of: &str, problems: &mut Problems| {
        number(given, usual, 0..=1 << 40, &format!("cache.{of}"), problems)
    };
    Cache {
        path: base.join(file_name(file.path.as_ref(), "sluicegate-cache.db", "cache.path", problems)),
        memory_bytes_max: bytes(file.memory_bytes_max.as_ref(), 64 * MIB, "memory_bytes_max", problems),
        file_bytes_max: bytes(file.file_bytes_max.as_ref(), 1_024 * MIB, "file_bytes_max", problems),
        vectors_bytes_max: bytes(file.vectors_bytes_max.as_ref(), 256 * MIB, "vectors_bytes_max", problems),
        entry_bytes_max: number(file.entry_bytes_max.as_ref(), MIB, 1..=64 * MIB, "cache.entry_bytes_max", problems),
        wait: milliseconds(file.wait_ms.as_ref(), 50, "cache.wait_ms", problems),
        embedding_wait: milliseconds(file.embedding_wait_ms.as_ref(), 1_000, "cache.embedding_wait_ms", problems),
    }
}
