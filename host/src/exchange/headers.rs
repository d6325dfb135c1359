//! What an exchange has done so far, as values of headers: bounded, since many clients take no more.

use std::fmt::Write as _;

use super::{Attempt, Exchange};
use crate::dialect::names_of;
use crate::plugin::header;

/// Bytes of the header with receipts; many clients take 8 KiB for a whole head.
const HEADER_BYTES_MAX: usize = 6 << 10;

impl Exchange {
    /// The attempts so far, as a header's value: `small;error=503;ms=12, big`.
    #[must_use]
    pub fn attempts_header(&self) -> String {
        listed(self.record().attempts.iter().map(Attempt::said))
    }

    /// What was left out in the translation so far, as a header's value; empty if nothing was.
    #[must_use]
    pub fn left_out_header(&self) -> String {
        listed(self.record().left_out.iter().map(|field| names_of(field)))
    }

    /// The receipts so far, as a header's value. Where they are too many for one, those of the same plugin are summed up.
    #[must_use]
    pub fn receipts_header(&self) -> String {
        header(&self.record().receipts, HEADER_BYTES_MAX)
    }

    /// What was not inspected so far, as a header's value; empty if all was.
    #[must_use]
    pub fn not_inspected_header(&self) -> String {
        listed(self.record().not_inspected.iter().map(|not| {
            let plugin = not.plugin.as_ref().map(|plugin| format!(";plugin={plugin}")).unwrap_or_default();
            let reason: String = not.reason.chars().filter(|c| c.is_ascii() && !matches!(c, '"' | '\\')).collect();
            format!("\"{}\";phase={}{plugin};reason=\"{reason}\"", not.what, not.phase.word())
        }))
    }
}

/// A header's list. Where it is longer than many clients take, it says how many there are in all.
fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let count = items.len();
    let mut header = String::new();
    for item in items {
        if header.len() > HEADER_BYTES_MAX {
            let _ = write!(header, ", and-more;count={count}");
            break;
        }
        let separator = if header.is_empty() { "" } else { ", " };
        let _ = write!(header, "{separator}{item}");
    }
    header
}
