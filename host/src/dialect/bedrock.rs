//! Amazon Bedrock's Converse and ConverseStream, as their public reference describes them (November 2026). Only providers
//! speak it: everything that goes there is translated, and so is everything that comes back.
//!
//! A stream comes as binary frames, which `frames.rs` turns into server-sent events as early as possible. So all that is
//! behind it, the guardrails above all, knows one form of streams.

mod answer;
mod event;
mod frames;
pub(crate) mod translation;
mod words;

pub(crate) use answer::read_answer;
pub(crate) use event::EventReader;
pub(crate) use frames::{BadFrame, FRAMES, Frames};
pub(crate) use words::{denied_events, error_event};

use super::{Address, Wrong, segment};

/// What the names of events end with that tell of an error.
const EXCEPTION: &str = "Exception";

/// Where a conversation is sent to, below a provider's address.
///
/// # Errors
/// When no path can have the name of the model in it.
pub(crate) fn path(address: &Address) -> Result<String, Wrong> {
    let model = segment(address.model.as_deref().unwrap_or_default())?;
    Ok(match address.streaming {
        Some(true) => format!("/model/{model}/converse-stream"),
        Some(false) | None => format!("/model/{model}/converse"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_one_segment_of_the_path_whatever_it_is_called() {
        for (model, streaming, expected) in [
            ("amazon.nova-lite-v1:0", Some(false), "/model/amazon.nova-lite-v1%3A0/converse"),
            (
                "arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1",
                Some(true),
                "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Aapplication-inference-profile%2Fa1/converse-stream",
            ),
            ("a/../b?c=d#e%", None, "/model/a%2F..%2Fb%3Fc%3Dd%23e%25/converse"),
        ] {
            assert_eq!(
                path(&Address { model: Some(model.to_owned()), streaming, ..Address::default() }).unwrap(),
                expected
            );
        }
        for model in ["", ".", ".."] {
            let wrong = path(&Address { model: Some(model.to_owned()), ..Address::default() }).unwrap_err();
            assert_eq!(wrong.field, "model", "{model:?}");
        }
    }
}
