//! Prices as a person writes them: those of one target, and a file of many.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problems;
use super::file::{not_toml, table};
use crate::money::Money;
use crate::prices::{Entry, Long, Prices, Rates, Table};

/// Dollars for a million tokens of each kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricesFile {
    /// Of requests: `"0.25"`.
    pub input: Spanned<String>,
    /// Of requests, where the provider had them in its cache: as `input`.
    pub cached_input: Option<Spanned<String>>,
    /// Of requests, where the provider wrote them to its cache: as `input`.
    pub cache_write: Option<Spanned<String>>,
    /// Of answers: `"2.00"`.
    pub output: Spanned<String>,
    /// Of answers, where they were spent on reasoning: as `output`.
    pub reasoning: Option<Spanned<String>>,
    /// What all of them cost where the request is long.
    pub long: Option<LongFile>,
}

/// `long = { tokens = 200_000, input = "2.50", output = "15.00" }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongFile {
    /// Requests of more tokens than this are long.
    pub tokens: u64,
    /// As above.
    pub input: Spanned<String>,
    /// As above.
    pub cached_input: Option<Spanned<String>>,
    /// As above.
    pub cache_write: Option<Spanned<String>>,
    /// As above.
    pub output: Spanned<String>,
    /// As above.
    pub reasoning: Option<Spanned<String>>,
}

/// `[[price]]` of a file of prices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryFile {
    provider: Spanned<String>,
    model: Spanned<String>,
    input: Spanned<String>,
    cached_input: Option<Spanned<String>>,
    cache_write: Option<Spanned<String>>,
    output: Spanned<String>,
    reasoning: Option<Spanned<String>>,
    long: Option<LongFile>,
    source: Option<Spanned<String>>,
    date: Option<Spanned<String>>,
}

/// What stands in the fields of one table.
struct Written<'a> {
    input: &'a Spanned<String>,
    cached_input: Option<&'a Spanned<String>>,
    cache_write: Option<&'a Spanned<String>>,
    output: &'a Spanned<String>,
    reasoning: Option<&'a Spanned<String>>,
}

impl Written<'_> {
    fn rates(&self, field: &str, problems: &mut Problems) -> Rates {
        let mut money = |name: &str, given: &Spanned<String>| {
            given.get_ref().parse().unwrap_or_else(|wrong| {
                problems.add(Some(given.span()), format!("{field}.{name}"), format!("{:?} {wrong}", given.get_ref()));
                Money::ZERO
            })
        };
        let (input, output) = (money("input", self.input), money("output", self.output));
        Rates {
            input,
            cached_input: self.cached_input.map_or(input, |given| money("cached_input", given)),
            cache_write: self.cache_write.map_or(input, |given| money("cache_write", given)),
            output,
            reasoning: self.reasoning.map_or(output, |given| money("reasoning", given)),
        }
    }
}

impl LongFile {
    fn long(&self, field: &str, problems: &mut Problems) -> Long {
        let written = Written {
            input: &self.input,
            cached_input: self.cached_input.as_ref(),
            cache_write: self.cache_write.as_ref(),
            output: &self.output,
            reasoning: self.reasoning.as_ref(),
        };
        Long { tokens: self.tokens, rates: written.rates(&format!("{field}.long"), problems) }
    }
}

/// The prices of one target.
pub(super) fn resolve(file: &PricesFile, field: &str, problems: &mut Problems) -> Prices {
    let written = Written {
        input: &file.input,
        cached_input: file.cached_input.as_ref(),
        cache_write: file.cache_write.as_ref(),
        output: &file.output,
        reasoning: file.reasoning.as_ref(),
    };
    Prices { usual: written.rates(field, problems), long: file.long.as_ref().map(|long| long.long(field, problems)) }
}

/// Read a file of prices.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn load(path: &Path) -> Result<Table, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
    price_table(&path.display().to_string(), &text)
}

/// Read a file of prices from its text. `name` stands in the problems.
///
/// # Errors
/// All that is wrong with it.
pub fn price_table(name: &str, text: &str) -> Result<Table, Problems> {
    let mut problems = Problems::new(name, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().or(Some(0..0)), "", format!("is not TOML: {}", not_toml(error.message())));
    }
    let mut entries = Vec::new();
    if errors.is_empty() {
        for (key, value) in document.into_inner() {
            let span = key.span();
            match (&*key.into_inner(), value.into_inner()) {
                ("price", DeValue::Array(items)) => {
                    for item in items {
                        let span = item.span();
                        let read: Option<EntryFile> = table("price", item, &mut problems);
                        entries.extend(read.map(|read| entry(&read, span, &mut problems)));
                    }
                }
                (other, _) => problems.add(Some(span), other, "a file of prices has tables [[price]] and nothing else"),
            }
        }
    }
    let table = Table { entries };
    problems.into_result(table)
}

fn entry(file: &EntryFile, span: Range<usize>, problems: &mut Problems) -> Entry {
    let written = Written {
        input: &file.input,
        cached_input: file.cached_input.as_ref(),
        cache_write: file.cache_write.as_ref(),
        output: &file.output,
        reasoning: file.reasoning.as_ref(),
    };
    let field = format!("price.{}", file.model.get_ref());
    let prices = Prices {
        usual: written.rates(&field, problems),
        long: file.long.as_ref().map(|long| long.long(&field, problems)),
    };
    for (name, given) in [("provider", &file.provider), ("model", &file.model)] {
        if given.get_ref().is_empty() {
            problems.add(Some(span.clone()), format!("price.{name}"), "is empty");
        }
    }
    if let Some(date) = file.date.as_ref().filter(|date| !is_date(date.get_ref())) {
        let message = format!("{:?} is not a date, as \"2026-11-28\"", date.get_ref());
        problems.add(Some(date.span()), format!("{field}.date"), message);
    }
    if let Some(source) = file.source.as_ref().filter(|source| !source.get_ref().starts_with("https://")) {
        let message = format!("{:?} is not the address of a page, as \"https://...\"", source.get_ref());
        problems.add(Some(source.span()), format!("{field}.source"), message);
    }
    Entry {
        provider: file.provider.get_ref().clone(),
        model: file.model.get_ref().clone(),
        prices,
        source: file.source.as_ref().map(|source| source.get_ref().clone()),
        date: file.date.as_ref().map(|date| date.get_ref().clone()),
    }
}

fn is_date(text: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    match *parts {
        [year, month, day] => {
            let is_within = |text: &str, most: u8| text.parse().is_ok_and(|number: u8| (1..=most).contains(&number));
            let lengths = (year.len(), month.len(), day.len());
            lengths == (4, 2, 2)
                && parts.iter().all(|part| is_number(part))
                && is_within(month, 12)
                && is_within(day, 31)
        }
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_costs_as_the_rest() {
        let text = "[[price]]\nprovider = 'p'\nmodel = 'm'\ninput = '1'\noutput = '2'\n\
                    long = { tokens = 5, input = '3', cached_input = '0.5', output = '4' }\n";
        let prices = price_table("prices.toml", text).unwrap().prices("p", "m").unwrap();
        let [one, two, three, four] = ["1", "2", "3", "4"].map(|text| text.parse().unwrap());
        let usual = Rates { input: one, cached_input: one, cache_write: one, output: two, reasoning: two };
        let half = "0.5".parse().unwrap();
        let long = Rates { input: three, cached_input: half, cache_write: three, output: four, reasoning: four };
        assert_eq!(prices, Prices { usual, long: Some(Long { tokens: 5, rates: long }) });
    }

    #[test]
    fn every_mistake_in_a_file_is_told() {
        let said = |text: &str| price_table("prices.toml", text).unwrap_err().to_string();
        let entry = "[[price]]\nprovider = 'p'\nmodel = 'm'\noutput = '2'\n";
        let mistakes = [
            "[prices]\nx = 1".to_owned(),
            "[[price]".to_owned(),
            "price = 1".to_owned(),
            entry.to_owned(),
            format!("{entry}input = 1\n"),
            format!("{entry}input = 1.5\n"),
            format!("{entry}input = '1,5'\ndate = '2026-13-01'\nsource = 'me'\n"),
            format!("{entry}input = '1'\noutputs = '1'\n"),
            format!("{entry}input = '1'\nlong = {{ tokens = 5, input = '1', output = '-1' }}\n"),
        ];
        insta::assert_snapshot!(mistakes.iter().map(|text| said(text)).collect::<Vec<_>>().join("\n"));
    }
}
