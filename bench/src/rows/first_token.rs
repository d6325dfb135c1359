//! What is added to the time to the first token, while eight other streams run.
//!
//! The first piece of text is longer than the gateway's window, so that guardrails see it at once: what the stated
//! hold-back adds for shorter pieces (`window_ms`, until `window_bytes` have come) is on purpose, and not measured here.

use std::time::Duration;

use crate::Result;
use crate::child::Child;
use crate::figures::Series;
use crate::lab::Lab;
use crate::load::{self, Case, Load};
use crate::prose::Chat;
use crate::rows::paced;
use crate::table::{Line, us};

/// How much longer than the measured ones the other streams run.
const MARGIN: Duration = Duration::from_millis(250);

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let (plain, guarded) = (lab.plain().await?, lab.guarded().await?);
    let children = [&lab.model, &lab.bare, plain, guarded];
    let mut figures = vec![Series::default(); children.len()];
    for _ in 0..lab.scale.rounds {
        for (child, figures) in children.iter().zip(&mut figures) {
            figures.0.push(beside_others(child, lab.scale.time).await?);
        }
    }
    let bursts = children.map(|child| Case { child, load: burst(lab.scale.time) });
    let bursts = load::in_turns(&bursts, lab.scale.rounds.div_ceil(2), |round| round.first_text.median()).await?;
    let [direct, bare, plain, guarded] = figures.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    let [direct_burst, bare_burst, plain_burst, guarded_burst] = bursts.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    let (added, added_plain, added_guarded) = (bare.minus(direct), plain.minus(direct), guarded.minus(direct));
    let added_burst = bare_burst.minus(direct_burst);
    let burst = |name, figures: &Series| {
        let added = figures.minus(direct_burst);
        let measured = format!("{} (bare proxy {})", us(added.median()), us(added_burst.median()));
        Line::note(name, measured).ratio(&added.over(&added_burst))
    };
    Ok(vec![
        Line::new("bare proxy, added time to first token, beside 8 streams", us(added.median())),
        Line::note("without any proxy, time to first token", us(direct.median())),
        Line::new("no plugin, added", us(added_plain.median())).at_most(&added_plain.over(&added), 1.5),
        Line::new("guardrails, added beside the hold-back", us(added_guarded.median()))
            .at_most(&added_guarded.over(&added), 2.5),
        burst("no plugin, 8 streams that begin at the same moment", plain_burst),
        burst("guardrails, 8 streams that begin at the same moment", guarded_burst),
    ])
}

/// One stream after the other, while eight are under way. The median time to the first text, in microseconds.
async fn beside_others(child: &Child, time: Duration) -> Result<f64> {
    let others = paced("sandbox-slow-10", 10, time + MARGIN);
    let measured = Load { connections: 1, ..Load::full(time, ask) };
    let (others, measured) = tokio::join!(load::run(child, &others), load::run(child, &measured));
    others?;
    Ok(measured?.first_text.median())
}

/// Eight streams at once, again and again.
fn burst(time: Duration) -> Load {
    let count_max = usize::try_from(time.as_millis() / 6).unwrap_or(1);
    Load { together: true, count_max, ..Load::full(time, ask) }
}

fn ask() -> Vec<u8> {
    Chat { model: "sandbox-chunks-of-320", streams: true, ..Chat::of_body(1024) }.request()
}
