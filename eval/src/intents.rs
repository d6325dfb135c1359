//! How well `intent-router` knows what a question is about, by its examples alone.

use serde::Deserialize;
use sluicegate::capability::Counts;

use crate::Result;
use crate::lab::{Lab, lines, question, target};
use crate::matrix::Matrix;

pub(crate) const NAME: &str = "intent-router";
/// A question that is about none of them.
const NONE: &str = "(none)";

#[derive(Deserialize)]
struct Line {
    text: String,
    intent: Option<String>,
}

pub(crate) async fn evaluate() -> Result<()> {
    let lab = Lab::load(NAME).await?;
    let labelled: Vec<Line> = lines(NAME, "questions.jsonl")?;
    let mut labels: Vec<&str> = Vec::new();
    for line in &labelled {
        let label = line.intent.as_deref().unwrap_or(NONE);
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    // The router's default was chosen on every other question, beginning with the first.
    let (mut seen, mut unseen) = (Matrix::new(labels.iter().copied()), Matrix::new(labels.iter().copied()));
    for (index, Line { text, intent }) in labelled.iter().enumerate() {
        let is_seen = index % 2 == 0;
        let counts = Counts::default();
        let routed = lab.runtime.route(&lab.plugin, lab.calling(&counts), &question(text), &[target("any")]).await;
        let said = routed.said.map_err(|failure| format!("{NAME}: {}", failure.detail))?.intent;
        let (truth, said) = (intent.as_deref().unwrap_or(NONE), said.as_deref().unwrap_or(NONE));
        match is_seen {
            true => seen.add(truth, said),
            false => unseen.add(truth, said),
        }
    }
    println!("{NAME}, by examples alone: {:.3} of the questions right\n{unseen}", unseen.accuracy());
    println!("of those on which its default was chosen: {:.3}", seen.accuracy());
    Ok(())
}
