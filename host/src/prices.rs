//! What tokens cost: the prices of a model, and the table of those that are known.
//!
//! Prices change. The built-in table says of each where and when it was read; what the operator writes stands above it.

use std::sync::LazyLock;

use http::Uri;

use crate::chat::Usage;
use crate::config;
use crate::money::Money;

/// What a model's tokens cost, in dollars a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// What they usually cost.
    pub usual: Rates,
    /// What they cost in an exchange with a long request, all of them.
    pub long: Option<Long>,
}

/// Dollars for a million tokens of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of the request.
    pub input: Money,
    /// Of the request, where the provider had them in its cache.
    pub cached_input: Money,
    /// Of the request, where the provider wrote them to its cache.
    pub cache_write: Money,
    /// Of the answer.
    pub output: Money,
    /// Of the answer, where they were spent on reasoning.
    pub reasoning: Money,
}

/// The prices of exchanges with long requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Long {
    /// Requests of more tokens than this are long.
    pub tokens: u64,
    /// What the tokens of such an exchange cost.
    pub rates: Rates,
}

impl Prices {
    /// Nothing, as the sandbox.
    pub const FREE: Self = Self { usual: Rates::FREE, long: None };

    /// What was used costs, rounded up to the next billionth of a dollar. Each token counts once: cached tokens are part
    /// of the input, reasoning is part of the output.
    #[must_use]
    pub fn of(&self, usage: &Usage) -> Money {
        let input = u64::from(usage.input_tokens);
        let cached = u64::from(usage.cached_input_tokens).min(input);
        let written = u64::from(usage.cache_write_tokens).min(input - cached);
        let output = u64::from(usage.output_tokens);
        let reasoning = u64::from(usage.reasoning_tokens).min(output);
        let rates = self.rates(input);
        total(&[
            (input - cached - written, rates.input),
            (cached, rates.cached_input),
            (written, rates.cache_write),
            (output - reasoning, rates.output),
            (reasoning, rates.reasoning),
        ])
    }

    /// The most that so many tokens can cost, for a reservation before the provider has counted: nothing is in its cache,
    /// and all is written to it.
    #[must_use]
    pub fn estimate(&self, input_tokens: u64, output_tokens: u64) -> Money {
        let rates = self.rates(input_tokens);
        total(&[(input_tokens, rates.input.max(rates.cache_write)), (output_tokens, rates.output.max(rates.reasoning))])
    }

    fn rates(&self, input_tokens: u64) -> &Rates {
        match &self.long {
            Some(long) if input_tokens > long.tokens => &long.rates,
            _ => &self.usual,
        }
    }
}

impl Rates {
    const FREE: Self = Self {
        input: Money::ZERO,
        cached_input: Money::ZERO,
        cache_write: Money::ZERO,
        output: Money::ZERO,
        reasoning: Money::ZERO,
    };
}

/// Tokens at so much a million, rounded up once.
fn total(parts: &[(u64, Money)]) -> Money {
    let cost = |(tokens, price): &(u64, Money)| u128::from(*tokens) * u128::from(price.nanodollars());
    let all = parts.iter().map(cost).fold(0, u128::saturating_add);
    Money::from_nanodollars(u64::try_from(all.div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

/// The prices of models, by provider and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One model of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who sells it, as `openai`.
    pub provider: String,
    /// What the provider calls it, without a date: `gpt-5-mini`.
    pub model: String,
    /// What it costs.
    pub prices: Prices,
    /// The page that says so.
    pub source: Option<String>,
    /// When that was read, as `2026-11-28`.
    pub date: Option<String>,
}

impl Table {
    /// The entry of a model: the one with its name, else the one of its family.
    fn entry(&self, provider: &str, model: &str) -> Option<&Entry> {
        let model = model.strip_prefix("models/").unwrap_or(model);
        let of_provider = self.entries.iter().filter(|entry| entry.provider == provider);
        of_provider.filter(|entry| is_of_family(model, &entry.model)).max_by_key(|entry| entry.model.len())
    }

    /// What a model costs according to this table, laid over the one that is built in: the longest name that fits
    /// counts, and this table's where both have it.
    #[must_use]
    pub fn prices(&self, provider: &str, model: &str) -> Option<Prices> {
        let (own, known) = (self.entry(provider, model), KNOWN.entry(provider, model));
        let longer = |known: &&Entry| own.is_none_or(|own| known.model.len() > own.model.len());
        known.filter(longer).or(own).map(|entry| entry.prices)
    }

    /// Whether this table or the built-in one has prices of this provider.
    #[must_use]
    pub fn knows(&self, provider: &str) -> bool {
        providers(self).any(|known| known == provider)
    }
}

/// The providers of a table and of the built-in one.
pub fn providers(table: &Table) -> impl Iterator<Item = &str> {
    table.entries.iter().chain(&KNOWN.entries).map(|entry| entry.provider.as_str())
}

/// What was true when this version was made.
static KNOWN: LazyLock<Table> =
    LazyLock::new(|| config::price_table("prices.toml", include_str!("../prices.toml")).unwrap_or_default());

/// What a model costs, if the built-in table knows it.
#[must_use]
pub fn known(provider: &str, model: &str) -> Option<Prices> {
    KNOWN.entry(provider, model).map(|entry| entry.prices)
}

/// Whether a model is the one called `family`, or a dated version of it. What goes on with anything but a date is
/// another model: `gpt-5-mini` is not `gpt-5`.
fn is_of_family(model: &str, family: &str) -> bool {
    model.strip_prefix(family).is_some_and(|rest| {
        rest.is_empty() || rest == "-latest" || rest.strip_prefix(['-', '@']).is_some_and(is_date_or_revision)
    })
}

/// `2025-08-07`, `20250807` or `001`.
fn is_date_or_revision(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.into_iter().all(is_number) && matches!(*lengths, [4, 2, 2] | [8] | [3])
}

/// Who sells what is asked for at these addresses.
const HOSTS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "google"),
    ("api.mistral.ai", MISTRAL),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
];
const MISTRAL: &str = "mistral";

/// Who sells what is asked for at this address, if that is known.
#[must_use]
pub fn seller(base_url: &Uri) -> Option<&'static str> {
    let host = base_url.host()?;
    HOSTS.iter().find(|(known, _)| host.eq_ignore_ascii_case(known)).map(|(_, seller)| *seller)
}

/// Whether a seller takes `stream_options`. Mistral refuses the whole request for it, and tells the usage of streams
/// without being asked: <https://github.com/openai/openai-agents-python/issues/442>.
#[must_use]
pub fn takes_stream_options(seller: Option<&str>) -> bool {
    seller != Some(MISTRAL)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn rates(input: &str, cached_input: &str, cache_write: &str, output: &str) -> Rates {
        Rates {
            input: money(input),
            cached_input: money(cached_input),
            cache_write: money(cache_write),
            output: money(output),
            reasoning: money(output),
        }
    }

    #[test]
    fn cached_and_reasoning_tokens_count_once() {
        let prices = Prices { usual: rates("2", "0.5", "2.5", "8"), long: None };
        let usage = Usage {
            input_tokens: 1_000,
            cached_input_tokens: 600,
            cache_write_tokens: 300,
            output_tokens: 50,
            reasoning_tokens: 20,
        };
        // 100 × 2 + 600 × 0.5 + 300 × 2.5 + 50 × 8 = 1,650 millionths of a dollar.
        assert_eq!(prices.of(&usage), money("0.00165"));
        let dear = Prices { usual: Rates { reasoning: money("10"), ..prices.usual }, long: None };
        assert_eq!(dear.of(&usage), money("0.00169"));
    }

    #[test]
    fn what_is_more_than_the_whole_is_cut_to_it() {
        let prices = Prices { usual: rates("2", "0.5", "2.5", "8"), long: None };
        let usage = Usage {
            input_tokens: 10,
            cached_input_tokens: 4_000_000_000,
            cache_write_tokens: 4_000_000_000,
            output_tokens: 1,
            reasoning_tokens: 9,
        };
        assert_eq!(prices.of(&usage), money("0.000013"));
    }

    #[test]
    fn a_sum_is_rounded_up_once() {
        let nano = Money::from_nanodollars(1);
        let prices = Prices {
            usual: Rates { input: nano, cached_input: nano, cache_write: nano, output: nano, reasoning: nano },
            long: None,
        };
        let usage = Usage { input_tokens: 3, cached_input_tokens: 1, output_tokens: 2, ..Usage::default() };
        assert_eq!(prices.of(&usage), nano);
        assert_eq!(prices.of(&Usage::default()), Money::ZERO);
        assert_eq!(prices.estimate(u64::MAX, u64::MAX).nanodollars(), 36_893_488_147_420);
        let most = Money::from_nanodollars(u64::MAX);
        let dear = Rates { input: most, output: most, ..Rates::FREE };
        assert_eq!(Prices { usual: dear, long: None }.estimate(u64::MAX, u64::MAX), most);
    }

    #[test]
    fn a_long_request_makes_all_of_it_dearer() {
        let long = Long { tokens: 100, rates: rates("4", "1", "5", "16") };
        let prices = Prices { usual: rates("2", "0.5", "2.5", "8"), long: Some(long) };
        let of = |input_tokens| prices.of(&Usage { input_tokens, output_tokens: 10, ..Usage::default() });
        assert_eq!(of(100), money("0.00028"));
        assert_eq!(of(101), money("0.000564"));
        // Cached tokens make a request long as well.
        let cached = Usage { input_tokens: 101, cached_input_tokens: 101, ..Usage::default() };
        assert_eq!(prices.of(&cached), money("0.000101"));
    }

    #[test]
    fn an_estimate_is_the_most_that_it_can_be() {
        let prices = Prices { usual: rates("2", "0.5", "2.5", "8"), long: None };
        assert_eq!(prices.estimate(1_000, 100), money("0.0033"));
        for (cached_input_tokens, cache_write_tokens) in [(0, 0), (1_000, 0), (0, 1_000), (500, 500)] {
            let usage = Usage {
                input_tokens: 1_000,
                cached_input_tokens,
                cache_write_tokens,
                output_tokens: 100,
                reasoning_tokens: 7,
            };
            assert!(prices.of(&usage) <= prices.estimate(1_000, 100));
        }
    }

    fn entry(model: &str, input: &str) -> Entry {
        let prices = Prices { usual: rates(input, input, input, input), long: None };
        Entry { provider: "p".to_owned(), model: model.to_owned(), prices, source: None, date: None }
    }

    #[test]
    fn a_dated_name_is_of_its_family_and_a_longer_one_is_not() {
        let table =
            Table { entries: vec![entry("gpt-5", "1"), entry("gpt-5-mini", "2"), entry("gpt-5-2025-01-01", "3")] };
        let of = |model: &str| table.prices("p", model).map(|prices| prices.usual.input.to_string());
        for (model, input) in [
            ("gpt-5", "1"),
            ("gpt-5-2025-08-07", "1"),
            ("gpt-5@20250807", "1"),
            ("gpt-5-latest", "1"),
            ("models/gpt-5", "1"),
            ("gpt-5-001", "1"),
            ("gpt-5-mini", "2"),
            ("gpt-5-mini-2025-08-07", "2"),
            ("gpt-5-2025-01-01", "3"),
        ] {
            assert_eq!(of(model).as_deref(), Some(input), "{model}");
        }
        for model in
            ["gpt-5-nano", "gpt-5.1", "gpt-5-5", "gpt-51", "gpt-5-2025-08", "gpt-5-2025-08-07-x", "gpt", "gpt-5-"]
        {
            assert_eq!(of(model), None, "{model}");
        }
        assert_eq!(table.prices("q", "gpt-5"), None);
    }

    #[test]
    fn a_table_lies_over_the_one_that_is_built_in() {
        let mini = Entry { provider: "openai".to_owned(), ..entry("gpt-5-mini", "7") };
        let table = Table { entries: vec![mini] };
        let of = |model: &str| table.prices("openai", model).unwrap().usual.input;
        assert_eq!(of("gpt-5-mini-2025-08-07"), money("7"));
        assert_eq!(Some(of("gpt-5")), known("openai", "gpt-5").map(|prices| prices.usual.input));
        // A name of the built-in table that says more is not the shorter one's.
        let all = Entry { provider: "openai".to_owned(), ..entry("gpt-4o", "7") };
        let dated = Table { entries: vec![all] }.prices("openai", "gpt-4o-2024-05-13");
        assert_eq!(dated, known("openai", "gpt-4o-2024-05-13"));
    }

    #[test]
    fn the_built_in_table_is_right_and_says_where_each_price_was_read() {
        let table = config::price_table("prices.toml", include_str!("../prices.toml")).unwrap();
        assert!(table.entries.len() > 30);
        let sellers: Vec<&str> = HOSTS.iter().map(|(_, seller)| *seller).collect();
        for entry in &table.entries {
            let Entry { provider, model, prices, source, date } = entry;
            assert!(sellers.contains(&provider.as_str()), "{provider}");
            assert!(source.is_some() && date.is_some(), "{model}");
            let twins = table.entries.iter().filter(|other| (&other.provider, &other.model) == (provider, model));
            assert_eq!(twins.count(), 1, "{model}");
            for rates in [Some(prices.usual), prices.long.map(|long| long.rates)].into_iter().flatten() {
                // Vectors have no output.
                let is_of_vectors = model.contains("embedding");
                assert!(rates.input > Money::ZERO, "{model}");
                assert!(
                    if is_of_vectors { rates.output == Money::ZERO } else { rates.output >= rates.input },
                    "{model}"
                );
                assert!(rates.cached_input <= rates.input && rates.cache_write >= rates.input, "{model}");
            }
            if let Some(long) = prices.long {
                assert!(long.rates.input > prices.usual.input && long.tokens >= 100_000, "{model}");
            }
        }
    }

    #[test]
    fn who_sells_is_told_by_the_host() {
        let of = |base_url: &'static str| seller(&Uri::from_static(base_url));
        assert_eq!(of("https://api.openai.com/v1"), Some("openai"));
        assert_eq!(of("https://API.Anthropic.com:443/v1"), Some("anthropic"));
        assert_eq!(of("https://api.openai.com.evil.example/v1"), None);
        assert!(!takes_stream_options(of("https://api.mistral.ai/v1")) && takes_stream_options(None));
    }
}
