//! Text that nobody has seen before, the same in every run: plain English words in sentences, now and then a small
//! number. No guardrail finds anything in it, so what is measured is the usual case.

use std::sync::atomic::{AtomicU64, Ordering};

const WORDS: [&str; 96] = [
    "the", "river", "a", "small", "town", "was", "known", "for", "its", "market", "where", "people", "from", "many",
    "villages", "met", "every", "week", "and", "they", "sold", "bread", "wool", "tools", "of", "good", "quality",
    "while", "children", "played", "near", "old", "bridge", "that", "had", "been", "built", "by", "careful", "hands",
    "in", "summer", "water", "low", "so", "boats", "waited", "until", "rain", "came", "back", "to", "lift", "them",
    "over", "stones", "each", "spring", "gardens", "behind", "houses", "turned", "green", "again", "with", "beans",
    "apples", "quiet", "rows", "trees", "an", "evening", "light", "fell", "through", "windows", "onto", "long",
    "tables", "there", "was", "always", "someone", "who", "could", "tell", "story", "about", "winter", "when", "snow",
    "reached", "roofs", "nobody", "left", "home",
];

/// A number that was not given before in this run.
pub(crate) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Prose of exactly so many bytes; another for each seed.
pub(crate) fn prose(seed: u64, bytes: usize) -> String {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut text = String::with_capacity(bytes + 16);
    let mut left_in_sentence = 0;
    while text.len() < bytes {
        let begins = left_in_sentence == 0;
        if begins {
            left_in_sentence = 7 + numbers.below(9);
        }
        left_in_sentence -= 1;
        let word = WORDS.get(numbers.below(WORDS.len())).copied().unwrap_or_default();
        match (begins, numbers.below(40)) {
            (true, _) => {
                let (first, rest) = word.split_at(1);
                text.push_str(&first.to_ascii_uppercase());
                text.push_str(rest);
            }
            (false, 0) => text.push_str(&(2 + numbers.below(97)).to_string()),
            (false, _) => text.push_str(word),
        }
        text.push_str(match (left_in_sentence, numbers.below(12)) {
            (0, _) => ". ",
            (_, 0) => ", ",
            _ => " ",
        });
    }
    text.truncate(bytes);
    text
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// A number from -0.5 to 0.5.
    pub(crate) fn centred(&mut self) -> f32 {
        f32::from(u16::try_from(self.below(1 << 16)).unwrap_or_default()) / f32::from(u16::MAX) - 0.5
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or_default()
    }
}

/// A chat request as an SDK would send it.
#[derive(Clone, Debug)]
pub(crate) struct Chat<'a> {
    /// What the sandbox model is told to do; any name that does not begin with `sandbox-` repeats the last message.
    pub(crate) model: &'static str,
    /// What was said before: role and text.
    pub(crate) history: Vec<(&'static str, String)>,
    /// The last message.
    pub(crate) says: String,
    /// How much of it is repeated.
    pub(crate) words_max: usize,
    /// Whether the answer comes as events.
    pub(crate) streams: bool,
    /// Whether receipts are asked for.
    pub(crate) receipts: bool,
    /// The caller's key.
    pub(crate) key: &'a str,
}

impl Chat<'_> {
    /// One message, answered with the first hundred words of it.
    pub(crate) fn new(says: String) -> Self {
        Self {
            model: "gpt-5-mini",
            history: Vec::new(),
            says,
            words_max: 100,
            streams: false,
            receipts: false,
            key: "sk-bench",
        }
    }

    /// One message that is new, in a body of exactly so many bytes.
    pub(crate) fn of_body(body_bytes: usize) -> Self {
        let around = Self::new(String::new()).body().len();
        Self::new(prose(fresh(), body_bytes.saturating_sub(around)))
    }

    /// Its body.
    pub(crate) fn body(&self) -> String {
        let length: usize = self.history.iter().map(|(_, text)| text.len() + 40).sum();
        let mut body = String::with_capacity(length + self.says.len() + 160);
        body.push_str(&format!("{{\"model\":\"{}\",\"max_tokens\":{},\"messages\":[", self.model, self.words_max));
        // Prose needs no escapes.
        for (role, text) in &self.history {
            body.push_str(&format!("{{\"role\":\"{role}\",\"content\":\"{text}\"}},"));
        }
        body.push_str(&format!("{{\"role\":\"user\",\"content\":\"{}\"}}]", self.says));
        body.push_str(if self.streams { ",\"stream\":true}" } else { "}" });
        body
    }

    /// The request as it goes over the wire.
    pub(crate) fn request(&self) -> Vec<u8> {
        let body = self.body();
        let receipts = if self.receipts { "x-sluicegate-receipts: 1\r\n" } else { "" };
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\n\
             user-agent: OpenAI/Python 2.0\r\naccept: application/json\r\ncontent-type: application/json\r\n\
             {receipts}content-length: {}\r\n\r\n",
            self.key,
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_the_length_asked_for_and_differs_by_seed() {
        for bytes in [0, 1, 151, 1024] {
            assert_eq!(prose(7, bytes).len(), bytes);
        }
        assert_eq!(prose(7, 200), prose(7, 200));
        assert_ne!(prose(7, 200), prose(8, 200));
    }

    #[test]
    fn a_body_has_the_length_asked_for() {
        for bytes in [1024, 20_480] {
            assert_eq!(Chat::of_body(bytes).body().len(), bytes);
        }
    }
}
