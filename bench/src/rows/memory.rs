//! What an idle gateway holds in memory.

use std::time::Duration;

use crate::Result;
use crate::child::{Memory, Place};
use crate::lab::Lab;
use crate::load::{self, Load};
use crate::prose::Chat;
use crate::table::Line;

/// For the loader's threads and the allocator to come to rest.
const REST: Duration = Duration::from_millis(1_500);
const MB: f64 = 1_000_000.0;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let guarded = lab.new_guarded(Place::Anywhere)?;
    tokio::time::sleep(REST).await;
    let idle = guarded.memory()?;
    load::run(&guarded, &Load::full(lab.scale.time * 4, || Chat::of_body(1024).request())).await?;
    tokio::time::sleep(REST).await;
    let after = guarded.memory()?;
    let resident = idle.resident as f64 / MB;
    Ok(vec![
        Line::new("idle memory, guardrails loaded", shown(idle)).budget("at most 60 MB", resident <= 60.0),
        Line::note("after some load", shown(after)),
    ])
}

fn shown(memory: Memory) -> String {
    let mb = |bytes: u64| bytes as f64 / MB;
    format!("{:.1} MB (private {:.1}, anonymous {:.1})", mb(memory.resident), mb(memory.private), mb(memory.anonymous))
}
