//! What it costs that callers have keys, with all limits and budgets of the key and of its tenant, kept in a file.

use std::path::Path;

use sluicegate::key::{Draft, Models};
use sluicegate::limits::{Budget, Limits};
use sluicegate::store::issue;
use sluicegate::store::sqlite::Sqlite;

use crate::Result;
use crate::lab::{Lab, Wanted};
use crate::load::{self, Case, Load, Round};
use crate::prose::Chat;
use crate::table::{Line, us};

/// Microseconds of CPU time that keys and limits may take.
const ADDED_MAX: f64 = 5.0;
/// A model that takes its time, though less than any real one does. The file is written meanwhile, for many exchanges at once.
const THINKS: &str = "sandbox-slow-start-30";
/// So many of its answers at a time that the proxy is busy: a steady load varies more than what is measured here.
const THINKING: usize = 256;
/// Its answers wait for the file, each for itself: what it is to be counted as must be written before the end is told.
const ANSWERS_AT_ONCE: &str = "gpt-5-mini";
/// A short answer: what each of its chunks takes, and how much that varies, is another matter.
const WORDS: usize = 10;
/// More than is asked for here; all of it is counted.
const MANY: u64 = 1_000_000_000;

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let plain = lab.plain().await?;
    let file = lab.folder("keyed")?.join("keys.db");
    let key = key(&file)?;
    let configuration = format!(
        "[store]\npath = \"keys.db\"\n[tenants.default.limits]\nrequests_per_minute = {MANY}\nrequests_per_day = {MANY}\n\
         tokens_per_minute = {MANY}\ntokens_per_day = {MANY}\nconcurrent = 1000\n\
         [tenants.default.budget]\nday = \"1000000\"\nmonth = \"1000000\"\ntotal = \"1000000\"\n\
         [targets.model.prices]\ninput = \"0.25\"\noutput = \"2.00\""
    );
    let keyed = lab.gateway(&Wanted { name: "keyed", configuration: &configuration, ..Wanted::default() })?;
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
                Case { child: &keyed, load: load(Some(&key)) },
            ];
            let figures = load::in_turns(&cases, 2 * lab.scale.rounds, Round::cpu_per_exchange).await?;
            let [bare, plain, keyed] = figures.as_slice() else { return Err("a case is missing".to_owned()) };
            // Some microseconds are less than what the machine does beside: it only ever adds, so the least is the nearest.
            let added = keyed.least() - plain.least();
            let ratio = keyed.minus(plain).over(bare);
            let how = if streams { "streamed" } else { "whole" };
            let measured = us(added);
            lines.push(match model {
                THINKS => Line::new(format!("key and all limits and budgets, {how}, added"), measured)
                    .ratio(&ratio)
                    .budget("at most 5 µs", added <= ADDED_MAX),
                _ => Line::note(format!("the same, {how}, of a model that answers at once"), measured).ratio(&ratio),
            });
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
        concurrent: Some(1000),
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
