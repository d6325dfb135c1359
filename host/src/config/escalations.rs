//! From what a person wrote about escalations to what the program needs.

use std::path::Path;
use std::time::Duration;

use super::callers::own_url;
use super::resolve::{number, secret};
use super::{Escalations, Problems, Webhook, file};
use crate::webhook::check_secret;

const HOUR_SECONDS: u64 = 3_600;
const DAY_SECONDS: u64 = 24 * HOUR_SECONDS;

pub(super) fn escalations(file: &file::Escalations, base: &Path, problems: &mut Problems) -> Escalations {
    let hours = number(file.expire_hours.as_ref(), 72, 1..=8_760, "escalations.expire_hours", problems);
    let days = number(file.keep_days.as_ref(), 30, 1..=3_650, "escalations.keep_days", problems);
    Escalations {
        expire: Duration::from_secs(hours.saturating_mul(HOUR_SECONDS)),
        keep: Duration::from_secs(days.saturating_mul(DAY_SECONDS)),
        open_max: number(file.open_max.as_ref(), 1_000, 0..=1_000_000, "escalations.open_max", problems),
        webhook: file.webhook.as_ref().and_then(|webhook| self::webhook(webhook, base, problems)),
    }
}

fn webhook(file: &file::Webhook, base: &Path, problems: &mut Problems) -> Option<Webhook> {
    let url = own_url(file.url.get_ref(), "https://support.example/escalations");
    let url = url.map_err(|wrong| problems.add(Some(file.url.span()), "escalations.webhook.url", wrong)).ok();
    let secret = secret(&file.secret, base, "escalations.webhook.secret", problems)?;
    if let Err(wrong) = check_secret(&secret) {
        problems.add(Some(file.secret.span()), "escalations.webhook.secret", wrong);
    }
    Some(Webhook { url: url?, secret })
}
