//! What is told of a panic. The host sees a trap, which has no words.

/// Have panics told in the gateway's log from now on. For [`export!`](crate::export), before anything of the author's
/// runs. It stays in force in what is forked from a snapshot.
#[cfg(target_arch = "wasm32")]
pub fn tell() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload().downcast_ref::<&'static str>().copied();
            crate::log(crate::log::Level::Error, &words(&place, message));
        }));
    });
}

/// A native build tells of its panics itself.
#[cfg(not(target_arch = "wasm32"))]
pub fn tell() {}

/// The host cuts lines a little above that.
#[cfg(any(target_arch = "wasm32", test))]
const LINE_BYTES_MAX: usize = 500;

/// Where it was, and why if that is a text of the program. One that was put together at run time may hold text of the
/// exchange, which does not belong into logs.
#[cfg(any(target_arch = "wasm32", test))]
fn words(place: &str, message: Option<&'static str>) -> String {
    let message = message.unwrap_or("a message that is not shown because it may hold text of the exchange");
    let mut words = format!("panicked at {place}: {message}");
    words.truncate(words.floor_char_boundary(LINE_BYTES_MAX));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_was_put_together_is_not_shown() {
        assert_eq!(words("src/lib.rs:7:5", Some("no such rule")), "panicked at src/lib.rs:7:5: no such rule");
        assert_eq!(
            words("src/lib.rs:7:5", None),
            "panicked at src/lib.rs:7:5: a message that is not shown because it may hold text of the exchange"
        );
    }

    #[test]
    fn a_line_is_bounded() {
        let long: &'static str = Box::leak("é".repeat(LINE_BYTES_MAX).into_boxed_str());
        let told = words("a", Some(long));
        assert!((LINE_BYTES_MAX - 1..=LINE_BYTES_MAX).contains(&told.len()), "{told}");
    }
}
