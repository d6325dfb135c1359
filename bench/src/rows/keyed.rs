//! What it costs that callers have keys, with all limits and budgets of the key and of its tenant, kept in a file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderMap};
use sluicegate::chat::{Request, Usage};
use sluicegate::exchange::End;
use sluicegate::gateway::Gateway;
use sluicegate::key::{Draft, Models};
use sluicegate::limits::{Budget, Limits};
use sluicegate::plugin::Runtime;
use sluicegate::store::issue;
use sluicegate::store::sqlite::Sqlite;
use sluicegate::trace::Trace;
use sluicegate::{config, endpoint, meter};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Result;
use crate::figures::Series;
use crate::lab::{Lab, SANDBOX, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::Chat;
use crate::rows::fork::own_cpu;
use crate::table::{Line, us};

/// Microseconds of CPU time that keys and limits may take.
const ADDED_MAX: f64 = 5.0;
/// How long the model takes where the checks are measured alone: less than most real ones do. The file is written meanwhile,
/// for many exchanges at once.
const THINKING_TIME: Duration = Duration::from_millis(200);
/// So many exchanges at a time.
const EXCHANGES: usize = 1600;
/// A model that takes its time, within an exchange.
const THINKS: &str = "sandbox-slow-start-30";
/// So many of its answers at a time that the proxy is busy: a steady load varies more than what is measured here.
const THINKING: usize = 256;
/// So much longer than other rounds is one of the checks alone, for many commits to be in it.
const LONG: u32 = 4;
/// Its answers wait for the file, each for itself: what it is to be counted as must be written before the end is told.
const ANSWERS_AT_ONCE: &str = "gpt-5-mini";
/// A short answer: what each of its chunks takes, and how much that varies, is another matter.
const WORDS: usize = 10;
/// Pieces of a streamed answer, where the checks are measured alone.
const PIECES: usize = 100;
/// More than is asked for here; all of it is counted.
const MANY: u64 = 1_000_000_000;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let folder = lab.folder("keyed")?;
    let key = key(&folder.join("keys.db"))?;
    let mut lines = alone(lab, &folder, &key).await?;
    lines.extend(in_all(lab, &key).await?);
    Ok(lines)
}

/// The checks alone, in this process: what an exchange with a key takes more than one without. What else an exchange does
/// varies by more than they take.
async fn alone(lab: &Lab, folder: &Path, key: &str) -> Result<Vec<Line>> {
    let gateway = |configuration: &str| {
        let text = format!("{SANDBOX}[ledger]\nenabled = false\n{configuration}");
        let settings = config::parse("bench", &text, folder).map_err(|problems| problems.to_string())?;
        Gateway::new(settings, Arc::new(Runtime::new(0)?))
    };
    let (plain, keyed) = (gateway("[store]\npath = \"none.db\"\n")?, gateway(&configuration())?);
    let mut headers = HeaderMap::new();
    let nobody = headers.clone();
    let value = format!("Bearer {key}").parse().map_err(|error| format!("the key: {error}"))?;
    headers.insert(AUTHORIZATION, value);
    let mut lines = Vec::new();
    for (how, pieces) in [("whole", 1), ("streamed", PIECES)] {
        let (mut with, mut without) = (Series::default(), Series::default());
        for _ in 0..lab.scale.rounds {
            without.0.push(cpu_of_checks(&plain, &nobody, pieces, LONG * lab.scale.time).await?);
            with.0.push(cpu_of_checks(&keyed, &headers, pieces, LONG * lab.scale.time).await?);
        }
        // The machine only ever adds to a round, so the least of them is the nearest to what it takes.
        let added = with.least() - without.least();
        let line = Line::new(format!("key and all limits and budgets, {how}, alone"), us(added));
        lines.push(line.budget("at most 5 µs", added <= ADDED_MAX));
    }
    Ok(lines)
}

/// Microseconds of CPU time of an exchange of which nothing is done but to find out who asks, to reserve, to count what comes
/// in so many pieces, to tell what is left, and to settle.
async fn cpu_of_checks(gateway: &Arc<Gateway>, headers: &HeaderMap, pieces: usize, time: Duration) -> Result<f64> {
    let before = own_cpu().await?;
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for _ in 0..EXCHANGES {
        let (gateway, headers) = (gateway.clone(), headers.clone());
        tasks.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                check(&gateway, &headers, pieces).await?;
                count += 1;
            }
            Ok::<usize, String>(count)
        });
    }
    let mut exchanges = 0;
    while let Some(count) = tasks.join_next().await {
        exchanges += count.map_err(|error| error.to_string())??;
    }
    let cpu = own_cpu().await?.saturating_sub(before);
    Ok(cpu.as_secs_f64() * 1e6 / exchanges as f64)
}

async fn check(gateway: &Gateway, headers: &HeaderMap, pieces: usize) -> Result<()> {
    let head = http::Request::new(()).into_parts().0;
    let dialect = endpoint::dialect(&head);
    let generation = gateway.generation();
    let caller = gateway.auth.identify(&generation.settings, &gateway.upstream, headers).await;
    let caller = caller.map_err(|error| error.message().into_owned())?;
    let x = gateway.begin(caller, generation, dialect, false, Trace::begin(0.0));
    let request = Request { model: "model".to_owned(), answer_tokens_max: Some(200), ..Request::default() };
    let targets = x.generation.settings.model(&request.model).targets();
    let reserved = meter::reserve(&gateway.counters, &x, &request, targets).await;
    reserved.map_err(|error| error.message().into_owned())?;
    let target = x.generation.settings.model(&request.model).targets().next();
    x.is_charged(target.and_then(|target| x.generation.settings.prices_of(target, &request.model)));
    sleep(THINKING_TIME).await;
    x.begins_to_charge();
    for _ in 0..pieces {
        x.received(WORD_BYTES);
        x.is_on_record().await;
    }
    x.used(Some(Usage { input_tokens: 100, output_tokens: 100, ..Usage::default() }));
    x.is_whole();
    std::hint::black_box(x.standing().map(|standing| meter::headers(dialect, standing)));
    x.end(End::Answered);
    x.is_on_record().await;
    Ok(())
}

const WORD_BYTES: usize = 6;

fn configuration() -> String {
    format!(
        "[store]\npath = \"keys.db\"\n[tenants.default.limits]\nrequests_per_minute = {MANY}\nrequests_per_day = {MANY}\n\
         tokens_per_minute = {MANY}\ntokens_per_day = {MANY}\nconcurrent = {MANY}\n\
         [tenants.default.budget]\nday = \"1000000\"\nmonth = \"1000000\"\ntotal = \"1000000\"\n\
         [targets.model.prices]\ninput = \"0.25\"\noutput = \"2.00\"\n"
    )
}

/// The same within all that an exchange does.
async fn in_all(lab: &Lab, key: &str) -> Result<Vec<Line>> {
    let plain = lab.plain().await?;
    let keyed = lab.gateway(&Wanted { name: "keyed", configuration: &configuration(), ..Wanted::default() })?;
    let mut lines = Vec::new();
    for (model, connections) in [(THINKS, THINKING), (ANSWERS_AT_ONCE, 8)] {
        for streams in [false, true] {
            let load = |key: Option<&str>| {
                let key = key.map(str::to_owned);
                let chat = move || {
                    let chat = Chat { model, streams, words_max: WORDS, ..Chat::of_body(1024) };
                    Chat { key: key.as_deref().unwrap_or(chat.key), ..chat }.request()
                };
                Load { connections, ..Load::full(lab.scale.time, chat) }
            };
            // A key that a gateway does not know is refused, even where none is needed.
            let cases = [
                Case { child: &lab.bare, load: load(None) },
                Case { child: plain, load: load(None) },
                Case { child: &keyed, load: load(Some(key)) },
            ];
            let figures = load::in_turns(&cases, lab.scale.rounds, Round::cpu_per_exchange).await?;
            let [bare, plain, keyed] = figures.as_slice() else { return Err("a case is missing".to_owned()) };
            let how = if streams { "streamed" } else { "whole" };
            let of = if model == THINKS { "of a model that thinks" } else { "of a model that answers at once" };
            let line = Line::note(format!("within an exchange, {how}, {of}"), us(keyed.least() - plain.least()));
            lines.push(line.ratio(&keyed.minus(plain).over(bare)));
        }
    }
    Ok(lines)
}

/// The text of a key with all limits and budgets.
fn key(file: &Path) -> Result<String> {
    let store = Sqlite::open(file).map_err(|error| format!("making a store: {error:?}"))?;
    let many = Some(MANY);
    let limits = Limits {
        requests_per_minute: many,
        requests_per_day: many,
        tokens_per_minute: many,
        tokens_per_day: many,
        concurrent: many,
    };
    let money = "1000000".parse().map(Some).map_err(|error| format!("an amount: {error:?}"))?;
    let budget = Budget { day: money, month: money, total: money };
    let draft = Draft {
        name: "bench".to_owned(),
        tenant: "default".to_owned(),
        models: Models::Any,
        tags: Vec::new(),
        limits,
        budget,
        expires: None,
    };
    let (_, secret) = issue::create(&store, draft).map_err(|error| format!("making a key: {error:?}"))?;
    Ok(secret.reveal().to_owned())
}
