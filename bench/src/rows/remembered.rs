//! What an answer from memory costs, and how long it takes to find a similar question among very many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::config;
use sluicegate::store::answers::{About, Embedded, Meaning, Meanings};
use sluicegate::store::counters::{Clock, Moment};

use crate::Result;
use crate::child::Child;
use crate::client::Connection;
use crate::figures::Series;
use crate::lab::{Lab, Wanted, built, write};
use crate::load::{self, Case, Load, Round};
use crate::prose::{Chat, Numbers};
use crate::table::{Line, us};

/// What an answer from memory may cost, of what an exchange costs the bare proxy.
const HIT_MAX: f64 = 1.0;
/// Bytes of the request.
const BODY: usize = 1024;
/// Questions that are kept, and how many numbers each of their vectors has: those of a small sentence transformer.
const QUESTIONS: usize = 100_000;
const DIMENSIONS: usize = 384;
/// Questions are alike in groups of some fifty, as those of real callers are.
const TOPICS: usize = 2_000;
/// Questions that are looked for.
const LOOKUPS: usize = 2_000;
/// What one look-up may take at the 99th of a hundred, in milliseconds.
const LOOKUP_MS_MAX: f64 = 5.0;

pub(super) async fn hit(lab: &Lab) -> Result<Vec<Line>> {
    let plugins = lab.folder("remembered-plugins")?;
    write(&plugins.join("answer-cache.wasm"), &built("answer-cache")?)?;
    write(&plugins.join("answer-cache.toml"), b"mode = 'enforce'")?;
    let gateway = lab.gateway(&Wanted { name: "remembered", plugins: Some(plugins), ..Wanted::default() })?;
    let known = asks();
    is_remembered(&gateway, &known).await?;
    let asked = known.clone();
    let cases = [
        Case { child: &lab.bare, load: Load::steady(lab.scale.time, asks) },
        Case { child: &gateway, load: Load::steady(lab.scale.time, move || asked.clone()) },
    ];
    let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
    let [bare, hit] = figures.as_slice() else { return Err("a case is missing".to_owned()) };
    Ok(vec![
        Line::new("bare proxy, CPU per exchange, 1 KB", us(bare.median())),
        Line::new("an answer from memory, 1 KB", us(hit.median())).at_most(&hit.over(bare), HIT_MAX),
    ])
}

/// A question whose answer is all that is said: one that was cut short is not kept.
fn asks() -> Vec<u8> {
    Chat { words_max: BODY, ..Chat::of_body(BODY) }.request()
}

/// Ask until the answer comes from memory.
async fn is_remembered(gateway: &Child, request: &[u8]) -> Result<()> {
    let mut connection = Connection::open(gateway.address).await?;
    for _ in 0..100 {
        let reply = load::answered(&mut connection, request).await?;
        if reply.head.contains("x-sluicegate-cache: hit") {
            return Ok(());
        }
    }
    Err("the answer is never from memory".to_owned())
}

/// In this process: the store alone, without the embedder and without the plugin.
pub(super) async fn nearest(lab: &Lab) -> Result<Vec<Line>> {
    let bounds = config::Cache {
        path: lab.folder("nearest")?.join("cache.db"),
        memory_bytes_max: 0,
        file_bytes_max: 1 << 30,
        vectors_bytes_max: 1 << 30,
        entry_bytes_max: 1 << 20,
        wait: Duration::from_secs(60),
        embedding_wait: Duration::ZERO,
    };
    let store = Embedded::new(bounds, Clock::default());
    let mut numbers = Numbers(1);
    let topics: Vec<Vec<f32>> = (0..TOPICS).map(|_| vector(&mut numbers)).collect();
    let about = About {
        partition: [0; 32],
        tenant: "bench".into(),
        model: "bench".into(),
        created: Moment(0),
        kept_until: Moment(u64::MAX),
    };
    let count = if lab.scale.rounds < 9 { QUESTIONS / 10 } else { QUESTIONS };
    let began = Instant::now();
    for number in 0..count {
        let mut key = [0; 32];
        key.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, digit)| *byte = digit);
        let vector = near(&mut numbers, topics.get(number % TOPICS).ok_or("no topic")?).into();
        let meaning = Arc::new(Meaning { key, about: about.clone(), vector });
        store.put(meaning).await.map_err(|failure| failure.to_string())?;
    }
    let built = began.elapsed();
    let (mut took, mut found) = (Series::default(), 0_usize);
    for number in 0..LOOKUPS {
        let vector = near(&mut numbers, topics.get(number * 7 % TOPICS).ok_or("no topic")?).into();
        let began = Instant::now();
        let found_near = store.nearest([0; 32], vector, 0.5, 4).await.map_err(|failure| failure.to_string())?;
        took.0.push(began.elapsed().as_secs_f64() * 1e3);
        found += usize::from(!found_near.is_empty());
    }
    if found < LOOKUPS * 9 / 10 {
        return Err(format!("only {found} of {LOOKUPS} questions have found anything"));
    }
    took.0.sort_by(f64::total_cmp);
    let p99 = took.0.get(took.0.len() * 99 / 100).copied().unwrap_or(f64::INFINITY);
    let ratio: Series = [p99 / LOOKUP_MS_MAX].into_iter().collect();
    Ok(vec![
        Line::note(
            format!("keeping one of {count} questions, {DIMENSIONS} dimensions"),
            us(built.as_secs_f64() * 1e6 / count as f64),
        ),
        Line::note("finding a similar one, median", us(took.median() * 1e3)),
        Line::new("finding a similar one, p99, of 5 ms", us(p99 * 1e3)).at_most(&ratio, 1.0),
    ])
}

fn vector(numbers: &mut Numbers) -> Vec<f32> {
    (0..DIMENSIONS).map(|_| numbers.centred()).collect()
}

/// A vector of unit length in the same direction, nearly.
fn near(numbers: &mut Numbers, topic: &[f32]) -> Vec<f32> {
    let mut vector: Vec<f32> = topic.iter().map(|value| value + 0.8 * numbers.centred()).collect();
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}
