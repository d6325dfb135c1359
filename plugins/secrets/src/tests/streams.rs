//! Windowed equals whole: however a text is cut, what is released is the same.

use sluicegate_plugin::Channel;
use sluicegate_plugin::scan::Scan;
use sluicegate_plugin::scan::testing::{Random, characters, nothing_missed, same};
use sluicegate_plugin::text::{Window, stream};

use super::{aws_access_key, block, jwt, random, secrets};

fn telling() -> Vec<String> {
    let (forty, key) = (random(40), random(32));
    vec![
        format!("Use sk-{} or sk-ant-api03-{}, not sk-learn.", random(48), random(95)),
        format!("export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={forty}\n", aws_access_key()),
        format!("postgres://app:hunt@r2@db.example/x http://localhost:8080/@x https://x:ghp_{}@github.com", random(36)),
        format!("Server=db;User Id=sa;Password=Aa1!x;AccountKey={}==;", random(86)),
        format!("Authorization: Bearer {} and Bearer {key} then {{\"api_key\": \"{key}\"}}", jwt(80)),
        format!(
            "key {}\nand {} but not {}",
            block("PRIVATE KEY", 3, "\\n"),
            block("EC PRIVATE KEY", 2, "\n"),
            block("CERTIFICATE", 3, "\n")
        ),
        format!("password = \"hunter2!\" token => '{key}' key==={key} secret :=  {key} PASSWORD=x1y2z3 ;"),
        format!(
            "https://hooks.slack.com/services/T0AB1CD2E/B0AB1CD2E/{} xoxb-1-{} SG.{}.{}",
            random(24),
            random(24),
            random(22),
            random(43)
        ),
    ]
}

/// Made to be put together: credentials, parts of them, and what turns one into the other.
fn fragments() -> Vec<String> {
    let plain = [
        "sk-",
        "sk-ant-",
        "ghp_",
        "AKIA",
        "AIza",
        "eyJ",
        "eyJhbGciOiJIUzI1NiJ9",
        ".",
        "..",
        "-----",
        "-----BEGIN ",
        "PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----",
        "-----END ",
        "\n",
        "\\n",
        "\\",
        "://",
        "postgres://u:",
        "http://",
        "user",
        ":",
        "@",
        "/",
        "host",
        "password",
        "Password=",
        "api_key",
        "api_key: ",
        "=",
        "==",
        "=> ",
        "\"",
        "'",
        ";",
        " ",
        "  ",
        "Bearer ",
        "token",
        "AccountKey=",
        "aws_secret_access_key=",
        "hooks.slack.com/",
        "SG.",
        "xoxb-",
        "x",
        "é",
        "請",
        "\u{200B}",
        "Version: 1\n",
        "a1B2c3D4",
        "a1B2c3D4e5F6g7H8",
        "KEY",
    ];
    let keys =
        [random(8), random(16), random(24), random(36), random(40), random(48), random(64), random(86), random(300)];
    plain.map(str::to_owned).into_iter().chain(keys).collect()
}

#[test]
fn every_cut_in_two_and_every_character_alone() {
    let (secrets, like) = (secrets(""), Window::answer(""));
    for text in telling() {
        for (at, _) in text.char_indices() {
            same(&secrets, &like, &[&text[..at], &text[at..]]);
        }
        same(&secrets, &like, &characters(&text));
    }
}

#[test]
fn behind_more_text_than_the_context_holds() {
    let (secrets, like) = (secrets(""), Window::answer(""));
    for padding in ["word ", "aB3", "-----", "key: ", "://", "\\", "eyJ."] {
        let text = format!("{} {}", padding.repeat(150), telling().join(" "));
        same(&secrets, &like, &characters(&text));
    }
}

#[test]
fn texts_made_of_fragments_cut_anywhere() {
    let (mut random, secrets, plain, fragments) = (Random::new(7), secrets(""), Window::answer(""), fragments());
    let arguments = Window { channel: Channel::ToolArguments, ..Window::answer("") };
    for round in 0..4000 {
        let text = random.text(&fragments, if round % 50 == 0 { 150 } else { 14 });
        same(&secrets, if round % 3 == 0 { &arguments } else { &plain }, &random.cut(&text, 40));
    }
}

#[test]
fn a_long_key_is_held_and_one_without_an_end_is_refused() {
    let (secrets, like) = (secrets(""), Window::answer(""));
    let key = format!("before {} after", block("RSA PRIVATE KEY", 50, "\n"));
    let streamed = stream(&secrets, &like, &characters(&key), 256);
    assert_eq!(streamed.released, "before [PRIVATE_KEY] after");
    for text in [block("RSA PRIVATE KEY", 70, "\n"), block("PGP PRIVATE KEY BLOCK", 200, "\\n")] {
        let text = format!("before {text} after");
        let streamed = stream(&secrets, &like, &characters(&text), 256);
        assert_eq!((streamed.released.as_str(), streamed.denied.as_deref()), ("before ", Some("secrets.blocked")));
        same(&secrets, &like, &characters(&text));
    }
}

#[test]
fn a_long_web_token_is_released_the_same_way() {
    let (secrets, like) = (secrets(""), Window::answer(""));
    for payload in [3000, 3790, 3800, 3900, 6000] {
        let text = format!("{} end", jwt(payload));
        same(&secrets, &like, &Random::new(3).cut(&text, 90));
    }
}

#[test]
fn prose_is_not_held() {
    let secrets = secrets("");
    for text in [
        "The quick brown fox",
        "It is over.",
        "See https://example.com/a?b=c and ",
        "The key to success is ",
        "x = y; ",
    ] {
        let window = Window { final_: false, ..Window::answer(text) };
        assert_eq!(Scan::of(&secrets, &window).hold, 0, "{text:?}");
    }
}

#[test]
fn the_patterns_and_the_tail_miss_nothing() {
    let (mut random, secrets, fragments) = (Random::new(11), secrets(""), fragments());
    telling().iter().for_each(|text| nothing_missed(&secrets, text));
    for _ in 0..4000 {
        nothing_missed(&secrets, &random.text(&fragments, 14));
    }
}
