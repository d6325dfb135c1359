//! What it costs more that the provider speaks another dialect than the caller.

use std::time::Instant;

use http::{HeaderMap, StatusCode};
use sluicegate::dialect::{Address, Dialect, Translation, Wire};

use crate::Result;
use crate::figures::Series;
use crate::lab::{Lab, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::{Chat, fresh, prose};
use crate::rows::fork::own_cpu;
use crate::rows::paced;
use crate::table::{Line, us};

/// What is translated to, from OpenAI's chat completions: the word for it, the dialect, and an answer as its provider would
/// send it, but for the text.
const DIALECTS: [(&str, Dialect, &str); 3] = [
    (
        "anthropic",
        Dialect::Anthropic,
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text",
"text":"TEXT"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":250,"output_tokens":100}}"#,
    ),
    (
        "gemini",
        Dialect::Gemini,
        r#"{"candidates":[{"content":{"parts":[{"text":"TEXT"}],"role":"model"},"finishReason":"STOP","index":0}],
"usageMetadata":{"promptTokenCount":250,"candidatesTokenCount":100,"totalTokenCount":350},
"modelVersion":"gemini-2.5-flash","responseId":"r1"}"#,
    ),
    (
        "responses",
        Dialect::Responses,
        r#"{"id":"resp_1","object":"response","created_at":1760000000,"status":"completed","model":"gpt-5-mini","output":
[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text",
"annotations":[],"logprobs":[],"text":"TEXT"}]}],"usage":{"input_tokens":250,"input_tokens_details":
{"cached_tokens":0},"output_tokens":100,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":350}}"#,
    ),
];

/// How much of the bare proxy's cost of an exchange the translation may add.
const ADDED_MAX: f64 = 0.5;
/// Bytes of the request and of the answer.
const BODY: usize = 1024;
/// Exchanges that are translated in a row, each with a text of its own.
const TEXTS: usize = 256;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plain = lab.plain().await?;
    let gateway = |(name, ..): (&'static str, _, _)| lab.gateway(&Wanted { name, dialect: name, ..Wanted::default() });
    let others = DIALECTS.map(gateway).into_iter().collect::<Result<Vec<_>>>()?;
    let children = [&lab.bare, plain].into_iter().chain(&others);
    let whole = || Load::full(lab.scale.time, || Chat::of_body(BODY).request());
    let cases: Vec<Case<'_>> = children.clone().map(|child| Case { child, load: whole() }).collect();
    let whole = load::in_turns(&cases, 2 * lab.scale.rounds, Round::cpu_per_exchange).await?;
    let chunks = || paced("sandbox-slow-10", 10, lab.scale.time * 5);
    let cases: Vec<Case<'_>> = children.map(|child| Case { child, load: chunks() }).collect();
    let chunks = load::in_turns(&cases, lab.scale.rounds.div_ceil(2), Round::cpu_per_event).await?;
    let [bare, plain, others @ ..] = whole.as_slice() else { return Err("a case is missing".to_owned()) };
    let mut lines = vec![Line::new("bare proxy, CPU per exchange, 1 KB", us(bare.least()))];
    for (name, dialect, answer) in DIALECTS {
        let rounds = alone(lab, dialect, answer).await?;
        let ratio: Series = rounds.0.iter().map(|round| round / bare.least()).collect();
        let line = Line::new(format!("translation of a 1 KB exchange to {name}, alone"), us(rounds.median()));
        lines.push(line.at_most(&ratio, ADDED_MAX));
    }
    lines.push(Line::note("within an exchange: no plugin, same dialect", us(plain.least())).ratio(&plain.over(bare)));
    lines.extend(added("exchange", bare, plain, others));
    let [bare, plain, others @ ..] = chunks.as_slice() else { return Err("a case is missing".to_owned()) };
    lines.push(Line::new("bare proxy, CPU per chunk", us(bare.least())));
    lines.push(Line::note("no plugin, same dialect", us(plain.least())).ratio(&plain.over(bare)));
    lines.extend(added("chunk", bare, plain, others));
    Ok(lines)
}

/// What an exchange or a chunk takes more with another dialect, with all else that is done.
fn added(what: &str, bare: &Series, plain: &Series, others: &[Series]) -> Vec<Line> {
    let added = DIALECTS.iter().zip(others).map(|((name, ..), figures)| {
        // The machine only ever adds to a round, so the least of them is the nearest to what the translation takes.
        let line = Line::note(format!("{what}: added by {name}"), us(figures.least() - plain.least()));
        line.ratio(&figures.minus(plain).over(bare))
    });
    added.collect()
}

/// Microseconds of CPU time of the translation alone, in this process: of a request to a dialect, and of its answer back.
/// What else an exchange does varies by more than that.
async fn alone(lab: &Lab, dialect: Dialect, answer: &str) -> Result<Series> {
    let exchange = |_| (Chat::of_body(BODY).body(), answer.replace("TEXT", &prose(fresh(), BODY / 2)));
    let texts: Vec<(String, String)> = (0..TEXTS).map(exchange).collect();
    let address = Address { model: Some("gpt-5-mini".to_owned()), streaming: Some(false), ..Address::default() };
    let mut rounds = Series::default();
    for _ in 0..2 * lab.scale.rounds {
        let before = own_cpu().await?;
        let end = Instant::now() + lab.scale.time;
        let mut count = 0;
        while Instant::now() < end {
            for (body, answer) in &texts {
                translate(dialect, body, answer, &address)?;
            }
            count += texts.len();
        }
        let cpu = own_cpu().await?.saturating_sub(before);
        rounds.0.push(cpu.as_secs_f64() * 1e6 / count as f64);
    }
    Ok(rounds)
}

fn translate(dialect: Dialect, body: &str, answer: &str, address: &Address) -> Result<()> {
    let (target, mut losses) = (Wire::Dialect(dialect), Vec::new());
    let translated = Translation::of_request(Dialect::OpenAi, target, body.as_bytes(), address, &mut losses);
    let (way_back, body) = translated.map_err(|wrong| wrong.message)?;
    let answer = way_back.answer(StatusCode::OK, &HeaderMap::new(), answer.as_bytes(), &mut losses);
    std::hint::black_box((body, answer.map_err(|wrong| wrong.message)?, losses));
    Ok(())
}
