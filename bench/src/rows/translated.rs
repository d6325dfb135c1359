//! What it costs more that the provider speaks another dialect than the caller.

use crate::Result;
use crate::lab::{Lab, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::Chat;
use crate::rows::paced;
use crate::table::{Line, us};

/// What is translated to, from OpenAI's chat completions.
const DIALECTS: [&str; 3] = ["anthropic", "gemini", "responses"];

/// How much of the bare proxy's cost of an exchange the translation may add.
const ADDED_MAX: f64 = 0.5;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plain = lab.plain().await?;
    let gateway = |dialect| lab.gateway(&Wanted { name: dialect, dialect, ..Wanted::default() });
    let others = DIALECTS.map(gateway).into_iter().collect::<Result<Vec<_>>>()?;
    let children = [&lab.bare, plain].into_iter().chain(&others);
    let whole = || Load::full(lab.scale.time, || Chat::of_body(1024).request());
    let cases: Vec<Case<'_>> = children.clone().map(|child| Case { child, load: whole() }).collect();
    let whole = load::in_turns(&cases, 2 * lab.scale.rounds, Round::cpu_per_exchange).await?;
    let chunks = || paced("sandbox-slow-10", 10, lab.scale.time * 5);
    let cases: Vec<Case<'_>> = children.map(|child| Case { child, load: chunks() }).collect();
    let chunks = load::in_turns(&cases, lab.scale.rounds.div_ceil(2), Round::cpu_per_event).await?;
    let mut lines = Vec::new();
    for (what, figures, budget) in [("exchange, 1 KB", whole, Some(ADDED_MAX)), ("chunk", chunks, None)] {
        let [bare, plain, others @ ..] = figures.as_slice() else { return Err("a case is missing".to_owned()) };
        lines.push(Line::new(format!("bare proxy, CPU per {what}"), us(bare.least())));
        lines.push(Line::note("no plugin, same dialect", us(plain.least())).ratio(&plain.over(bare)));
        for (dialect, figures) in DIALECTS.iter().zip(others) {
            // The machine only ever adds to a round, so the least of them is the nearest to what the translation takes.
            let added = figures.least() - plain.least();
            let line = Line::new(format!("{what}: added by translation to {dialect}"), us(added));
            let line = line.ratio(&figures.minus(plain).over(bare));
            lines.push(match budget {
                Some(most) => line.budget(format!("at most {most} times the bare"), added <= most * bare.least()),
                None => line,
            });
        }
    }
    Ok(lines)
}
