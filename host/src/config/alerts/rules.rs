//! From what a person wrote about alerts to what the program needs: the rules that are written, and one of each kind beside them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use super::{Alerts, Denied, Latency, Rule, When};
use crate::config::problem::suggestion;
use crate::config::resolve::number;
use crate::config::webhook::webhook;
use crate::config::{Problems, file};
use crate::key::{NAME_BYTES_MAX, is_label};

/// What holds for all rules of a kind.
struct Kind {
    of: Of,
    word: &'static str,
    /// Where it fires, unless a rule says otherwise; why there is said in the README.
    threshold: f64,
    threshold_max: f64,
    /// Which part of the threshold ends it, unless a rule says otherwise.
    clear: f64,
    for_seconds: u64,
    /// The fields that go with it, beside those of all.
    fields: &'static [&'static str],
}

/// What rules of a kind are about.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Budget,
    PluginFailures,
    TargetErrors,
    TargetLatency,
    Denials,
}

const KINDS: [Kind; 5] = [
    Kind {
        of: Of::Budget,
        word: "budget",
        threshold: 0.8,
        threshold_max: 1.0,
        // What is taken goes down only where an estimate was too high.
        clear: 0.9,
        for_seconds: 0,
        fields: &["tenant"],
    },
    Kind {
        of: Of::PluginFailures,
        word: "plugin-failures",
        threshold: 0.1,
        threshold_max: 1.0,
        clear: 0.5,
        for_seconds: 0,
        fields: &["window_seconds", "count_min", "plugin"],
    },
    Kind {
        of: Of::TargetErrors,
        word: "target-errors",
        threshold: 0.2,
        threshold_max: 1.0,
        clear: 0.5,
        for_seconds: 0,
        fields: &["window_seconds", "count_min", "target"],
    },
    Kind {
        of: Of::TargetLatency,
        word: "target-latency",
        threshold: 10.0,
        threshold_max: 3_600.0,
        clear: 0.8,
        // A few slow answers are no trouble yet.
        for_seconds: 60,
        fields: &["window_seconds", "count_min", "percentile", "measure", "target"],
    },
    Kind {
        of: Of::Denials,
        word: "denials",
        threshold: 3.0,
        threshold_max: 1_000.0,
        clear: 0.5,
        for_seconds: 0,
        fields: &["window_seconds", "baseline_seconds", "count_min", "plugin", "tenant"],
    },
];

const DAY_SECONDS: u64 = 86_400;
const WINDOW: u64 = 300;
const BASELINE: u64 = 3_600;
/// Below so many, a share says little: one of five is 20 %.
const COUNT_MIN: u64 = 20;

pub(in crate::config) fn alerts(file: &file::File, base: &Path, problems: &mut Problems) -> Alerts {
    let written = &file.alerts;
    let field = "alerts.webhook";
    let example = "https://pager.example/alerts";
    let webhook = written.webhook.as_ref().map(|given| webhook(given, field, example, base, problems));
    let look = number(written.look_ms.as_ref(), 5_000, 10..=60_000, "alerts.look_ms", problems);
    let mut rules = BTreeMap::new();
    if written.standard_rules.unwrap_or(webhook.is_some()) {
        for kind in &KINDS {
            rules.insert(kind.word.to_owned(), Written::default().rule(kind, "", problems));
        }
    }
    for (name, entry) in &file.alert_rules {
        let table = format!("alerts.rules.{name}");
        if !is_label(name) {
            let message = format!("a rule's name must be 1 to {NAME_BYTES_MAX} bytes without control characters");
            problems.add(Some(entry.span.clone()), table.as_str(), message);
        }
        let Some(kind) = kind(&entry.value.when, &table, problems) else { continue };
        let targets: Vec<&str> = file.targets.keys().map(String::as_str).collect();
        known_target(entry.value.target.as_ref(), &targets, file, &table, problems);
        let written = Written::of(&entry.value);
        written.only_fields_of(kind, &table, problems);
        rules.insert(name.clone(), written.rule(kind, &table, problems));
    }
    Alerts { webhook: webhook.flatten(), look: Duration::from_millis(look), rules }
}

fn kind(given: &Spanned<String>, table: &str, problems: &mut Problems) -> Option<&'static Kind> {
    let found = KINDS.iter().find(|kind| kind.word == given.get_ref());
    if found.is_none() {
        let close = suggestion(given.get_ref(), KINDS.iter().map(|kind| kind.word));
        let words = "use \"budget\", \"plugin-failures\", \"target-errors\", \"target-latency\" or \"denials\"";
        let message = format!("{:?} is not a kind of rule; {words}{close}", given.get_ref());
        problems.add(Some(given.span()), format!("{table}.when"), message);
    }
    found
}

fn known_target(
    given: Option<&Spanned<String>>,
    targets: &[&str],
    file: &file::File,
    table: &str,
    problems: &mut Problems,
) {
    let Some(given) = given else { return };
    let name = given.get_ref().as_str();
    if !targets.contains(&name) && !file.is_unreadable("targets", name) {
        let close = suggestion(name, targets.iter().copied());
        problems.add(Some(given.span()), format!("{table}.target"), format!("there is no target {name:?}{close}"));
    }
}

/// A rule as it was written; nothing of one that was not.
#[derive(Default)]
struct Written<'a> {
    threshold: Option<&'a Spanned<f64>>,
    clear: Option<&'a Spanned<f64>>,
    window: Option<&'a Spanned<u64>>,
    baseline: Option<&'a Spanned<u64>>,
    holds: Option<&'a Spanned<u64>>,
    count_min: Option<&'a Spanned<u64>>,
    percentile: Option<&'a Spanned<u64>>,
    measure: Option<&'a Spanned<String>>,
    plugin: Option<&'a Spanned<String>>,
    target: Option<&'a Spanned<String>>,
    tenant: Option<&'a Spanned<String>>,
}

impl<'a> Written<'a> {
    fn of(rule: &'a file::AlertRule) -> Self {
        Self {
            threshold: rule.threshold.as_ref(),
            clear: rule.clear.as_ref(),
            window: rule.window_seconds.as_ref(),
            baseline: rule.baseline_seconds.as_ref(),
            holds: rule.for_seconds.as_ref(),
            count_min: rule.count_min.as_ref(),
            percentile: rule.percentile.as_ref(),
            measure: rule.measure.as_ref(),
            plugin: rule.plugin.as_ref(),
            target: rule.target.as_ref(),
            tenant: rule.tenant.as_ref(),
        }
    }

    /// What would count for nothing is most likely meant for another kind.
    fn only_fields_of(&self, kind: &Kind, table: &str, problems: &mut Problems) {
        let all = [
            ("window_seconds", self.window.map(Spanned::span)),
            ("baseline_seconds", self.baseline.map(Spanned::span)),
            ("count_min", self.count_min.map(Spanned::span)),
            ("percentile", self.percentile.map(Spanned::span)),
            ("measure", self.measure.map(Spanned::span)),
            ("plugin", self.plugin.map(Spanned::span)),
            ("target", self.target.map(Spanned::span)),
            ("tenant", self.tenant.map(Spanned::span)),
        ];
        for (field, span) in all {
            if span.is_some() && !kind.fields.contains(&field) {
                let message = format!("is not for a rule with when = {:?}; remove this line", kind.word);
                problems.add(span, format!("{table}.{field}"), message);
            }
        }
    }

    fn rule(&self, kind: &Kind, table: &str, problems: &mut Problems) -> Rule {
        let threshold = self.threshold(kind, table, problems);
        let clear = self.clear(kind, threshold, table, problems);
        let mut whole = |given, usual, allowed: RangeInclusive<u64>, field: &str| {
            number(given, usual, allowed, &format!("{table}.{field}"), problems)
        };
        let holds = whole(self.holds, kind.for_seconds, 0..=DAY_SECONDS, "for_seconds");
        let window = whole(self.window, WINDOW, 1..=DAY_SECONDS, "window_seconds");
        // What is usual cannot be told from less than is looked at.
        let baseline = whole(self.baseline, BASELINE.max(window), window..=7 * DAY_SECONDS, "baseline_seconds");
        let window = Duration::from_secs(window);
        let count_min = whole(self.count_min, COUNT_MIN, 1..=1_000_000, "count_min");
        let percentile = whole(self.percentile, 95, 1..=100, "percentile");
        let [plugin, target, tenant] =
            [self.plugin, self.target, self.tenant].map(|given| given.map(|given| given.get_ref().clone()));
        let when = match kind.of {
            Of::Budget => When::Budget { tenant },
            Of::PluginFailures => When::PluginFailures { plugin, window, count_min },
            Of::TargetErrors => When::TargetErrors { target, window, count_min },
            Of::TargetLatency => {
                let measure = self.measure(table, problems);
                When::TargetLatency { target, window, count_min, measure, percentile }
            }
            Of::Denials => {
                let of = self.denied(table, problems);
                When::Denials { of, window, baseline: Duration::from_secs(baseline), count_min }
            }
        };
        Rule { when, threshold, clear, holds: Duration::from_secs(holds) }
    }

    fn threshold(&self, kind: &Kind, table: &str, problems: &mut Problems) -> f64 {
        let Some(given) = self.threshold else { return kind.threshold };
        let least = if kind.of == Of::Denials { 1.0 } else { 0.0 };
        let (value, most) = (*given.get_ref(), kind.threshold_max);
        if value > least && value <= most {
            return value;
        }
        let message = format!("must be more than {least} and at most {most}; the default is {}", kind.threshold);
        problems.add(Some(given.span()), format!("{table}.threshold"), message);
        kind.threshold
    }

    fn clear(&self, kind: &Kind, threshold: f64, table: &str, problems: &mut Problems) -> f64 {
        // Without the digits that no person would write.
        let usual = (threshold * kind.clear * 1e6).round() / 1e6;
        let Some(given) = self.clear else { return usual };
        if *given.get_ref() > 0.0 && *given.get_ref() <= threshold {
            return *given.get_ref();
        }
        let message = format!("must be more than 0 and at most the threshold, {threshold}; the default is {usual}");
        problems.add(Some(given.span()), format!("{table}.clear"), message);
        usual
    }

    fn measure(&self, table: &str, problems: &mut Problems) -> Latency {
        match self.measure.map(|given| (given.get_ref().as_str(), given.span())) {
            None | Some(("first_token", _)) => Latency::FirstToken,
            Some(("attempt", _)) => Latency::Attempt,
            Some((other, span)) => {
                let close = suggestion(other, ["first_token", "attempt"].into_iter());
                let message = format!("{other:?} is not measured; use \"first_token\" or \"attempt\"{close}");
                problems.add(Some(span), format!("{table}.measure"), message);
                Latency::FirstToken
            }
        }
    }

    fn denied(&self, table: &str, problems: &mut Problems) -> Denied {
        match (self.plugin, self.tenant) {
            (Some(_), Some(tenant)) => {
                let message = "a rule counts the denials of one plugin or of one tenant; remove this line, or plugin";
                problems.add(Some(tenant.span()), format!("{table}.tenant"), message);
                Denied::ByEachPlugin
            }
            (Some(plugin), None) => Denied::By(plugin.get_ref().clone()),
            (None, Some(tenant)) => Denied::To(tenant.get_ref().clone()),
            (None, None) => Denied::ByEachPlugin,
        }
    }
}
