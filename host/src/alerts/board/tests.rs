use std::collections::BTreeSet;

use super::*;
use crate::alerts::tally::Attempts;
use crate::alerts::window::Calls;

const WINDOW: Duration = Duration::from_secs(60);

/// A board, and the time that its looks are at.
struct Looking {
    board: Board,
    rules: BTreeMap<String, Rule>,
    now: At,
}

impl Looking {
    fn with(when: When, threshold: f64, clear: f64) -> Self {
        let rule = Rule { when, threshold, clear, holds: Duration::ZERO };
        Self { board: Board::default(), rules: BTreeMap::from([("r".to_owned(), rule)]), now: At::now() }
    }

    /// So many seconds later this is seen; gives what has changed, and of what.
    fn sees(&mut self, seconds: u64, seen: &Seen) -> Vec<(String, Change)> {
        self.now.instant += Duration::from_secs(seconds);
        let events = self.board.look(&self.rules, seen, self.now);
        events.into_iter().map(|event| (event.subject.to_string(), event.change)).collect()
    }

    fn only_value(&self) -> Option<f64> {
        let [standing] = &*self.board.standing() else { panic!("one rule") };
        let [shown] = &*standing.worst else { panic!("{standing:?}") };
        shown.value
    }
}

const NOTHING: [(String, Change); 0] = [];

fn fired(subject: &str) -> Vec<(String, Change)> {
    vec![(subject.to_owned(), Change::Fired)]
}

fn over(subject: &str, why: Why) -> Vec<(String, Change)> {
    vec![(subject.to_owned(), Change::Resolved(why))]
}

fn plugin_calls(all: u64, failed: u64) -> Seen {
    let plugins = BTreeMap::from([("pii".to_owned(), Calls { all, failed })]);
    let counts = Counts { plugins, ..Counts::default() };
    Seen { counts, plugins: vec!["pii".to_owned(), "other".to_owned()], ..Seen::default() }
}

fn denials(count: u64) -> Seen {
    let counts = Counts { denied_by: BTreeMap::from([("pii".to_owned(), count)]), ..Counts::default() };
    Seen { counts, plugins: vec!["pii".to_owned()], ..Seen::default() }
}

fn failures() -> When {
    When::PluginFailures { plugin: None, window: WINDOW, count_min: 10 }
}

#[test]
fn a_share_is_that_of_the_window() {
    let mut looking = Looking::with(failures(), 0.5, 0.25);
    assert_eq!(looking.sees(0, &plugin_calls(9, 9)), NOTHING, "they are too few to tell");
    assert_eq!(looking.sees(1, &plugin_calls(9, 0)), fired("plugin pii"), "half of eighteen");
    assert_eq!(looking.sees(1, &plugin_calls(10, 0)), NOTHING, "nine of 28 are between the levels");
    assert_eq!(looking.sees(1, &plugin_calls(9, 0)), over("plugin pii", Why::Recovered), "nine of 37");
}

#[test]
fn where_nobody_calls_any_more_an_alert_is_over_after_a_while() {
    let mut looking = Looking::with(failures(), 0.5, 0.25);
    assert_eq!(looking.sees(0, &plugin_calls(10, 10)), fired("plugin pii"));
    assert_eq!(looking.sees(59, &plugin_calls(0, 0)), NOTHING);
    assert_eq!(looking.sees(60, &plugin_calls(0, 0)), NOTHING, "there was a value a minute ago");
    assert_eq!(looking.sees(1, &plugin_calls(0, 0)), over("plugin pii", Why::NoData));
}

#[test]
fn what_is_no_longer_there_is_over() {
    let mut looking = Looking::with(failures(), 0.5, 0.25);
    assert_eq!(looking.sees(0, &plugin_calls(10, 10)), fired("plugin pii"));
    let without = Seen { plugins: vec!["other".to_owned()], ..Seen::default() };
    assert_eq!(looking.sees(1, &without), over("plugin pii", Why::SubjectRemoved));
    assert_eq!(looking.sees(1, &plugin_calls(9, 9)), NOTHING, "it comes back as another one");
}

#[test]
fn an_alert_outlives_other_rules_and_not_its_own() {
    let mut looking = Looking::with(failures(), 0.5, 0.25);
    assert_eq!(looking.sees(0, &plugin_calls(10, 10)), fired("plugin pii"));
    let rule = looking.rules["r"].clone();
    looking.rules.insert("another".to_owned(), rule.clone());
    assert_eq!(looking.sees(1, &plugin_calls(0, 0)), NOTHING, "it was there before the other one");
    looking.rules.insert("r".to_owned(), Rule { threshold: 0.6, ..rule });
    assert_eq!(looking.sees(1, &plugin_calls(0, 0)), over("plugin pii", Why::RuleChanged));
    assert_eq!(looking.sees(1, &plugin_calls(10, 10)).len(), 2, "both begin anew");
    looking.rules.remove("r");
    assert_eq!(looking.sees(1, &plugin_calls(0, 0)), over("plugin pii", Why::RuleRemoved));
}

#[test]
fn a_rule_about_one_is_about_no_other() {
    let when = When::PluginFailures { plugin: Some("other".to_owned()), window: WINDOW, count_min: 10 };
    let mut looking = Looking::with(when, 0.5, 0.25);
    assert_eq!(looking.sees(0, &plugin_calls(10, 10)), NOTHING);
    assert_eq!(looking.only_value(), None);
}

#[test]
fn a_budget_fires_at_its_share_and_is_over_when_there_is_another_one() {
    let seen = |share| {
        let subject = Subject::tenant("blue");
        Seen { budgets: Some(vec![Budgeted { subject, share }]), ..Seen::default() }
    };
    let mut looking = Looking::with(When::Budget { tenant: None }, 0.8, 0.72);
    assert_eq!(looking.sees(0, &seen(0.79)), NOTHING);
    assert_eq!(looking.sees(0, &seen(0.8)), fired("tenant blue"));
    assert_eq!(looking.sees(86_400, &Seen::default()), NOTHING, "while the store is away, all stays as it is");
    assert_eq!(looking.sees(1, &seen(0.72)), NOTHING);
    assert_eq!(looking.sees(1, &seen(0.0)), over("tenant blue", Why::Recovered));
}

#[test]
fn a_rule_about_a_tenant_is_about_its_keys_too() {
    let subject = |key: &str, tenant: &str| Subject { key: Some(key.to_owned()), ..Subject::tenant(tenant) };
    let subjects = [subject("k", "blue"), subject("l", "red"), Subject::tenant("blue"), Subject::tenant("red")];
    let budgets = subjects.map(|subject| Budgeted { subject, share: 1.0 }).to_vec();
    let seen = Seen { budgets: Some(budgets), ..Seen::default() };
    let mut looking = Looking::with(When::Budget { tenant: Some("blue".to_owned()) }, 0.8, 0.72);
    let all: BTreeSet<String> = looking.sees(0, &seen).into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(all, BTreeSet::from(["key k, tenant blue".to_owned(), "tenant blue".to_owned()]));
}

#[test]
fn a_target_is_slow_by_the_percentile_of_what_is_measured() {
    let seen = |first_token: Duration, whole: Duration| {
        let mut attempts = Attempts::default();
        attempts.first_token.count(first_token);
        attempts.whole.count(whole);
        let counts = Counts { targets: BTreeMap::from([("t".to_owned(), attempts)]), ..Counts::default() };
        Seen { counts, targets: vec!["t".to_owned()], ..Seen::default() }
    };
    let when = |measure| {
        let (target, window) = (None, WINDOW);
        When::TargetLatency { target, window, count_min: 1, measure, percentile: 50 }
    };
    let (short, long) = (Duration::from_millis(1), Duration::from_secs(2));
    assert_eq!(Looking::with(when(Latency::FirstToken), 1.0, 0.8).sees(0, &seen(short, long)), NOTHING);
    let mut looking = Looking::with(when(Latency::Attempt), 1.0, 0.8);
    assert_eq!(looking.sees(0, &seen(short, long)), fired("target t"));
    assert_eq!(looking.sees(60, &seen(short, short)), over("target t", Why::Recovered));
}

#[test]
fn denials_rise_against_what_was_usual_before() {
    let when = When::Denials { of: Denied::ByEachPlugin, window: WINDOW, baseline: 10 * WINDOW, count_min: 20 };
    let mut looking = Looking::with(when, 3.0, 1.5);
    // Twenty a minute: as long as nobody knows what is usual, that is nothing.
    assert_eq!(looking.sees(0, &denials(20)), NOTHING);
    assert_eq!(looking.only_value(), None);
    for _ in 0..11 {
        assert_eq!(looking.sees(60, &denials(20)), NOTHING);
    }
    assert!(looking.only_value().is_some_and(|value| (0.8..1.2).contains(&value)), "{:?}", looking.only_value());
    assert_eq!(looking.sees(60, &denials(100)), fired("plugin pii"));
    // What lasts becomes usual.
    let lasting: Vec<_> = (0..10).flat_map(|_| looking.sees(60, &denials(100))).collect();
    assert_eq!(lasting, over("plugin pii", Why::Recovered));
}

#[test]
fn denials_to_one_tenant_are_counted_by_themselves() {
    let of = Denied::To("blue".to_owned());
    let when = When::Denials { of, window: WINDOW, baseline: WINDOW, count_min: 20 };
    let mut looking = Looking::with(when, 3.0, 1.5);
    let counts = Counts { denied_to: BTreeMap::from([("blue".to_owned(), 20)]), ..Counts::default() };
    assert_eq!(looking.sees(0, &Seen::default()), NOTHING);
    assert_eq!(looking.sees(120, &Seen { counts, ..Seen::default() }), fired("tenant blue"));
}

#[test]
fn those_that_are_shown_are_the_worst() {
    let subject = |number: usize| Subject::tenant(&number.to_string());
    #[allow(clippy::cast_precision_loss)]
    let budget = |number: usize| Budgeted { subject: subject(number), share: number as f64 / 1_000.0 };
    let budgets = Some((0..1_000).map(budget).collect());
    let mut looking = Looking::with(When::Budget { tenant: None }, 0.99, 0.9);
    assert_eq!(looking.sees(0, &Seen { budgets, ..Seen::default() }).len(), 10);
    let [standing] = &*looking.board.standing() else { panic!("one rule") };
    assert_eq!((standing.active, standing.subjects, standing.worst.len()), (10, 1_000, SHOWN_MAX));
    assert_eq!((standing.worst[0].value, standing.worst[0].state), (Some(0.999), "active"));
}
