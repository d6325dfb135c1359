//! What the demo prints: plain text of at most [`WIDTH`] columns.

use std::net::SocketAddr;
use std::path::Path;

use super::super::table::table;
use super::Shown;
use super::client::last_message;
use super::receipts::sums;
use super::script::{From, Scene};
use crate::config::Mode;
use crate::generation::Generation;

/// Columns; a README and a terminal beside an editor have these.
const WIDTH: usize = 100;
/// Columns of the labels on the left.
const LABEL: usize = 12;
/// What the sums of an exchange's receipts say, and which of that are numbers.
const HEADER: [&str; 7] = ["plugin", "phase", "verdict", "calls", "fuel", "µs", "found"];
const NUMBERS: [usize; 3] = [3, 4, 5];
/// In a clone, a source whose change shows.
const RULES: &str = "plugins/pii/src/rule.rs";

/// The plugins in service.
pub(super) fn plugins(directory: &Path, generation: &Generation) -> String {
    let row = |plugin: &std::sync::Arc<crate::plugin::Plugin>| {
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

/// One exchange: what was asked, what became of it, and what that took.
pub(super) fn scene(number: usize, scene: &Scene, shown: &Shown) -> String {
    let mut out = format!("{number}. {}\n\n", scene.title);
    let asked = match scene.from {
        From::User => "asked",
        From::Tool => "tool result",
    };
    out.push_str(&labelled(asked, &scene.asked));
    out.push_str(&labelled("model saw", &model_saw(scene, shown)));
    if let Some(said) = shown.model_said.as_ref().filter(|said| **said != shown.answer.text) {
        out.push_str(&labelled("model said", said));
    }
    out.push_str(&labelled("caller got", &caller_got(shown)));
    out.push('\n');
    let (sums, more) = sums(&shown.answer.receipts);
    let mut rows: Vec<Vec<String>> = sums
        .into_iter()
        .map(|sum| {
            let mut row = vec![sum.plugin, sum.phase, sum.verdict, sum.calls.to_string()];
            row.extend([thousands(sum.fuel), thousands(sum.microseconds), sum.rules.join(" ")]);
            row
        })
        .collect();
    NUMBERS.into_iter().for_each(|column| align_right(&mut rows, column, HEADER));
    out.push_str(&indented(&table(&HEADER, &rows)));
    if more > 0 {
        out.push_str(&format!("  ... and {more} calls more, for which the header had no room\n"));
    }
    if !scene.remark.is_empty() {
        out.push_str(&format!("\n  {}\n", scene.remark));
    }
    out
}

fn model_saw(scene: &Scene, shown: &Shown) -> String {
    match &shown.model_saw {
        None => "(nothing: the request did not reach it)".to_owned(),
        Some(body) if *body == scene.body() => "(the same, byte for byte)".to_owned(),
        Some(body) => last_message(body),
    }
}

fn caller_got(shown: &Shown) -> String {
    let answer = &shown.answer;
    let error = answer.error.as_ref().map(|(code, message)| format!("{message} ({code})"));
    match (error, answer.text.is_empty()) {
        (None, _) => answer.text.clone(),
        (Some(error), true) => format!("HTTP {}: {error}", answer.status),
        (Some(error), false) => {
            let finish = answer.finish.as_deref().unwrap_or("none");
            format!("{}\n... and there the stream ends: {error}, finish reason {finish}", answer.text)
        }
    }
}

/// What to do next.
pub(super) fn goodbye(address: SocketAddr, plugins: &Path) -> String {
    let directory = plugins.display();
    let mut out = format!(
        "Serving on http://{address}/v1 until Ctrl-C. Try:\n\n  curl -i http://{address}/v1/chat/completions \\\n    \
         -H 'content-type: application/json' -H 'x-sluicegate-receipts: 1' -d '{{\n      \"model\": \"sandbox\",\n      \
         \"messages\": [{{\"role\": \"user\", \"content\": \"My card is 4111 1111 1111 1111.\"}}]}}'\n\n\
         The message \"help\" lists what the built-in model does.\n\n\
         Change a plugin while this runs, and ask again:\n\n"
    );
    if plugins.join("pii.toml").is_file() {
        out.push_str(&format!("  - in {directory}/pii.toml, write card = \"block\"\n"));
    }
    if Path::new(RULES).is_file() {
        out.push_str(&format!("  - in {RULES}, write Self::Card => \"number\", then `cargo xtask plugins pii`\n"));
    }
    out.push_str(&format!("  - drop a component of your own into {directory}\n"));
    out
}

/// A label on the left, and the text beside it, wrapped.
fn labelled(label: &str, text: &str) -> String {
    let mut out = String::new();
    for (index, line) in text.lines().flat_map(|line| wrapped(line, WIDTH - LABEL - 2)).enumerate() {
        let label = if index == 0 { label } else { "" };
        out.push_str(format!("  {label:<LABEL$}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// The line in lines of at most `width` characters, broken at spaces where there are some.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.len() > width {
            lines.push(String::new());
        } else if used > 0 {
            lines.iter_mut().last().into_iter().for_each(|line| line.push(' '));
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.iter_mut().last().into_iter().for_each(|line| line.extend(word.iter()));
            lines.push(String::new());
            word = rest;
        }
        lines.iter_mut().last().into_iter().for_each(|line| line.extend(word.iter()));
    }
    lines
}

/// Numbers are compared digit by digit, so they end below each other.
fn align_right(rows: &mut [Vec<String>], column: usize, header: [&str; 7]) {
    let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
    let width = cells.chain(header.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0);
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(column)) {
        *cell = format!("{cell:>width$}");
    }
}

/// Lines of a table, two columns to the right, cut where they would be too wide.
fn indented(lines: &str) -> String {
    let cut = |line: &str| match line.char_indices().nth(WIDTH - 2) {
        None => format!("  {line}\n"),
        Some(_) => format!("  {}...\n", line.chars().take(WIDTH - 5).collect::<String>()),
    };
    lines.lines().map(cut).collect()
}

/// 1234567 as `1 234 567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_spaces_and_long_words_are_cut() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(labelled("got", "a\nb"), "  got         a\n              b\n");
    }

    #[test]
    fn a_line_of_a_table_that_is_too_wide_is_cut() {
        let (fits, wide) = ("x".repeat(WIDTH - 2), "x".repeat(WIDTH - 1));
        assert_eq!(indented(&fits), format!("  {fits}\n"));
        assert_eq!(indented(&wide), format!("  {}...\n", "x".repeat(WIDTH - 5)));
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(123), "123");
        assert_eq!(thousands(1_234_567), "1 234 567");
    }
}
