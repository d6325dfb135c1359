//! From what a person wrote about escalations to what the program needs.

use std::path::Path;
use std::time::Duration;

use super::resolve::number;
use super::webhook::webhook;
use super::{Escalations, Problems, file};

const HOUR_SECONDS: u64 = 3_600;
const DAY_SECONDS: u64 = 24 * HOUR_SECONDS;

pub(super) fn escalations(file: &file::Escalations, base: &Path, problems: &mut Problems) -> Escalations {
    let hours = number(file.expire_hours.as_ref(), 72, 1..=8_760, "escalations.expire_hours", problems);
    let days = number(file.keep_days.as_ref(), 30, 1..=3_650, "escalations.keep_days", problems);
    Escalations {
        expire: Duration::from_secs(hours.saturating_mul(HOUR_SECONDS)),
        keep: Duration::from_secs(days.saturating_mul(DAY_SECONDS)),
        open_max: number(file.open_max.as_ref(), 1_000, 0..=1_000_000, "escalations.open_max", problems),
        webhook: file.webhook.as_ref().and_then(|given| {
            webhook(given, "escalations.webhook", "https://support.example/escalations", base, problems)
        }),
    }
}
