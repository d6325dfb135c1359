//! What similarity alone is worth for finding a question that has the same answer: why a cache by meaning needs more.

use crate::Result;
use crate::answers::{self, Pair};
use crate::lab::lines;

pub(crate) const NAME: &str = "similarity";

pub(crate) async fn evaluate() -> Result<()> {
    let pairs: Vec<Pair> = lines(answers::NAME, answers::FILE)?;
    let alike = answers::similarities(&pairs).await?;
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
