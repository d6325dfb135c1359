//! From what a person wrote about a webhook to what the program needs.

use std::path::Path;

use super::callers::own_url;
use super::resolve::secret;
use super::{Problems, Webhook, file};
use crate::webhook::check_secret;

/// The webhook in `field`, whose address should look like the example.
pub(super) fn webhook(
    given: &file::Webhook,
    field: &str,
    example: &str,
    base: &Path,
    problems: &mut Problems,
) -> Option<Webhook> {
    let (of_url, of_secret) = (format!("{field}.url"), format!("{field}.secret"));
    let url = own_url(given.url.get_ref(), example);
    let url = url.map_err(|wrong| problems.add(Some(given.url.span()), of_url, wrong)).ok();
    let secret = secret(&given.secret, base, of_secret.as_str(), problems)?;
    if let Err(wrong) = check_secret(&secret) {
        problems.add(Some(given.secret.span()), of_secret, wrong);
    }
    Some(Webhook { url: url?, secret })
}
