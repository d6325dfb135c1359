//! Windowed equals whole: however a text is cut, what is released is the same.

use sluicegate_plugin::Channel;
use sluicegate_plugin::scan::Scan;
use sluicegate_plugin::scan::testing::{Random, characters, nothing_missed, same};
use sluicegate_plugin::text::Window;

use super::pii;

/// Made to be put together: matches, parts of matches, and what turns one into the other.
#[rustfmt::skip]
const FRAGMENTS: [&str; 64] = [
    "john", ".smith", "@", "example", ".com", ".c", "-x", " ", "  ", ". ", "\n", ", ", "+", "+49 ", "0049", "(030) ",
    "030 ", "123", "4567", "89", "0", "1", "-", "/", ":", "::", ".", "4111", "4111 1111 1111 1111", "1111", "5555-5555",
    "378282246310005", "DE89", "DE89 3704 0044 0532 0130 00", " 0044", "123-45-6789", "-45-", "192.168.", "10.20",
    "2001:db8::1", "fe80", "born ", "born on ", "DOB", "3 March 1980", "1980-03-14", "14.03.", "Mar", "ch 3", " 1980",
    "é", "請", "４", "\u{200B}", "\u{A0}", "the ", "word", "x", "(", ")", "\u{200B}\u{200B}", "a@b.de", "\\n", "\\",
];
/// The same for a JSON string.
const ESCAPES: [&str; 12] =
    ["\\u0040", "\\u00", "40", "\\n", "\\", "\\\\", "\\\"", "\\u0034", "\\u002b", "\\ud83d", "\\u00e9", "\\t"];

/// Nothing that triggers alone: what may begin a number or a date, and what ends it.
#[rustfmt::skip]
const QUIET: [&str; 40] = [
    "1", "3", "12", "19", "198", "1980", "0", "31", "st", "th", "rd", " of ", " de ", " ", " ", ", ", ". ", ".", "-", "/",
    "March", "May", "Mär", "déc", "ju", "marzo", "年", "月", "日", "DE", "gb", "+", "(", ")", ":", "a", "the", "'", "né", "\n",
];

const TELLING: [&str; 16] = [
    "Write to john.smith@mail.example.co.uk, or call +49 (0)30 123456-20 today.",
    "4111 1111 1111 1111 12/27 123, 5555-5555-5555-4444.",
    "IBAN DE89 3704 0044 0532 0130 00, thanks. gb29nwbk60161331926819",
    "SSN 123-45-6789 from 192.168.0.17 and 2001:db8::8a2e:370:7334, port 80",
    "She was born in Stuttgart on 14 March 1980. On 3/4/2020 she moved.",
    "On 1980-03-14, Ann was born; 1980-03-14 is the day. DOB 14.03.1980",
    "555-234-5678 555.234.5678 (555) 234-5678 01 23 45 67 89 01.02.2024 10 Uhr",
    "0171 4111 1111 1111 1111 2222 3333 4444 5555 6666 7777 8888 9999 0000 1111",
    "a@b.example@c.example@d.example.com-x a.b.c.d.e.f.g@h.i.j.kl",
    "std::fs::read a[1::2] 12:30:45 1.2.3.4.5.6 v1.2.3 10:20::30:40:5",
    "４１１１ １１１１ １１１１ １１１１ +４９\u{A0}30\u{200B}1234567",
    "请联系john@example.com谢谢 müller@müller.de é@é.de",
    "geb. 3.3.1980 né le 3 mars 1980 生年月日1980年3月14日 nato il 3 marzo 1980",
    "4111111111111111 41111111111111111111111 411111111111111-1",
    "(see <a@example.com>.) x.@example.com +1 555 234 5678 2024 times",
    "004915112345678 0049 30 123456 00 49 30 1234567 +(49) 30 1234567",
];

#[test]
fn every_cut_in_two_and_every_character_alone() {
    let (pii, like) = (pii(""), Window::answer(""));
    for text in TELLING {
        for (at, _) in text.char_indices() {
            same(&pii, &like, &[&text[..at], &text[at..]]);
        }
        same(&pii, &like, &characters(text));
    }
}

#[test]
fn behind_more_text_than_the_context_holds() {
    let (pii, like) = (pii(""), Window::answer(""));
    for padding in ["word ", "1234 ", "12-", "é", "a.", "@", "1.2.3.4 ", "born "] {
        let text = format!("{}{}", padding.repeat(90), TELLING.join(" "));
        same(&pii, &like, &characters(&text));
    }
}

#[test]
fn texts_made_of_fragments_cut_anywhere() {
    let (mut random, pii, plain) = (Random::new(7), pii(""), Window::answer(""));
    let arguments = Window { channel: Channel::ToolArguments, ..Window::answer("") };
    let escaped = [&FRAGMENTS[..], &ESCAPES, &ESCAPES].concat();
    for round in 0..4000 {
        let count_max = if round % 50 == 0 { 150 } else { 14 };
        let (text, like) = match round % 3 {
            0 => (random.text(&escaped, count_max), &arguments),
            _ => (random.text(&FRAGMENTS, count_max), &plain),
        };
        same(&pii, like, &random.cut(&text, 20));
    }
}

/// Playing a stream compares what the prefilter lets pass with what the guardrail says of it.
#[test]
fn what_the_prefilter_lets_pass_was_nothing() {
    let (mut random, pii, like) = (Random::new(13), pii(""), Window::answer(""));
    for _ in 0..20_000 {
        same(&pii, &like, &characters(&random.text(&QUIET, 9)));
    }
}

/// A birth word within the letters that a rule may look back, but beyond the bytes that the host shows.
#[test]
fn what_is_out_of_sight_counts_neither_in_a_window_nor_in_the_whole() {
    let (pii, like) = (pii(""), Window { channel: Channel::ToolArguments, ..Window::answer("") });
    for spaces in [1, 10, 20, 30, 39] {
        let text = format!("word {}{}1980-03-14", "\\u0062\\u006f\\u0072\\u006e", "\\u0020".repeat(spaces));
        same(&pii, &like, &characters(&text));
    }
}

#[test]
fn prose_holds_nothing_beyond_the_last_word() {
    let pii = pii("");
    for (text, held) in [
        ("The quick brown fox ", 0),
        ("The quick brown fox", 3),
        ("It is over.", 5),
        ("It is over. ", 0),
        ("请联系", 0),
        ("f(x) = y; ", 0),
    ] {
        let window = Window { final_: false, ..Window::answer(text) };
        assert_eq!(Scan::of(&pii, &window).hold, held, "{text:?}");
    }
}

#[test]
fn nothing_is_held_at_the_end() {
    for text in TELLING {
        assert_eq!(Scan::of(&pii(""), &Window::answer(text)).hold, 0);
    }
}

#[test]
fn the_patterns_and_the_tail_miss_nothing() {
    let (mut random, pii) = (Random::new(11), pii(""));
    TELLING.iter().for_each(|text| nothing_missed(&pii, text));
    for _ in 0..4000 {
        nothing_missed(&pii, &random.text(&FRAGMENTS, 30));
    }
}
