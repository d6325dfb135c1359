//! From what a person wrote about the ledger to what the program needs.

use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use super::resolve::{file_name, milliseconds, number};
use super::{Ledger, Problems, file};

const MIB: u64 = 1 << 20;
const DAY_SECONDS: u64 = 86_400;

pub(super) fn ledger(file: &file::Ledger, base: &Path, problems: &mut Problems) -> Ledger {
    let days = |given: Option<&Spanned<u64>>, usual: u64, of: &str, problems: &mut Problems| {
        let days = number(given, usual, 1..=3_650, &format!("ledger.{of}"), problems);
        Duration::from_secs(days.saturating_mul(DAY_SECONDS))
    };
    let bytes = |given: Option<&Spanned<u64>>, usual: u64, of: &str, problems: &mut Problems| {
        number(given, usual, MIB..=1 << 42, &format!("ledger.{of}"), problems)
    };
    let queue_bytes_max = bytes(file.queue_bytes_max.as_ref(), 64 * MIB, "queue_bytes_max", problems);
    let text_bytes_max = number(file.text_bytes_max.as_ref(), MIB / 4, 1..=64 * MIB, "ledger.text_bytes_max", problems);
    Ledger {
        enabled: file.enabled.unwrap_or(true),
        path: base.join(file_name(file.path.as_ref(), "sluicegate-ledger.db", "ledger.path", problems)),
        keep: days(file.keep_days.as_ref(), 30, "keep_days", problems),
        bytes_max: bytes(file.bytes_max.as_ref(), 4_096 * MIB, "bytes_max", problems),
        keep_texts: days(file.keep_texts_days.as_ref(), 7, "keep_texts_days", problems),
        text_bytes_max: usize::try_from(text_bytes_max).unwrap_or(usize::MAX),
        queue_bytes_max: usize::try_from(queue_bytes_max).unwrap_or(usize::MAX),
        wait: milliseconds(file.wait_ms.as_ref(), 5_000, "ledger.wait_ms", problems),
    }
}
