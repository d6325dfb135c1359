//! From a request to a plan: what the sandbox model is going to say, and in what manner. The table is in the parent's
//! documentation.

use std::time::Duration;

use super::Settings;
use super::failure::Failure;
use super::plan::{Call, Cut, Ending, Escape, Manner, Plan, Said, Say, Script, Usage};
use super::request::{Format, Request, ToolChoice};
use super::{schema, words};

/// How long a wait may be asked for: ten minutes, longer than any timeout that a test would wait for.
const WAIT_MAX: Duration = Duration::from_secs(600);
const LONG_WORDS_MAX: usize = 100_000;
/// As many as OpenAI allows.
const CHOICES_MAX: u32 = 128;
/// What all choices together may say.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// A line longer than this is no command.
const COMMAND_BYTES_MAX: usize = 200;
const CALLS_MAX: usize = 128;

/// Reads what the request wants.
pub(super) fn read(request: &Request<'_>, settings: &Settings) -> Result<Script, Failure> {
    let manner = Manner {
        start: Duration::ZERO,
        pace: Duration::ZERO,
        cut: Cut::around(settings.chunk_chars),
        frame_bytes: None,
        ending: Ending::Whole,
    };
    let mut reader = Reader { request, settings, manner, say: Say::default() };
    let mut plan = reader.plan()?;
    if let Plan::Say(say) = &mut plan {
        finish(say, reader.say, request)?;
    }
    Ok(Script { plan, manner: reader.manner })
}

/// A request being read: the lines so far have set the manner, and those fields of the answer that are not its words.
struct Reader<'r, 'a> {
    request: &'r Request<'a>,
    settings: &'r Settings,
    manner: Manner,
    say: Say,
}

impl Reader<'_, '_> {
    fn plan(&mut self) -> Result<Plan, Failure> {
        let message = self.request.last_user_text()?;
        if let Some(command) = self.request.model.strip_prefix("sandbox-").map(|name| name.replace('-', " "))
            && !self.manner_line(&command)
            && let Some(plan) = self.command(&command, &message)?
        {
            return Ok(plan);
        }
        let results = self.request.tool_results()?;
        if !results.is_empty() {
            let sentences: Vec<_> = results.iter().map(|(name, text)| format!("{name} answered: {text}")).collect();
            return Ok(text(sentences.join("\n")));
        }
        let mut rest = &*message;
        loop {
            let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
            if !self.manner_line(line) {
                break;
            }
            rest = below;
        }
        if let Some(plan) = self.command(rest, rest)? {
            return Ok(plan);
        }
        if let ToolChoice::Required | ToolChoice::Named(_) = self.request.tool_choice()? {
            return self.calls("call", rest);
        }
        Ok(text(match (rest, message.is_empty()) {
            ("", true) => "Hello! You said nothing; say `help` to learn what I can do.".into(),
            ("", false) => words::lorem(40),
            _ => format!("You said: {rest}"),
        }))
    }

    /// Whether the line is about the manner of the answer; then it is set.
    fn manner_line(&mut self, line: &str) -> bool {
        if let Some(text) = after(line, "reason:") {
            self.say.reasoning = text.trim().to_owned();
            return true;
        }
        let Some(lower) = lower(line) else { return false };
        let words: Vec<&str> = lower.split_ascii_whitespace().collect();
        let manner = &mut self.manner;
        match *words.as_slice() {
            ["slow"] => manner.pace = self.settings.pace,
            ["slow", pace] => return set(&mut manner.pace, wait(pace)),
            ["slow", "start", start] => return set(&mut manner.start, wait(start)),
            ["die", "after", chunks] => return set(&mut manner.ending, chunks.parse().ok().map(Ending::Die)),
            ["stall", "after", chunks] => return set(&mut manner.ending, chunks.parse().ok().map(Ending::Stall)),
            ["garbage", "after", chunks] => return set(&mut manner.ending, chunks.parse().ok().map(Ending::Garbage)),
            ["chunks", "of", chars] => return set(&mut manner.cut, positive(chars).map(Cut::exactly)),
            ["frames", "of", bytes] => return set(&mut manner.frame_bytes, positive(bytes).map(Some)),
            ["finish", reason] => self.say.finish = Some(reason.to_owned()),
            ["usage", ref counts @ ..] => return set(&mut self.say.usage, usage(counts).map(Some)),
            _ => return false,
        }
        true
    }

    /// What the text commands, if it is a command. Made-up strings take their text from the message.
    fn command(&self, command: &str, message: &str) -> Result<Option<Plan>, Failure> {
        if let Some(exact) = after(command, "repeat:") {
            let exact = exact.strip_prefix(' ').unwrap_or(exact);
            return Ok(Some(Plan::Say(Say { exact: true, said: Said::Text(exact.to_owned()), ..Say::default() })));
        }
        if let Some(why) = after(command, "refuse:") {
            return Ok(Some(refusal(why.trim())));
        }
        if after(command, "call").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n'])) {
            return self.calls(command, "").map(Some);
        }
        if let Some(fail) = after(command, "fail ") {
            return Ok(failure(fail).map(Plan::Fail));
        }
        let command = command.trim_ascii();
        let Some(lower) = lower(command).filter(|lower| !lower.contains('\n')) else { return Ok(None) };
        let words: Vec<&str> = lower.split_ascii_whitespace().collect();
        Ok(Some(match *words.as_slice() {
            ["help"] => text(words::HELP.into()),
            ["leak", ref kinds @ ..] => match words::leak(kinds) {
                Some(leak) => text(leak),
                None => return Ok(None),
            },
            ["long", count] => match count.parse() {
                Ok(count) => text(words::lorem(LONG_WORDS_MAX.min(count))),
                Err(_) => return Ok(None),
            },
            ["unicode"] => unicode(Escape::Whole),
            ["unicode", "split"] => unicode(Escape::Split),
            ["refuse"] => refusal("I'm sorry, but I can't help with that."),
            ["usage"] => {
                let said = Said::Text("What this took stands in the usage.".into());
                Plan::Say(Say { usage_always: true, said, ..Say::default() })
            }
            // `sandbox-repeat`, for one, has no text: then the message is it.
            ["repeat"] if command != message => {
                Plan::Say(Say { exact: true, said: Said::Text(message.to_owned()), ..Say::default() })
            }
            ["garbage"] => Plan::Garbage,
            ["die"] => Plan::Die,
            ["stall"] => Plan::Stall,
            _ => return Ok(None),
        }))
    }

    /// The calls of the lines that begin with `call`; a line that does not belongs to the arguments above it.
    fn calls(&self, lines: &str, message: &str) -> Result<Plan, Failure> {
        let choice = self.request.tool_choice()?;
        if choice == ToolChoice::None {
            return Ok(text("I was told not to call tools.".into()));
        }
        let tools = self.request.tools()?;
        let mut calls: Vec<Call> = Vec::new();
        for line in lines.lines() {
            match (after(line, "call").filter(|rest| rest.is_empty() || rest.starts_with(' ')), calls.last_mut()) {
                (Some(rest), _) => {
                    let (name, arguments) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                    calls.push(Call { name: name.into(), arguments: arguments.trim().into() });
                }
                (None, Some(call)) => call.arguments.extend(["\n", line]),
                (None, None) => {}
            }
        }
        calls.truncate(if self.request.parallel_calls() { CALLS_MAX } else { 1 });
        for call in &mut calls {
            match (call.name.is_empty(), &choice, tools.first()) {
                (false, _, _) => {}
                (true, ToolChoice::Named(name), _) => call.name.clone_from(name),
                (true, _, Some(first)) => call.name = first.name.to_string(),
                (true, _, None) => return Ok(text("There is no tool that I could call.".into())),
            }
            if call.arguments.trim().is_empty() {
                let parameters = tools.iter().find(|tool| tool.name == call.name).and_then(|tool| tool.parameters);
                let parameters = parameters.and_then(|parameters| serde_json::from_str(parameters.get()).ok());
                let said = if message.is_empty() { "sample" } else { message };
                let made = parameters.map(|parameters| schema::example(&parameters, said).to_string());
                call.arguments = made.unwrap_or_else(|| "{}".into());
            }
        }
        Ok(Plan::Say(Say { said: Said::Calls(calls), ..Say::default() }))
    }
}

/// Applies what the lines and the request's own fields say about any answer.
fn finish(say: &mut Say, lines: Say, request: &Request<'_>) -> Result<(), Failure> {
    say.reasoning = lines.reasoning;
    say.finish = lines.finish;
    say.usage = lines.usage;
    if let Said::Text(text) = &mut say.said {
        if !say.exact {
            match request.format()? {
                Format::Text => {}
                Format::Object => *text = serde_json::json!({ "answer": text }).to_string(),
                Format::Schema(schema) => *text = schema::example(&schema, text).to_string(),
            }
        }
        for stop in request.stops()?.iter().filter(|stop| !stop.is_empty()) {
            if let Some(at) = text.find(stop) {
                text.truncate(at);
            }
        }
        if let Some(end) = request.words_max().and_then(|words| end_of_words(text, words)) {
            text.truncate(end);
            say.too_long = true;
        }
    }
    let choices = request.n.unwrap_or(1);
    let bytes = say.said.len().saturating_add(say.reasoning.len());
    if !(1..=CHOICES_MAX).contains(&choices)
        || usize::try_from(choices).is_ok_and(|choices| bytes.saturating_mul(choices) > ANSWER_BYTES_MAX)
    {
        return Err(Failure::bad_request(Some("n"), "Invalid 'n': from 1 to 128, and not too much text in all."));
    }
    Ok(())
}

/// `STATUS [retry-after SECONDS][: TEXT]`
fn failure(line: &str) -> Option<Failure> {
    let (command, text) = match line.split_once(':') {
        Some((command, text)) => (command, Some(text.trim())),
        None => (line, None),
    };
    let command = lower(command)?.replace("retry-after", "retry after");
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let (status, retry_after) = match *words.as_slice() {
        [status] => (status, None),
        [status, "retry", "after", seconds] => (status, Some(seconds.parse().ok()?)),
        _ => return None,
    };
    let status = status.parse().ok().filter(|status| (400..600).contains(status))?;
    Some(Failure::on_demand(status, retry_after, text))
}

/// `P C [cached N] [reasoning N]`
fn usage(counts: &[&str]) -> Option<Usage> {
    let [prompt, completion, details @ ..] = counts else { return None };
    let mut usage = Usage { prompt: prompt.parse().ok()?, completion: completion.parse().ok()?, ..Usage::default() };
    for detail in details.chunks(2) {
        match *detail {
            ["cached", count] => usage.cached = count.parse().ok()?,
            ["reasoning", count] => usage.reasoning = count.parse().ok()?,
            _ => return None,
        }
    }
    Some(usage)
}

/// Where the first `count` words end, if there are more.
fn end_of_words(text: &str, count: usize) -> Option<usize> {
    let mut words = 0_usize;
    let mut in_word = false;
    for (at, byte) in text.bytes().enumerate() {
        let starts = !byte.is_ascii_whitespace() && !in_word;
        if starts && words == count {
            return text.get(..at).map(|words| words.trim_ascii_end().len());
        }
        words = words.saturating_add(usize::from(starts));
        in_word = !byte.is_ascii_whitespace();
    }
    None
}

fn text(text: String) -> Plan {
    Plan::Say(Say { said: Said::Text(text), ..Say::default() })
}

fn refusal(why: &str) -> Plan {
    Plan::Say(Say { said: Said::Refusal(why.to_owned()), ..Say::default() })
}

fn unicode(escape: Escape) -> Plan {
    Plan::Say(Say { said: Said::Text(words::UNICODE.into()), escape, ..Say::default() })
}

/// What follows a command word, which may be written in capitals.
fn after<'a>(text: &'a str, command: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(command.len())?;
    start.eq_ignore_ascii_case(command).then_some(rest)
}

/// The line in lower case, unless it is too long to be a command.
fn lower(line: &str) -> Option<String> {
    (line.len() <= COMMAND_BYTES_MAX).then(|| line.to_ascii_lowercase())
}

fn set<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn wait(milliseconds: &str) -> Option<Duration> {
    milliseconds.parse().ok().map(|milliseconds| Duration::from_millis(milliseconds).min(WAIT_MAX))
}

fn positive(count: &str) -> Option<usize> {
    count.parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests;
