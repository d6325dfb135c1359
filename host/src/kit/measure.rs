//! Measures what calls take.

use std::time::{Duration, Instant};

use super::Stage;
use super::case::Case;
use super::play::Took;

/// What calls took, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Time on the clock, of each.
    pub times: Vec<Duration>,
    /// What the last one took.
    pub last: Took,
    /// How the last one failed, if it did.
    pub failure: Option<String>,
}

impl Stage {
    /// Play so many cases, fewer if they take longer than `most`, and one at least.
    ///
    /// # Errors
    /// When what is given is none of this kind.
    pub async fn measure(
        &self,
        kind: &str,
        calls: usize,
        most: Duration,
        case: impl Fn() -> Case,
    ) -> Result<Measured, String> {
        let mut measured = Measured::default();
        let began = Instant::now();
        for number in 0..calls {
            let played = self.play(kind, number, &case()).await?;
            measured.times.push(played.took.time);
            measured.last = played.took;
            measured.failure = played.said.get("failure").map(ToString::to_string);
            if began.elapsed() > most {
                break;
            }
        }
        Ok(measured)
    }
}
