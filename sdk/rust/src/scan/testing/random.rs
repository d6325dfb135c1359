//! Texts and cuts that look random and are the same in every run.

/// Knuth's linear congruential generator.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Other seeds give other texts and cuts.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Up to `count_max` of the fragments, one after the other.
    #[allow(clippy::indexing_slicing)]
    pub fn text<S: AsRef<str>>(&mut self, fragments: &[S], count_max: usize) -> String {
        (0..self.below(count_max)).map(|_| fragments[self.below(fragments.len())].as_ref()).collect()
    }

    /// The text in pieces of up to `bytes_max` bytes.
    pub fn cut<'a>(&mut self, text: &'a str, bytes_max: usize) -> Vec<&'a str> {
        let (mut chunks, mut rest, longest) = (Vec::new(), text, 1 + self.below(bytes_max));
        while !rest.is_empty() {
            let mut at = (1 + self.below(longest)).min(rest.len());
            while !rest.is_char_boundary(at) {
                at += 1;
            }
            let (chunk, behind) = rest.split_at(at);
            chunks.push(chunk);
            rest = behind;
        }
        chunks
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // 31 bits: as many as a `usize` of 32 holds.
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound.max(1)
    }
}
