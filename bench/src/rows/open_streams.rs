//! What streams hold in memory on which nothing happens: each has begun, and waits for the model to go on.

use rustix::process::{Resource, getrlimit};

use crate::Result;
use crate::child::Place;
use crate::client::Connection;
use crate::lab::{Lab, Wanted};
use crate::prose::{Chat, fresh, prose};
use crate::table::Line;

/// How many are asked about.
pub(crate) const STREAMS: usize = 10_000;
/// What processes have open beside streams, generously.
const OTHER_FILES: usize = 200;
/// Opened at the same time: a listener's queue is short.
const AT_ONCE: usize = 100;
const MB: f64 = 1_000_000.0;
/// The model says more than any window holds back, and then nothing more: escaped as in JSON. The first chunk has no text.
const STALLS: &str = r"stall after 4\nchunks of 320\n";

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plugins = Some(lab.standard("open-streams")?);
    let configuration = "[upstream]\nidle_ms = 600_000\nfirst_token_ms = 600_000\ntotal_ms = 600_000";
    let wanted = Wanted { name: "open-streams", plugins, configuration, place: Place::Anywhere, ..Wanted::default() };
    let gateway = lab.gateway(&wanted)?;
    let before = gateway.memory()?;
    let streams = allowed();
    let mut open = Vec::with_capacity(streams);
    while open.len() < streams {
        let mut some = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE.min(streams - open.len()) {
            let mut connection = Connection::open(gateway.address).await?;
            let says = format!("{STALLS}{}", prose(fresh(), 2000));
            connection.send(&Chat { streams: true, words_max: 1000, ..Chat::new(says) }.request()).await?;
            some.push(connection);
        }
        for connection in &mut some {
            connection.begins().await?;
        }
        open.append(&mut some);
    }
    let after = gateway.memory()?;
    let each = after.resident.saturating_sub(before.resident) as f64 / streams as f64;
    let all = (before.resident as f64 + each * STREAMS as f64) / MB;
    let counted = if streams < STREAMS { format!(", from {streams}") } else { String::new() };
    let measured = format!("{all:.0} MB, {:.1} KB each{counted}", each / 1000.0);
    Ok(vec![Line::new("10,000 idle streams, guardrails loaded", measured).budget("at most 1 GB", all <= 1000.0)])
}

/// How many can be open here: the gateway has two files open for each, and some systems allow 20,000.
fn allowed() -> usize {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    files.map_or(STREAMS, |files| (files.saturating_sub(OTHER_FILES) / 2).min(STREAMS))
}
