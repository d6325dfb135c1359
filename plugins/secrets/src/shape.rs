//! Whether a text looks made by a generator of keys, or by a person who explains something.

/// Fewer different characters are a row of `x` or a word.
const DIFFERENT_MIN: usize = 8;

/// Whether `value` looks random: many different characters, and not words of small letters.
pub(crate) fn is_random(value: &[u8]) -> bool {
    let words = value.iter().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'_' | b'.' | b'/'));
    !words && different(value) >= DIFFERENT_MIN
}

/// Whether a value of which only its name says that it is a key looks like one: random, with letters and digits.
pub(crate) fn is_key(value: &[u8]) -> bool {
    let count = |belongs: fn(&u8) -> bool| value.iter().filter(|byte| belongs(byte)).count();
    is_random(value) && count(u8::is_ascii_digit) >= 2 && count(u8::is_ascii_alphabetic) >= 2
}

/// Whether `value` stands for a password without being one: a variable, a row of stars, a word that says so.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] = [
        b"password",
        b"passwd",
        b"pass",
        b"pwd",
        b"secret",
        b"token",
        b"changeme",
        b"example",
        b"redacted",
        b"hidden",
        b"your_password",
        b"yourpassword",
    ];
    const VARIABLES: &[u8] = b"${<[%*";
    value.first().is_none_or(|first| VARIABLES.contains(first))
        || different(value) < 2
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn different(value: &[u8]) -> usize {
    let seen = value.iter().fold(0_u128, |seen, byte| seen | 1 << (byte & 127));
    usize::try_from(seen.count_ones()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words() {
        assert!(is_random(b"aB3dE6gH9jK2mN5p"));
        assert!(is_random(b"abcdefghABCDEFGH"));
        for words in ["xxxxxxxxxxxxxxxxxxxxxxxx", "XXXXXXXX-0000", "your-api-key-goes-here", "0000000000000001"] {
            assert!(!is_random(words.as_bytes()), "{words}");
        }
        assert!(is_key(b"aB3dE6gH9jK2mN5p"));
        assert!(!is_key(b"abcdefghABCDEFGH"));
    }

    #[test]
    fn placeholders() {
        for value in ["", "$DB_PASSWORD", "{password}", "<password>", "***", "xxxx", "Password", "%s"] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        assert!(!is_placeholder(b"hunter2"));
    }
}
