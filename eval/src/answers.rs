//! How well `answer-cache` knows by its meaning which question was answered before.

use std::time::Duration;

use serde::Deserialize;
use sluicegate::capability::Counts;
use sluicegate::chat::{Answer, Candidate, Channel, Finish, Intention, Lookup, Role, Segment};

use crate::Result;
use crate::lab::{Lab, embedder, lines, question};
use crate::matrix::Matrix;

pub(crate) const NAME: &str = "answer-cache";
pub(crate) const FILE: &str = "questions.jsonl";
/// How many of the answers that are served must be answers.
const PRECISION_MIN: f64 = 0.99;
/// Errors of a kind that are shown.
const SHOWN: usize = 5;

/// Two questions, and whether the answer to one is a right and complete answer to the other.
#[derive(Deserialize)]
pub(crate) struct Pair {
    pub(crate) stored: String,
    pub(crate) asked: String,
    pub(crate) same: bool,
    pub(crate) kind: String,
    /// Whether the rules were made with it.
    seen: bool,
}

/// What the plugin makes of a pair.
struct Case<'a> {
    pair: &'a Pair,
    similarity: f32,
    /// It is equal, by its key.
    is_equal: bool,
    /// Where both are looked for by meaning and it is accepted: the similarity from which it is.
    threshold: Option<f32>,
}

impl Case<'_> {
    /// Whether it is served, at the plugin's threshold or another.
    fn is_served(&self, threshold: Option<f32>) -> bool {
        self.is_equal || self.threshold.is_some_and(|own| self.similarity >= threshold.unwrap_or(own))
    }
}

pub(crate) async fn evaluate() -> Result<()> {
    let pairs: Vec<Pair> = lines(NAME, FILE)?;
    let lab = Lab::load(NAME).await?;
    let mut cases = Vec::with_capacity(pairs.len());
    for (pair, similarity) in pairs.iter().zip(similarities(&pairs).await?) {
        cases.push(judge(&lab, pair, similarity).await?);
    }
    let (seen, unseen): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.pair.seen);
    let of_unseen = matrix(&unseen, None);
    println!("{NAME}, of {} pairs with which its rules were not made:\n{of_unseen}", unseen.len());
    println!("of the {} others:\n{}", seen.len(), matrix(&seen, None));
    let all: Vec<&Case<'_>> = cases.iter().collect();
    println!("of all {}:\n{}", all.len(), matrix(&all, None));
    println!("{:>9}{:>19}{:>19}", "threshold", "precision, recall", "of those unseen");
    for percent in [50_u8, 60, 70, 75, 80, 85, 90, 95] {
        let threshold = f32::from(percent) / 100.0;
        let (all, unseen) = (matrix(&all, Some(threshold)), matrix(&unseen, Some(threshold)));
        print!("{threshold:>9.2}");
        for matrix in [all, unseen] {
            print!("{:>12.3}{:>7.3}", matrix.precision(SAME), matrix.recall(SAME));
        }
        println!();
    }
    show("served, and no answer", &all, false);
    show("not served, and most alike", &all, true);
    let precision = of_unseen.precision(SAME);
    if precision < PRECISION_MIN {
        return Err(format!("{NAME} has a precision of {precision:.3}; {PRECISION_MIN} is required"));
    }
    println!("{NAME}: a precision of {precision:.3}, where {PRECISION_MIN} is required");
    Ok(())
}

/// The labels of pairs: what is served is taken for the same.
const SAME: &str = "same";
const OTHER: &str = "other";

fn label(is_same: bool) -> &'static str {
    if is_same { SAME } else { OTHER }
}

fn matrix(cases: &[&Case<'_>], threshold: Option<f32>) -> Matrix {
    let mut matrix = Matrix::new([SAME, OTHER]);
    for case in cases {
        matrix.add(label(case.pair.same), label(case.is_served(threshold)));
    }
    matrix
}

/// The errors of pairs that are the same, or are not.
fn show(what: &str, cases: &[&Case<'_>], same: bool) {
    let is_wrong = |case: &&&Case<'_>| case.pair.same == same && case.is_served(None) != same;
    let mut wrong: Vec<&&Case<'_>> = cases.iter().filter(is_wrong).collect();
    wrong.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
    println!("{what}: {}", wrong.len());
    for Case { pair: Pair { stored, asked, kind, .. }, similarity, .. } in wrong.into_iter().take(SHOWN) {
        println!("  {similarity:.3} {kind}: {stored:?} and {asked:?}");
    }
}

/// Ask the plugin, as the gateway does when one question is kept and the other comes in.
async fn judge<'a>(lab: &Lab, pair: &'a Pair, similarity: f32) -> Result<Case<'a>> {
    let case = Case { pair, similarity, is_equal: false, threshold: None };
    let (Some(stored), Some(asked)) = (plan(lab, &pair.stored).await?, plan(lab, &pair.asked).await?) else {
        return Ok(case);
    };
    let is_equal = stored.key == asked.key;
    let (Some((text, _)), Some((_, threshold))) = (stored.by_meaning, asked.by_meaning) else {
        return Ok(Case { is_equal, ..case });
    };
    let answer = answer();
    let candidate = Candidate { question: &text, answer: &answer, similarity, age: Duration::from_secs(60) };
    let counts = Counts::default();
    let said = lab.runtime.accept(&lab.plugin, lab.calling(&counts), &question(&pair.asked), candidate).await.said;
    let is_accepted = said.map_err(|failure| format!("{NAME}: {}", failure.detail))?;
    Ok(Case { is_equal, threshold: is_accepted.then_some(threshold), ..case })
}

async fn plan(lab: &Lab, text: &str) -> Result<Option<Lookup>> {
    let counts = Counts::default();
    let said = lab.runtime.plan(&lab.plugin, lab.calling(&counts), &question(text), &[]).await.said;
    match said.map_err(|failure| format!("{NAME}: {}", failure.detail))? {
        Intention::Bypass => Ok(None),
        Intention::LookUp(lookup) => Ok(Some(lookup)),
    }
}

/// What is kept for every question: the plugin does not look at it.
fn answer() -> Answer {
    let segment = Segment {
        role: Role::Assistant,
        channel: Channel::Content,
        choice: 0,
        name: None,
        text: "Like this.".to_owned(),
        is_json: false,
    };
    Answer { target: "eval".to_owned(), segments: vec![segment], finish: Finish::Stop, ..Answer::default() }
}

/// How alike the questions of each pair are to the embedder.
pub(crate) async fn similarities(pairs: &[Pair]) -> Result<Vec<f32>> {
    let embedders = embedder()?;
    let embedder = embedders.find(None)?;
    let mut alike = Vec::with_capacity(pairs.len());
    for Pair { stored, asked, .. } in pairs {
        let embedded = embedder.embed("eval", vec![stored.clone(), asked.clone()]).await;
        let vectors = embedded.map_err(|failure| format!("embedding: {failure:?}"))?.vectors;
        let [one, other] = vectors.as_slice() else { return Err("the embedder gave no two vectors".to_owned()) };
        alike.push(one.iter().zip(other.iter()).map(|(one, other)| one * other).sum::<f32>());
    }
    Ok(alike)
}
