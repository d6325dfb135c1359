//! The receipts of an exchange, read back from the text that callers get, and summed up for each plugin and direction: a
//! stream makes one for each window.

use std::collections::BTreeMap;

/// All calls of one plugin in one direction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) plugin: String,
    pub(super) phase: String,
    /// The gravest of its verdicts.
    pub(super) verdict: String,
    /// The rules by which it found something.
    pub(super) rules: Vec<String>,
    pub(super) calls: u64,
    pub(super) fuel: u64,
    pub(super) microseconds: u64,
    /// The peak of the largest of its calls.
    pub(super) memory_bytes: u64,
    /// How its calls have ended: as that whose verdict is the gravest.
    pub(super) outcome: String,
}

/// Verdicts, the gravest last; of a cache policy, what it said of an answer comes after its plan.
const GRAVITY: [&str; 16] = [
    "allow",
    "unchanged",
    "bypass",
    "look-up",
    "reject",
    "pass",
    "keep",
    "accept",
    "edit",
    "targets",
    "answer",
    "escalate",
    "retry",
    "not-inspected",
    "failed",
    "deny",
];

/// Sum up the value of `x-sluicegate-plugins`. The number is that of receipts that had no room in it.
pub(super) fn sums(header: &str) -> (Vec<Sum>, u64) {
    let mut sums: Vec<Sum> = Vec::new();
    let mut left_out = 0;
    for entry in split(header, ',') {
        let (name, fields) = read(entry);
        let number = |name: &str| fields.get(name).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
        let word = |name: &str| fields.get(name).copied().unwrap_or_default();
        if name == "and-more" {
            left_out = number("count");
            continue;
        }
        if name.is_empty() {
            continue;
        }
        let known = sums.iter().position(|sum| sum.plugin == name && sum.phase == word("phase"));
        let mut sum = known.map(|at| sums.remove(at)).unwrap_or_default();
        (sum.plugin, sum.phase) = (name.to_owned(), word("phase").to_owned());
        if sum.verdict.is_empty() || gravity(word("verdict")) > gravity(&sum.verdict) {
            word("verdict").clone_into(&mut sum.verdict);
            word("outcome").clone_into(&mut sum.outcome);
        }
        for rule in word("rules").split(' ').filter(|rule| !rule.is_empty()) {
            if !sum.rules.iter().any(|known| known == rule) {
                sum.rules.push(rule.to_owned());
            }
        }
        // An entry that is a sum itself says of how many. What was remembered or let pass by the prefilter is no call.
        let called = number("windows") > number("remembered") + number("prefiltered") || word("outcome") != "said";
        sum.calls += number("calls").max(u64::from(called));
        sum.fuel += number("fuel");
        sum.microseconds += number("us");
        sum.memory_bytes = sum.memory_bytes.max(number("memory"));
        sums.insert(known.unwrap_or(sums.len()), sum);
    }
    (sums, left_out)
}

/// What a router took the request for, if it knew.
pub(super) fn intent(header: &str) -> Option<String> {
    split(header, ',').into_iter().find_map(|entry| read(entry).1.get("intent").map(|intent| (*intent).to_owned()))
}

/// The name of an entry, and its fields without quotes.
fn read(entry: &str) -> (&str, BTreeMap<&str, &str>) {
    let mut fields = split(entry.trim(), ';').into_iter();
    let name = fields.next().unwrap_or_default();
    let field = |field| {
        let (name, value): (&str, &str) = str::split_once(field, '=').unwrap_or((field, ""));
        (name, value.trim_matches('"'))
    };
    (name, fields.map(field).collect())
}

fn gravity(verdict: &str) -> usize {
    GRAVITY.iter().position(|known| *known == verdict).unwrap_or(GRAVITY.len())
}

/// The parts of a text between separators that do not stand in quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn calls_of_one_plugin_in_one_direction_are_summed_up() {
        let header = "a;digest=1;phase=request;verdict=allow;fuel=10;us=1, b;phase=request;verdict=edit;fuel=5;us=2;\
                      findings=2;rules=\"email phone\", a;phase=request;verdict=deny;fuel=1;us=1;code=\"a.b, c;d\", \
                      a;phase=answer;verdict=allow;fuel=7;us=3;calls=4";
        let (sums, more) = sums(header);
        let shown: Vec<_> = sums
            .iter()
            .map(|sum| format!("{} {} {} {:?} {}", sum.plugin, sum.phase, sum.verdict, sum.rules, sum.fuel))
            .collect();
        assert_eq!(shown, ["a request deny [] 11", "b request edit [\"email\", \"phone\"] 5", "a answer allow [] 7"]);
        assert_eq!((sums[0].calls, sums[2].calls, more), (2, 4, 0));
    }

    #[test]
    fn of_memory_the_peak_counts_and_of_outcomes_that_of_the_gravest_verdict() {
        let header = "a;phase=request;verdict=allow;outcome=said;memory=9, \
                      a;phase=request;verdict=failed;outcome=trapped;memory=7, a;phase=request;verdict=edit;outcome=said";
        let (sums, _) = sums(header);
        assert_eq!((sums[0].memory_bytes, sums[0].outcome.as_str()), (9, "trapped"));
    }

    #[test]
    fn what_a_router_took_the_request_for_is_read() {
        let header = "a;phase=request;verdict=allow, b;phase=request;verdict=targets;intent=\"code\";findings=1";
        assert_eq!(intent(header).as_deref(), Some("code"));
        assert_eq!(intent("a;phase=request;verdict=allow"), None);
    }

    #[test]
    fn what_a_policy_said_of_an_answer_counts_more_than_its_plan() {
        let header = "c;phase=request;verdict=look-up, c;phase=request;verdict=accept, c;phase=request;verdict=reject";
        assert_eq!(sums(header).0[0].verdict, "accept");
    }

    #[test]
    fn receipts_without_room_are_counted() {
        assert_eq!(sums("a;phase=answer;verdict=allow, and-more;count=8").1, 8);
        assert_eq!(sums(""), (vec![], 0));
    }
}
