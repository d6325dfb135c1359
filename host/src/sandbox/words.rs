//! The texts that the sandbox model says by heart. Everything that looks personal or secret is made up.

const WORDS: [&str; 32] = [
    "the", "quiet", "river", "carries", "small", "boats", "past", "open", "gates", "while", "morning", "light",
    "falls", "on", "green", "water", "and", "every", "lock", "keeper", "counts", "what", "goes", "through", "with",
    "care", "before", "it", "reaches", "a", "wide", "sea",
];

/// So many words of harmless text, in sentences; the same words for the same number, and a prefix of those for more.
pub(super) fn lorem(count: usize) -> String {
    let mut text = String::new();
    // A linear congruential generator (Knuth's MMIX constants): order without rhyme, and no dependency.
    let mut state = 0x5EED_u64;
    let mut in_sentence = 0_usize;
    for _ in 0..count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let draw = usize::try_from(state >> 56).unwrap_or_default();
        let word = WORDS.get(draw % WORDS.len()).copied().unwrap_or_default();
        if in_sentence == 0 {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
            text.push_str(word.get(1..).unwrap_or_default());
        } else {
            text.push(' ');
            text.push_str(word);
        }
        in_sentence = in_sentence.saturating_add(1);
        if in_sentence > 5 && draw % 4 == 0 || in_sentence > 12 {
            text.push('.');
            in_sentence = 0;
        }
    }
    text
}

/// The kinds of `leak`, in the order of `leak all`, each with how a sentence names it.
const KINDS: [(&str, &str); 11] = [
    ("email", "Her address is"),
    ("phone", "You can reach her at"),
    ("card", "The card on file is"),
    ("iban", "The account is"),
    ("ssn", "The social security number is"),
    ("ip", "She last signed in from"),
    ("key", "The API key is"),
    ("aws", "The access key is"),
    ("github", "The deploy token is"),
    ("jwt", "The session is"),
    ("pem", "The private key is"),
];

/// What `leak KIND` leaks, so that a test can look for it; `None` if there is no such kind.
///
/// The data are those set aside for such use: example.com (RFC 2606), 555-01xx, the card number of every payment
/// provider's test mode, the IBAN of the standard's own example, a number that the Social Security Administration
/// retired, 192.0.2.0/24 (RFC 5737). Secrets are put together at run time, so that no scanner takes this file for one.
pub fn made_up(kind: &str) -> Option<String> {
    let filler = "0123456789abcdefghijABCDEFGHIJ0123456789abcdefghijABCDEFGHIJ";
    let filler = |count: usize| filler.get(..count).unwrap_or_default();
    Some(match kind {
        "email" => "ada.lovelace@example.com".into(),
        "phone" => "+1 202-555-0143".into(),
        "card" => "4111 1111 1111 1111".into(),
        "iban" => "DE89 3704 0044 0532 0130 00".into(),
        "ssn" => "078-05-1120".into(),
        "ip" => "192.0.2.44".into(),
        "key" => ["sk-", "proj-", filler(48)].concat(),
        "aws" => ["AK", "IA", "IOSFODNN7", "EXAMPLE"].concat(),
        "github" => ["gh", "p_", filler(36)].concat(),
        "jwt" => ["ey", "JhbGciOiJIUzI1NiJ9", ".ey", "JzdWIiOiJhZGEifQ", ".", filler(43)].concat(),
        "pem" => {
            let line = |word| ["-----", word, " PRIVATE ", "KEY-----"].concat();
            [&line("BEGIN"), "\n", filler(60), "\n", &line("END")].concat()
        }
        _ => return None,
    })
}

/// The answer that leaks these kinds in its middle; `None` if there is none, or one is unknown.
pub(super) fn leak(kinds: &[&str]) -> Option<String> {
    let mut text =
        "Of course, I have looked into the matter for you. The order went out on Monday and the parcel is on \
        its way. Nothing else seems to be open at the moment."
            .to_owned();
    let all = kinds == ["all"];
    if kinds.is_empty() || !(all || kinds.iter().all(|kind| made_up(kind).is_some())) {
        return None;
    }
    let everything = KINDS.iter().map(|(kind, _)| *kind).filter(|_| all);
    for kind in everything.chain(kinds.iter().copied().filter(|_| !all)) {
        let (_, says) = KINDS.iter().find(|(name, _)| *name == kind)?;
        text = format!("{text} {says} {}.", made_up(kind)?);
    }
    text.push_str(" The weather should hold until the weekend. Is there anything else that I can do for you?");
    Some(text)
}

/// Emoji within and beyond the first plane, joiners, flags, combining marks, right-to-left text, and no space to rest.
pub(super) const UNICODE: &str = "Plain, then 😀, a family 👩‍👩‍👧‍👦, a flag 🇮🇸, a wave 👋🏽, a cafe\u{301} with n\u{303} \
    and Z\u{30d}\u{31a}\u{353}algo, 日本語テキスト, שלום, ﷽, and the end 😀😀.";

/// What `help` answers.
pub(super) const HELP: &str = "\
I am the sandbox model. I repeat what you say, unless your message is one of these:
help                          this list
repeat: TEXT                  I answer exactly TEXT
leak KIND ...                 I leak made-up data: email phone card iban ssn ip key aws github jwt pem, or all
call TOOL {json}              I call the tool; one line a call; without {json} I make the arguments up
long N                        N words
unicode                       emoji and combining marks, escaped; `unicode split` cuts surrogate pairs in two
refuse: TEXT                  a refusal
usage                         usage, asked for or not
fail STATUS                   an HTTP error; also `fail 429 retry-after 2: TEXT`
garbage                       bytes that make no sense
die                           I close the connection; `stall`: I never answer
Lines like these above the message change how I answer:
reason: TEXT                  I think before I speak
slow                          I pause between chunks; `slow 20` for 20 milliseconds
slow start MS                 I wait before I begin
die after N                   I die after N chunks; also `stall after N`, `garbage after N`
chunks of N                   N characters a chunk
frames of N                   N bytes a write
finish REASON                 that finish_reason
usage P C                     P prompt tokens, C completion tokens; also `cached N`, `reasoning N`
A model's name says the same with dashes: sandbox-fail-503, sandbox-slow, sandbox-die-after-3.";

#[cfg(test)]
mod tests {
    use super::{KINDS, leak, lorem, made_up};

    #[test]
    fn says_as_many_words_as_asked() {
        for count in [0, 1, 2, 17, 1000] {
            assert_eq!(lorem(count).split_whitespace().count(), count);
        }
        assert!(lorem(50).starts_with(&lorem(20)));
    }

    #[test]
    fn leaks_in_the_middle() {
        for (kind, _) in KINDS {
            let secret = made_up(kind).unwrap_or_default();
            let text = leak(&[kind]).unwrap_or_default();
            assert!(!secret.is_empty() && text.find(&secret).is_some_and(|at| at > 100), "{kind}");
            assert!(!text.ends_with(&format!("{secret}.")) && leak(&["all"]).is_some_and(|all| all.contains(&secret)));
        }
        assert_eq!(leak(&[]), None);
        assert_eq!(leak(&["email", "soup"]), None);
    }
}
