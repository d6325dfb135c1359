//! What streams hold in memory on which nothing happens: each has begun, and waits for the model to go on.

use crate::Result;
use crate::child::Place;
use crate::client::Connection;
use crate::lab::{Lab, Wanted};
use crate::prose::{Chat, fresh, prose};
use crate::table::Line;

/// How many.
pub(crate) const STREAMS: usize = 10_000;
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
    let mut open = Vec::with_capacity(STREAMS);
    while open.len() < STREAMS {
        let mut some = Vec::with_capacity(AT_ONCE);
        for _ in 0..AT_ONCE {
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
    let all = after.resident as f64 / MB;
    let each = (after.resident.saturating_sub(before.resident)) as f64 / STREAMS as f64 / 1000.0;
    let measured = format!("{all:.0} MB, {each:.1} KB each");
    Ok(vec![Line::new("10,000 idle streams, guardrails loaded", measured).budget("at most 1 GB", all <= 1000.0)])
}
