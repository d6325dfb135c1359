//! The metrics against what is said of them: the README's table, the dashboard and the alert rules.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::instruments::UNITS;
use super::{ALL, Kind, Metric};

const README: &str = include_str!("../../../README.md");
const DASHBOARD: &str = include_str!("../../../monitoring/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../../monitoring/alerts.yml");

fn row(metric: &Metric) -> String {
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {} | {} | {} |", metric.name, metric.kind.word(), labels.join(", "), metric.help.trim())
}

#[test]
fn the_readme_has_every_metric() {
    let expected: Vec<String> = ALL.iter().map(|metric| row(metric)).collect();
    let found: Vec<&str> = README.lines().filter(|line| line.starts_with("| `sluicegate_")).collect();
    assert!(
        found == expected,
        "replace the rows of the table of metrics in README.md by these:\n{}",
        expected.join("\n")
    );
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len(), "no two have the same name");
    for Metric { name, kind, help, labels } in ALL {
        assert!(name.starts_with("sluicegate_") && is_name(name), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(labels.iter().all(|label| is_name(label)), "{name}: {labels:?}");
        assert!(!help.contains(['\n', '|']) && !help.ends_with('.'), "{name}: {help}");
        let unit = name.trim_end_matches("_total").rsplit('_').next().unwrap();
        let is_measured = matches!(kind, Kind::Histogram(_));
        assert!(!is_measured || UNITS.contains(&unit), "{name}: what is measured has a unit");
        if let Kind::Histogram(bounds) = kind {
            assert!(bounds.is_sorted() && bounds.len() <= 20, "{name}: each bound is a series");
        }
    }
}

/// The names of series in an expression, with the labels that it asks for.
fn used(expression: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression.split(|c| !is_part(c)).filter(|word| word.starts_with("sluicegate_")).collect()
}

/// What each expression names is declared, and so is each label that it groups by.
fn check(expressions: &[String]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for expression in expressions {
        for series in used(expression) {
            let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|end| series.strip_suffix(end));
            let declared = |metric: &&&Metric| match metric.kind {
                Kind::Histogram(_) => Some(metric.name) == of_histogram,
                Kind::Counter | Kind::Gauge => metric.name == series,
            };
            let metric = ALL.iter().find(declared).unwrap_or_else(|| panic!("{series} is not declared: {expression}"));
            names.insert(metric.name);
        }
        for by in expression.split("by (").skip(1) {
            let labels = by.split(')').next().unwrap().split(',').map(str::trim).filter(|label| !label.is_empty());
            for label in labels.filter(|label| !["le", "instance", "job"].contains(label)) {
                let mut metrics = ALL.iter().filter(|metric| expression.contains(metric.name));
                assert!(metrics.any(|metric| metric.labels.contains(&label)), "no label {label}: {expression}");
            }
        }
    }
    names
}

/// The values of all fields with this name.
fn fields(value: &serde_json::Value, name: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            found.extend(object.get(name).and_then(|value| value.as_str()).map(str::to_owned));
            object.values().for_each(|value| fields(value, name, found));
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| fields(value, name, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut expressions = Vec::new();
    fields(&dashboard, "expr", &mut expressions);
    let shown = check(&expressions);
    let all: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
    let missing: Vec<&&str> = all.difference(&shown).filter(|name| **name != "sluicegate_build_info").collect();
    assert!(missing.is_empty(), "nobody sees {missing:?}");
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(rename = "for")]
    lasts: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[test]
fn the_alerts_are_about_metrics_that_there_are() {
    let Rules { groups } = serde_saphyr::from_str(ALERTS).unwrap();
    assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["sluicegate"]);
    let mut names = BTreeSet::new();
    for Rule { alert, expr, lasts, labels, annotations } in groups.into_iter().flat_map(|group| group.rules) {
        assert!(!check(&[expr]).is_empty(), "{alert}");
        assert!(lasts.is_none_or(|lasts| lasts.ends_with(['m', 'h'])), "{alert}");
        assert!(labels.contains_key("severity") && annotations.contains_key("summary"), "{alert}");
        assert!(names.insert(alert.clone()), "{alert} is there twice");
    }
}
