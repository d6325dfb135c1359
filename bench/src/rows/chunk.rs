//! CPU time of a forwarded chunk: streams at the pace of a fast model, so that each chunk comes alone.

use std::time::Duration;

use crate::Result;

use crate::lab::Lab;
use crate::load::{self, Case, Load, Round};
use crate::prose::{Chat, fresh, prose};
use crate::table::{Line, us};

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let (plain, guarded) = (lab.plain().await?, lab.guarded().await?);
    let time = lab.scale.time * 5;
    let cases = [&lab.bare, plain, guarded].map(|child| Case { child, load: paced("sandbox-slow-10", 10, time) });
    let rounds = lab.scale.rounds.div_ceil(2);
    let figures = load::in_turns(&cases, rounds, Round::cpu_per_event).await?;
    let slower = [&lab.bare, guarded].map(|child| Case { child, load: paced("sandbox-slow-30", 30, time) });
    let slow = load::in_turns(&slower, rounds.div_ceil(2), Round::cpu_per_event).await?;
    let [bare_slow, guarded_slow] = slow.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    let [bare, plain, guarded] = figures.as_slice() else {
        return Err("a case is missing".to_owned());
    };
    Ok(vec![
        Line::new("bare proxy, CPU per chunk, 8 streams of 100 chunks/s", us(bare.median())),
        Line::new("no plugin", us(plain.median())).at_most(&plain.over(bare), 1.3),
        Line::new("guardrails", us(guarded.median())).at_most(&guarded.over(bare), 2.0),
        Line::note("guardrails, 33 chunks/s: a window for each", us(guarded_slow.median()))
            .ratio(&guarded_slow.over(bare_slow)),
    ])
}

/// Streams for this long, with chunks of about eight characters and so many milliseconds between them.
pub(crate) fn paced(model: &'static str, pace_ms: u64, time: Duration) -> Load {
    let chunks = usize::try_from(time.as_millis() / u128::from(pace_ms.max(1))).unwrap_or(1).max(4);
    let ask =
        move || Chat { model, streams: true, words_max: 10_000, ..Chat::new(prose(fresh(), chunks * 8)) }.request();
    // Not all at the same tick of the model's clock.
    Load { count_max: 1, warm_up: 0, spread: Duration::from_millis(pace_ms), ..Load::full(time, ask) }
}
