//! How many tokens an exchange is thought to take, before anybody knows.

use crate::chat::Request;

/// Tokens, as long as nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) input: u64,
    pub(super) output: u64,
}

impl Estimate {
    /// All of them.
    pub(super) fn tokens(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// Bytes of a token. English has four and more, most other languages and code three or fewer. What is reserved too much is
/// given back when the exchange ends; what is reserved too little is spent without having been reserved.
const BYTES: u64 = 3;
/// Tokens of a picture, a sound or a document, of which the gateway does not know how large it is to the model.
const OPAQUE: u64 = 1_000;

/// Tokens of so much text, rounded up.
pub(crate) fn tokens_of(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES)
}

/// The text of so many tokens.
pub(super) fn bytes_of(tokens: u64) -> u64 {
    tokens.saturating_mul(BYTES)
}

/// The tokens of the request, by its bytes, and those that the answer may have: as many as the request allows, or
/// `answer_default` where it does not say, for each of the answers that it asks for.
pub(super) fn estimate(request: &Request, answer_default: u64) -> Estimate {
    let input = tokens_of(u64::try_from(request.text_bytes()).unwrap_or(u64::MAX));
    let opaque = u64::try_from(request.opaque.len()).unwrap_or(u64::MAX).saturating_mul(OPAQUE);
    let answer = request.answer_tokens_max.unwrap_or(answer_default);
    let answers = answer.saturating_mul(request.answers.unwrap_or(1).max(1));
    Estimate { input: input.saturating_add(opaque), output: answers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Channel, Opaque, Role, Segment};

    fn tokens(request: &Request, answer_default: u64) -> u64 {
        estimate(request, answer_default).tokens()
    }

    fn saying(text: &str) -> Request {
        let segment = Segment {
            role: Role::User,
            channel: Channel::Content,
            choice: 0,
            name: None,
            text: text.to_owned(),
            is_json: false,
        };
        Request { segments: vec![segment.clone(), segment], ..Request::default() }
    }

    #[test]
    fn the_answer_counts_as_what_the_request_allows() {
        assert_eq!(tokens(&saying(""), 100), 100);
        assert_eq!(tokens(&saying("four"), 100), 3 + 100);
        assert_eq!(tokens(&Request { answer_tokens_max: Some(7), ..saying("four") }, 100), 3 + 7);
        assert_eq!(tokens(&Request { answer_tokens_max: Some(7), answers: Some(3), ..saying("four") }, 100), 3 + 21);
        assert_eq!(tokens(&Request { answers: Some(2), ..saying("four") }, 100), 3 + 200);
        assert_eq!(tokens(&Request { answers: Some(0), ..saying("") }, 100), 100);
        assert_eq!(tokens(&Request { opaque: vec![Opaque::Image, Opaque::File], ..saying("") }, 1), 2_001);
    }

    #[test]
    fn a_request_that_allows_more_than_can_be_counted_is_as_large_as_can_be() {
        let all = Request { answer_tokens_max: Some(u64::MAX), answers: Some(u64::MAX), ..saying("a") };
        assert_eq!(tokens(&all, 1), u64::MAX);
    }
}
