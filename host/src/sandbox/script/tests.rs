#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use serde_json::{Value, json};

use super::super::plan::{Call, Cut, Ending, Escape, Plan, Said, Say, Script, Usage};
use super::super::{Settings, request::Request, words};

/// The script for a message, with further fields of the request.
fn script(message: &str, fields: Value) -> Script {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": message}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    let body = body.to_string();
    super::read(&Request::read(body.as_bytes()).unwrap(), &Settings::default()).unwrap()
}

fn say(message: &str, fields: Value) -> Say {
    match script(message, fields).plan {
        Plan::Say(say) => say,
        plan => panic!("{plan:?}"),
    }
}

fn text(message: &str, fields: Value) -> String {
    match say(message, fields).said {
        Said::Text(text) => text,
        said => panic!("{said:?}"),
    }
}

fn calls(message: &str, fields: Value) -> Vec<(String, String)> {
    match say(message, fields).said {
        Said::Calls(calls) => calls.into_iter().map(|Call { name, arguments }| (name, arguments)).collect(),
        said => panic!("{said:?}"),
    }
}

fn call(name: &str, arguments: &str) -> (String, String) {
    (name.to_owned(), arguments.to_owned())
}

#[test]
fn repeats_what_it_was_sent() {
    assert_eq!(text("Hi, [EMAIL_1]!", json!({})), "You said: Hi, [EMAIL_1]!");
    assert_eq!(text("repeat: a\n b: c ", json!({})), "a\n b: c ");
    assert_eq!(text("Repeat:a", json!({})), "a");
    assert_eq!(text("", json!({})), "Hello! You said nothing; say `help` to learn what I can do.");
}

#[test]
fn what_is_no_command_is_repeated() {
    for message in [
        "help me",
        "leak",
        "leak soup",
        "long",
        "long way",
        "callous",
        "fail",
        "fail 200",
        "fail fast",
        "die hard",
        "slow down",
        "usage 1",
        "usage 1 2 cached",
        "chunks of 0",
        "frames of x",
        "unicode\nsplit",
        "Ünicode",
        "rep",
    ] {
        assert_eq!(text(message, json!({})), format!("You said: {message}"));
    }
}

#[test]
fn leaks_refuses_and_talks() {
    let leak = text("leak email card", json!({}));
    assert!(leak.contains(&words::made_up("email").unwrap()) && leak.contains(&words::made_up("card").unwrap()));
    assert_eq!(say("refuse: no", json!({})).said, Said::Refusal("no".into()));
    assert!(matches!(say("Refuse", json!({})).said, Said::Refusal(_)));
    assert_eq!(text("long 7", json!({})), words::lorem(7));
    assert_eq!(text("help", json!({})), words::HELP);
    assert_eq!(say("unicode", json!({})).escape, Escape::Whole);
    assert_eq!(say("unicode split", json!({})).escape, Escape::Split);
    assert!(say("usage", json!({})).usage_always);
    assert_eq!(text("long 999999999", json!({})), words::lorem(super::LONG_WORDS_MAX));
}

#[test]
fn fails_as_told() {
    let failure = |message| match script(message, json!({})).plan {
        Plan::Fail(failure) => failure,
        plan => panic!("{plan:?}"),
    };
    assert_eq!((failure("fail 503").status, failure("fail 503").retry_after), (503, None));
    let limited = failure("fail 429 retry-after 7: Slow: down");
    assert_eq!((limited.status, limited.retry_after), (429, Some(7)));
    assert!(String::from_utf8(limited.body()).unwrap().contains("\"Slow: down\""));
    assert_eq!(script("garbage", json!({})).plan, Plan::Garbage);
    assert_eq!(script("die", json!({})).plan, Plan::Die);
    assert_eq!(script("Stall", json!({})).plan, Plan::Stall);
}

#[test]
fn lines_above_the_message_set_the_manner() {
    let message = "die after 3\nslow 5\nslow start 20\nchunks of 2\nframes of 9\nreason: Hm, hm.\nfinish content_filter\n\
        usage 10 20 cached 3 reasoning 4\nrepeat: x";
    let Script { plan: Plan::Say(say), manner } = script(message, json!({})) else { panic!() };
    assert_eq!(manner.ending, Ending::Die(3));
    assert_eq!((manner.pace, manner.start), (Duration::from_millis(5), Duration::from_millis(20)));
    assert_eq!((manner.cut, manner.frame_bytes), (Cut::exactly(2), Some(9)));
    assert_eq!((&*say.reasoning, say.finish.as_deref()), ("Hm, hm.", Some("content_filter")));
    assert_eq!(say.usage, Some(Usage { prompt: 10, completion: 20, cached: 3, reasoning: 4 }));
    assert_eq!(say.said, Said::Text("x".into()));
    assert_eq!(script("slow", json!({})).manner.pace, Settings::default().pace);
    assert_eq!(script("stall after 0\nhi", json!({})).manner.ending, Ending::Stall(0));
    assert_eq!(script("garbage after 1", json!({})).manner.ending, Ending::Garbage(1));
    assert_eq!(text("slow", json!({})), words::lorem(40));
}

#[test]
fn the_model_may_choose() {
    assert!(matches!(script("hi", json!({"model": "sandbox-fail-429-retry-after-2"})).plan, Plan::Fail(_)));
    let script = script("hi", json!({"model": "sandbox-die-after-2"}));
    assert_eq!(script.manner.ending, Ending::Die(2));
    assert!(matches!(script.plan, Plan::Say(Say { said: Said::Text(said), .. }) if said == "You said: hi"));
    assert_eq!(text("hi", json!({"model": "sandbox-repeat"})), "hi");
    assert_eq!(text("hi", json!({"model": "sandbox-large"})), "You said: hi");
    assert_eq!(text("hi", json!({"model": "sandbox-long-3"})), words::lorem(3));
}

#[test]
fn calls_tools() {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = json!([{"type": "custom", "custom": {"name": "c"}},
        {"type": "function", "function": {"name": "weather", "parameters": parameters}},
        {"type": "function", "function": {"name": "clock"}}]);
    let with = |choice: &str| json!({"tools": tools, "tool_choice": choice});
    assert_eq!(calls("call a {\"x\": 1}", json!({})), [call("a", "{\"x\": 1}")]);
    assert_eq!(calls("call a {oops", json!({})), [call("a", "{oops")]);
    let two = "call a {\n\"x\":1}\ncall b";
    assert_eq!(calls(two, json!({})), [call("a", "{\n\"x\":1}"), call("b", "{}")]);
    assert_eq!(calls(two, json!({"parallel_tool_calls": false})).len(), 1);
    assert_eq!(calls("call weather", with("auto")), [call("weather", "{\"city\":\"sample\"}")]);
    assert_eq!(calls("call", with("required")), [call("weather", "{\"city\":\"sample\"}")]);
    assert_eq!(calls("Rome?", with("required")), [call("weather", "{\"city\":\"Rome?\"}")]);
    let named = json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "clock"}}});
    assert_eq!(calls("now?", named), [call("clock", "{}")]);
    assert_eq!(text("call a {}", with("none")), "I was told not to call tools.");
    assert_eq!(text("call", json!({})), "There is no tool that I could call.");
    assert_eq!(text("hi", with("auto")), "You said: hi");
}

#[test]
fn answers_with_tool_results() {
    let messages = json!([{"role": "user", "content": "call weather"},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"}]);
    assert_eq!(text("", json!({"messages": messages})), "weather answered: sunny");
}

#[test]
fn obeys_format_limit_and_stop() {
    let object = json!({"response_format": {"type": "json_object"}});
    assert_eq!(text("a", object.clone()), "{\"answer\":\"You said: a\"}");
    assert_eq!(text("repeat: a", object), "a");
    let schema = json!({"type": "object", "properties": {"x": {"type": "string"}}});
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    assert_eq!(text("a", schema), "{\"x\":\"You said: a\"}");
    for (max, said, too_long) in [(0, "", true), (2, "a b", true), (3, "a b  c ", false)] {
        let say = say("repeat: a b  c ", json!({"max_tokens": max}));
        assert_eq!((say.said, say.too_long), (Said::Text(said.into()), too_long));
    }
    assert_eq!(text("repeat: one two three", json!({"stop": ["three", " t"]})), "one");
}

#[test]
fn choices_are_bounded() {
    let read = |n: u32, bytes: usize| {
        let message = "x".repeat(bytes);
        let body = json!({"model": "m", "n": n, "messages": [{"role": "user", "content": message}]}).to_string();
        super::read(&Request::read(body.as_bytes()).unwrap(), &Settings::default()).map(drop)
    };
    assert!(read(128, 1).is_ok() && read(0, 1).is_err() && read(129, 1).is_err());
    assert!(read(1, 2 << 20).is_ok() && read(128, 2 << 20).is_err());
}

#[test]
fn help_knows_what_it_says() {
    let lines = words::HELP.lines().filter_map(|line| line.get(..30));
    let examples = lines.map(str::trim).filter(|line| !line.contains(',') && !line.starts_with("I am"));
    let mut count = 0;
    for example in examples.filter(|line| !line.starts_with("Lines") && !line.starts_with("A model")) {
        let command = example.replace("KIND ...", "email").replace("STATUS", "500").replace("P C", "1 2");
        let command = command.replace(" N", " 3").replace("MS", "3").replace("REASON", "length");
        let is_echo = matches!(script(&command, json!({})).plan, Plan::Say(Say { said: Said::Text(said), .. })
            if said.starts_with("You said"));
        assert!(!is_echo, "{command}");
        count += 1;
    }
    assert_eq!(count, 19);
}
