//! What the demo prints; of an exchange, `dev` prints the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::super::table::table;
use super::client::{last_message, model_of};
use super::layout::{align_right, indented, labelled, paragraph, thousands};
use super::play::{FEEDBACK, Judged, Played, Settled, Shown, for_callers, for_people};
use super::receipts::{Sum, intent, sums};
use super::script::{From, Needs, Question, Scene};
use crate::config::Mode;
use crate::generation::Generation;
use crate::plugin::Plugin;

/// What a table of receipts says of each plugin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Column {
    Plugin,
    Phase,
    Verdict,
    Outcome,
    Calls,
    Fuel,
    Time,
    Memory,
    Found,
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Phase => "phase",
            Self::Verdict => "verdict",
            Self::Outcome => "outcome",
            Self::Calls => "calls",
            Self::Fuel => "fuel",
            Self::Time => "µs",
            Self::Memory => "KiB",
            Self::Found => "found",
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Calls | Self::Fuel | Self::Time | Self::Memory)
    }

    fn of(self, sum: &Sum) -> String {
        match self {
            Self::Plugin => sum.plugin.clone(),
            Self::Phase => sum.phase.clone(),
            Self::Verdict => sum.verdict.clone(),
            Self::Outcome => sum.outcome.clone(),
            Self::Calls => sum.calls.to_string(),
            Self::Fuel => thousands(sum.fuel),
            Self::Time => thousands(sum.microseconds),
            Self::Memory => thousands(sum.memory_bytes.div_ceil(1 << 10)),
            Self::Found => sum.rules.join(" "),
        }
    }
}

/// What is of interest of plugins that work.
const COLUMNS: &[Column] =
    &[Column::Plugin, Column::Phase, Column::Verdict, Column::Calls, Column::Fuel, Column::Time, Column::Found];
/// In a clone, a plugin and one of its sources whose change shows.
const PLUGIN: &str = "plugins/pii";
const RULES: &str = "plugins/pii/src/rule.rs";

/// The plugins in service.
pub(super) fn plugins(directory: &Path, generation: &Generation) -> String {
    let row = |plugin: &Arc<Plugin>| {
        let installation = &plugin.installation;
        let sees = match (installation.mode, installation.on_request, installation.on_answer) {
            (Mode::Off, _, _) => "nothing, it is off",
            _ if plugin.caches() && !plugin.inspects() => "nothing, it remembers",
            _ if !plugin.inspects() => "nothing, it routes",
            (_, true, true) => "requests, answers",
            (_, true, false) => "requests",
            (_, false, _) => "answers",
        };
        let component = format!("{} {}", plugin.description.name, plugin.description.version);
        vec![
            installation.order.to_string(),
            plugin.name.to_string(),
            component,
            plugin.short_digest.to_string(),
            sees.to_owned(),
        ]
    };
    let rows: Vec<_> = generation.plugins.iter().map(row).collect();
    let rows = table(&["order", "installed as", "component", "digest", "inspects"], &rows);
    format!("The plugins in {}, in the order in which they run:\n\n{}", directory.display(), indented(&rows))
}

/// One scene: what was asked, what became of it, and what that took.
pub(super) fn scene(number: usize, scene: &Scene, played: &Played) -> String {
    let mut out = format!("{number}. {}\n", scene.title);
    for (question, shown) in scene.questions.iter().zip(&played.shown) {
        out.push('\n');
        out.push_str(&asked(question));
        out.push_str(&texts(question, shown));
        out.push_str(&receipts(shown, COLUMNS));
    }
    if let Some(settled) = &played.settled {
        out.push('\n');
        out.push_str(&by_a_person(settled));
    }
    if let Some(Judged { sent, id }) = &played.judged {
        out.push('\n');
        out.push_str(&labelled("then said", &format!("POST {FEEDBACK} {sent}")));
        out.push_str(&labelled("kept as", id));
    }
    if !scene.remark.is_empty() {
        out.push_str(&format!("\n  {}\n", scene.remark));
    }
    out
}

/// What was asked.
fn asked(question: &Question) -> String {
    let label = match question.from {
        From::User | From::UserAfter(_) => "asked",
        From::Tool | From::Round(_) => "tool result",
    };
    labelled(label, &question.text)
}

/// What became of it: what was answered, and by whom.
pub(in crate::cli) fn texts(question: &Question, shown: &Shown) -> String {
    let answer = &shown.answer;
    // Where nothing may be looked for there is nothing to tell.
    let cache = answer.cache.as_deref().filter(|state| *state != "bypass").map(|state| match &answer.age {
        Some(age) => format!("{state}, {age} s old"),
        None => state.to_owned(),
    });
    let model_said = shown.model_said.as_ref().filter(|said| **said != answer.text);
    let lines = [
        ("cache", cache),
        ("intent", intent(&answer.receipts)),
        ("target", answer.target.clone().filter(|target| *target == answer.attempts)),
        (
            "targets",
            Some(answer.attempts.clone())
                .filter(|attempts| Some(attempts) != answer.target.as_ref() && !attempts.is_empty()),
        ),
        ("model saw", Some(model_saw(question, shown))),
        ("model said", model_said.cloned()),
        ("caller got", Some(caller_got(shown))),
    ];
    lines.into_iter().filter_map(|(label, text)| Some(labelled(label, &text?))).collect()
}

/// What that took, if a plugin was there for it.
pub(in crate::cli) fn receipts(shown: &Shown, columns: &[Column]) -> String {
    let (sums, more) = sums(&shown.answer.receipts);
    let mut rows: Vec<Vec<String>> =
        sums.iter().map(|sum| columns.iter().map(|column| column.of(sum)).collect()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let header: Vec<&str> = columns.iter().map(|column| column.title()).collect();
    for (index, _) in columns.iter().enumerate().filter(|(_, column)| column.is_number()) {
        align_right(&mut rows, index, &header);
    }
    let mut out = format!("\n{}", indented(&table(&header, &rows)));
    if more > 0 {
        out.push_str(&format!("  ... and {more} calls more, for which the header had no room\n"));
    }
    out
}

/// How a person answered, and the caller came back for it.
fn by_a_person(settled: &Settled) -> String {
    let Settled { reference, person_saw, person_said, state, answer } = settled;
    let lines = [
        ("admin port", format!("GET {}", for_people(reference))),
        ("person saw", person_saw.clone()),
        ("admin port", format!("POST {}/answer", for_people(reference))),
        ("person said", person_said.clone()),
        ("then asked", format!("GET {}", for_callers(reference))),
        ("caller got", format!("{state}: {answer}")),
    ];
    lines.into_iter().map(|(label, text)| labelled(label, &text)).collect()
}

fn model_saw(question: &Question, shown: &Shown) -> String {
    let Some(body) = &shown.model_saw else { return "(nothing: the request did not reach it)".to_owned() };
    let (text, model) = (last_message(body), model_of(body));
    match text == question.text {
        true if *body == question.body() => "(the same, byte for byte)".to_owned(),
        true if model != question.model => format!("(the same text, for the model {model:?})"),
        true => "(the same text)".to_owned(),
        false => text,
    }
}

fn caller_got(shown: &Shown) -> String {
    let answer = &shown.answer;
    let error = answer.error.as_ref().map(|(code, message)| format!("{message} ({code})"));
    match (error, answer.text.is_empty()) {
        (None, true) if !answer.tools.is_empty() => format!("(a call of {})", answer.tools.join(" and ")),
        (None, _) => answer.text.clone(),
        (Some(error), true) => format!("HTTP {}: {error}", answer.status),
        (Some(error), false) => {
            let finish = answer.finish.as_deref().unwrap_or("none");
            format!("{}\n... and there the stream ends: {error}, finish reason {finish}", answer.text)
        }
    }
}

/// Which scenes there are besides, by their numbers, and why they are not shown.
pub(super) fn left_out(scenes: &[(usize, &Scene)]) -> String {
    let mut numbers: BTreeMap<Needs, Vec<String>> = BTreeMap::new();
    for (number, scene) in scenes {
        numbers.entry(scene.needs).or_default().push(number.to_string());
    }
    let reasons =
        numbers.iter().map(|(needs, numbers)| format!("for lack of {}: {}", needs.missing(), numbers.join(", ")));
    paragraph(&format!("Left out {}.", reasons.collect::<Vec<_>>().join("; ")))
}

/// Where to ask, and where to look at what became of it.
pub(in crate::cli) fn places(address: SocketAddr, admin: Option<SocketAddr>, text: &str) -> String {
    let mut out = format!(
        "Serving on http://{address}/v1 until Ctrl-C. Try:\n\n  curl -i http://{address}/v1/chat/completions \\\n    \
         -H 'content-type: application/json' -H 'x-sluicegate-receipts: 1' -d '{{\n      \"model\": \"sandbox\",\n      \
         \"messages\": [{{\"role\": \"user\", \"content\": \"{text}\"}}]}}'\n\n\
         The message \"help\" lists what the built-in model does.\n\n"
    );
    if let Some(admin) = admin {
        out.push_str(&format!(
            "Where an answer went wrong, what it cost and which step took the time is at\n\n  http://{admin}/console\n\n"
        ));
    }
    out
}

/// What to do next.
pub(super) fn goodbye(address: SocketAddr, admin: Option<SocketAddr>, plugins: &Path) -> String {
    let directory = plugins.display();
    let mut out = places(address, admin, "My card is 4111 1111 1111 1111.");
    out.push_str("Change a plugin while this runs, and ask again:\n\n");
    if plugins.join("pii.toml").is_file() {
        out.push_str(&format!("  - in {directory}/pii.toml, write card = \"block\"\n"));
    }
    if Path::new(RULES).is_file() {
        out.push_str(&format!("  - in {RULES}, write Self::Card => \"number\", then\n"));
        out.push_str(&format!("    `cargo xtask plugin {PLUGIN} --into {directory}`\n"));
    }
    out.push_str(&format!("  - drop a component of your own into {directory}\n"));
    out
}
