//! What similarity alone is worth for finding a question that has the same answer: why a cache by meaning needs more.

use serde::Deserialize;

use crate::Result;
use crate::lab::{embedder, own_lines};

pub(crate) const NAME: &str = "similarity";

/// Two questions, and whether the answer to one is a right and complete answer to the other.
#[derive(Deserialize)]
struct Pair {
    stored: String,
    asked: String,
    same: bool,
    kind: String,
}

pub(crate) async fn evaluate() -> Result<()> {
    let pairs: Vec<Pair> = own_lines("pairs.jsonl")?;
    let embedders = embedder()?;
    let embedder = embedders.find(None)?;
    let mut alike = Vec::with_capacity(pairs.len());
    for Pair { stored, asked, .. } in &pairs {
        let embedded = embedder.embed("eval", vec![stored.clone(), asked.clone()]).await;
        let vectors = embedded.map_err(|failure| format!("embedding: {failure:?}"))?.vectors;
        let [one, other] = vectors.as_slice() else { return Err("the embedder gave no two vectors".to_owned()) };
        alike.push(one.iter().zip(other.iter()).map(|(one, other)| one * other).sum::<f32>());
    }
    println!("{NAME}: {} pairs of questions\n{:>9}{:>11}{:>8}", pairs.len(), "threshold", "precision", "recall");
    for percent in [70_u8, 80, 85, 90, 95, 97, 99] {
        let threshold = f32::from(percent) / 100.0;
        let count = |same: bool| {
            let found = pairs.iter().zip(&alike).filter(|(pair, alike)| pair.same == same && **alike >= threshold);
            u32::try_from(found.count()).map_or(f64::INFINITY, f64::from)
        };
        let same = u32::try_from(pairs.iter().filter(|pair| pair.same).count()).map_or(f64::INFINITY, f64::from);
        let (right, wrong) = (count(true), count(false));
        println!("{threshold:>9.2}{:>11.3}{:>8.3}", right / (right + wrong).max(1.0), right / same);
    }
    let nearest = pairs.iter().zip(&alike).filter(|(pair, _)| !pair.same).max_by(|(_, a), (_, b)| a.total_cmp(b));
    if let Some((Pair { stored, asked, kind, .. }, alike)) = nearest {
        println!("the most alike that are not the same ({kind}, {alike:.3}): {stored:?} and {asked:?}");
    }
    Ok(())
}
