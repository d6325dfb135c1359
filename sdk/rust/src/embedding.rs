//! Numbers that stand for meaning, for plugins whose installation has `[grants.embedding]`.
//!
//! In the gateway the operator's embedder gives them, while the plugin is configured too. Natively, in tests, a text's words do:
//! texts with the same words have the same vector, and those without a word in common are at a right angle.

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::sluicegate::plugin::embedding as embedder;
#[cfg(not(target_arch = "wasm32"))]
use native as embedder;

/// One vector of unit length for each text.
///
/// # Errors
/// When the embedder cannot be asked, or not for so much.
pub fn embed(texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
    let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
    embedder::embed(&texts)
}

/// How alike two vectors of unit length are: the cosine of the angle between them, from -1 to 1.
#[must_use]
pub fn similarity(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    /// So many that two words of a test hardly meet.
    const DIMENSIONS: u64 = 4_096;

    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn embed(texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn vector(text: &str) -> Vec<f32> {
        let mut vector = vec![0.0_f32; usize::try_from(DIMENSIONS).unwrap_or_default()];
        let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
        for word in words {
            let mut hasher = DefaultHasher::new();
            word.to_lowercase().hash(&mut hasher);
            let at = usize::try_from(hasher.finish() % DIMENSIONS).unwrap_or_default();
            vector.iter_mut().skip(at).take(1).for_each(|value| *value += 1.0);
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        match length > 0.0 {
            true => vector.iter_mut().for_each(|value| *value /= length),
            // Nothing is like nothing else.
            false => vector.iter_mut().take(1).for_each(|value| *value = 1.0),
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_texts_with_the_same_words_are_alike() {
        let vectors = embed(&["Where is my order?", "my order, where is", "Good morning", ""]).unwrap_or_default();
        let like = |one: usize, other: usize| similarity(&vectors[one], &vectors[other]);
        assert!((like(0, 1) - 1.0).abs() < 1e-5);
        assert!(like(0, 2) < 0.1);
        assert!((like(3, 3) - 1.0).abs() < 1e-5);
    }
}
