//! How well `cost-router` tells hard questions from easy ones.

use serde::Deserialize;
use sluicegate::capability::Counts;

use crate::Result;
use crate::lab::{Lab, lines, question, target};
use crate::matrix::Matrix;

pub(crate) const NAME: &str = "cost-router";

#[derive(Deserialize)]
struct Line {
    text: String,
    difficulty: String,
}

pub(crate) async fn evaluate() -> Result<()> {
    let lab = Lab::load(NAME).await?;
    // Its weights were chosen on every other question, beginning with the first.
    let (mut seen, mut unseen) = (Matrix::new(["easy", "hard"]), Matrix::new(["easy", "hard"]));
    for (index, Line { text, difficulty }) in lines::<Line>(NAME, "questions.jsonl")?.into_iter().enumerate() {
        let counts = Counts::default();
        let targets = [target("strong"), target("weak")];
        let routed = lab.runtime.route(&lab.plugin, lab.calling(&counts), &question(&text), &targets).await;
        let routing = routed.said.map_err(|failure| format!("{NAME}: {}", failure.detail))?;
        let said = routing.intent.ok_or_else(|| format!("{NAME} does not decide"))?;
        match index % 2 {
            0 => seen.add(&difficulty, &said),
            _ => unseen.add(&difficulty, &said),
        }
    }
    println!("{NAME}: {:.3} of the questions right\n{unseen}", unseen.accuracy());
    println!("of those on which its weights were chosen: {:.3}", seen.accuracy());
    Ok(())
}
