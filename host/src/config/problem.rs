//! What is wrong with a configuration: where, what, and how to mend it. All of it at once.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::Layer;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// The field with its tables, as `targets.small.provider`; empty where the file as a whole is meant.
    pub field: String,
    /// What is wrong, and how to mend it.
    pub message: String,
    /// The text is right: it names a secret that is not there on this machine.
    pub is_absent: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// All mistakes of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    sources: Vec<Source>,
    found: Vec<Problem>,
}

/// A file. Places in it count from the beginning of the first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    file: String,
    text: String,
    start: usize,
}

impl Problems {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self::of_layers(&[Layer { name: file.to_owned(), text: text.to_owned() }])
    }

    pub(super) fn of_layers(layers: &[Layer]) -> Self {
        let mut start = 0;
        let source = |Layer { name, text }: &Layer| {
            let source = Source { file: name.clone(), text: text.clone(), start };
            // One more, so that the end of a file is not the beginning of the next.
            start += text.len() + 1;
            source
        };
        Self { sources: layers.iter().map(source).collect(), found: Vec::new() }
    }

    /// The file that holds a place, and the text in it before that.
    fn at(&self, place: usize) -> Option<(&Source, &str)> {
        let source = self.sources.iter().rfind(|source| source.start <= place)?;
        Some((source, source.text.get(..place - source.start).unwrap_or(&source.text)))
    }

    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let mut problems = Self::new(&path.display().to_string(), "");
        problems.add(None, "", format!("cannot be read: {error}"));
        problems
    }

    /// A secret is not there.
    pub(super) fn add_absent(
        &mut self,
        span: Option<Range<usize>>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.add(span, field, message);
        self.found.iter_mut().last().into_iter().for_each(|problem| problem.is_absent = true);
    }

    /// What is wrong with the text, wherever it is read.
    pub(super) fn of_the_text(mut self) -> Self {
        self.found.retain(|problem| !problem.is_absent);
        self
    }

    pub(super) fn add(&mut self, span: Option<Range<usize>>, field: impl Into<String>, message: impl Into<String>) {
        let place = span.and_then(|span| self.at(span.start));
        let line = place.map_or(0, |(_, before)| before.bytes().filter(|byte| *byte == b'\n').count() + 1);
        let source = place.map(|(source, _)| source).or(self.sources.first());
        let file = source.map(|source| source.file.clone()).unwrap_or_default();
        self.found.push(Problem { file, line, field: field.into(), message: message.into(), is_absent: false });
    }

    /// The field whose line holds `span`, in the table `table` or, if that has no name or the line stands in a table
    /// within it, in the one above the line. Of a line that begins a table, that table.
    pub(super) fn field_at(&self, table: &str, span: &Range<usize>) -> String {
        let Some((source, before)) = self.at(span.start) else { return table.to_owned() };
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let (above, line) = source.text.split_at_checked(start).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        let header = |line: &str| Some(line.trim().strip_prefix('[')?.split(']').next()?.to_owned());
        if let Some(own) = header(line).filter(|own| own.starts_with(table)) {
            return own;
        }
        let nearest = above.lines().rev().find_map(header).unwrap_or_default();
        let is_within = table.is_empty() || nearest.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
        let table = if is_within { nearest } else { table.to_owned() };
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        match (table.as_str(), key) {
            (table, "") => table.to_owned(),
            ("", key) => key.to_owned(),
            (table, key) if table.rsplit('.').next() == Some(key) => table.to_owned(),
            (table, key) => format!("{table}.{key}"),
        }
    }

    /// Where the text was made from something else: a field that has another name for the person, and no line.
    pub(super) fn call_field(&mut self, field: &str, name: &str) {
        for problem in self.found.iter_mut().filter(|problem| problem.field == field) {
            (problem.field, problem.line) = (name.to_owned(), 0);
        }
    }

    /// All that is wrong with another file, which this one names.
    pub(super) fn absorb(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    pub(super) fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let rank = |problem: &Problem| self.sources.iter().position(|source| source.file == problem.file);
        self.found.sort_by_cached_key(|problem| (rank(problem), problem.line));
        Err(self)
    }

    /// The mistakes, by line.
    #[must_use]
    pub fn found(&self) -> &[Problem] {
        &self.found
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.found.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// `, did you mean "x"?` if one of `known` is close to `given`.
pub(super) fn suggestion<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let close = known.map(|name| (distance(given, name), name)).min();
    match close {
        Some((distance, name)) if distance <= 2.max(given.len() / 3) && distance < given.len() => {
            format!("; did you mean {name:?}?")
        }
        _ => String::new(),
    }
}

/// Levenshtein's distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for ((y, pair), left) in b.iter().zip(row.windows(2)).zip(0..) {
            let [diagonal, above] = pair else { continue };
            let beside = next.get(left).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(x != *y)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(suggestion("opnai", ["openai", "groq"].into_iter()), "; did you mean \"openai\"?");
        assert_eq!(suggestion("anthropic", ["openai", "groq"].into_iter()), "");
    }

    #[test]
    fn distances_are_levenshteins() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
