//! Guests that import WASI 0.2: clocks, random numbers and captured output work, and nothing else is there.

use std::time::Duration;

use sluicegate::plugin::Pool;
use sluicegate_tests::guests::{TRIGGER, written};
use sluicegate_tests::{Gateway, Installed, Provider, Receipt, Reply, chat, completion};
use tokio::time::Instant;

/// Denies a code of nine bytes at that address, with a reason of five.
const DENY_AT: &str = "
(func $deny-at (param $verdict i32) (param $code i32)
  (i32.store8 offset=0 (local.get $verdict) (i32.const 2))
  (i32.store offset=4 (local.get $verdict) (local.get $code))
  (i32.store offset=8 (local.get $verdict) (i32.const 9))
  (i32.store offset=12 (local.get $verdict) (i32.const 1042))
  (i32.store offset=16 (local.get $verdict) (i32.const 5)))";

/// Denies `wasi.more` if there is anything of the machine to see, and `wasi.less` if clocks or random numbers fail.
const LOOKS_AROUND: &str = r#"
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(import "wasi:cli/environment@0.2.0" "get-arguments" (func $arguments (param i32)))
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
(import "wasi:sockets/tcp-create-socket@0.2.0" "create-tcp-socket" (func $tcp (param i32 i32)))
(import "wasi:sockets/udp-create-socket@0.2.0" "create-udp-socket" (func $udp (param i32 i32)))
(import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $now (result i64)))
(import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
(import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
(import "wasi:cli/stdin@0.2.0" "get-stdin" (func $stdin (result i32)))
(import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(data (i32.const 1024) "wasi.more" "wasi.less" "hello from a guest\n\1b[2J\n")
(global $mark (mut i32) (i32.const 0))
(func $configure (result i32 i32)
  (global.set $mark (i32.add (global.get $mark) (i32.const 1)))
  (i32.const 0) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $before i64)
  (call $environment (i32.const 2048))
  (if (i32.load (i32.const 2052)) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (call $arguments (i32.const 2048))
  (if (i32.load (i32.const 2052)) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (call $directories (i32.const 2048))
  (if (i32.load (i32.const 2052)) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (call $tcp (i32.const 0) (i32.const 2048))
  (if (i32.eqz (i32.load8_u (i32.const 2048))) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (call $udp (i32.const 1) (i32.const 2048))
  (if (i32.eqz (i32.load8_u (i32.const 2048))) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (call $read (call $stdin) (i64.const 10) (i32.const 2048)) ;; closed, or at its end: an error
  (if (i32.eqz (i32.load8_u (i32.const 2048))) (then (call $deny-at (local.get $verdict) (i32.const 1024))))
  (local.set $before (call $now))
  (if (i64.lt_u (call $now) (local.get $before)) (then (call $deny-at (local.get $verdict) (i32.const 1033))))
  (call $wall (i32.const 2048))
  (if (i64.lt_u (i64.load (i32.const 2048)) (i64.const 1700000000)) (then (call $deny-at (local.get $verdict) (i32.const 1033))))
  (if (i64.eq (call $random) (call $random)) (then (call $deny-at (local.get $verdict) (i32.const 1033))))
  ;; Configured once, and not in this instance.
  (if (i32.ne (global.get $mark) (i32.const 1)) (then (call $deny-at (local.get $verdict) (i32.const 1033))))
  (call $write (call $stdout) (i32.const 1042) (i32.const 24) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then (call $deny-at (local.get $verdict) (i32.const 1033)))))"#;

/// Sleeps for an hour.
const SLEEPS: &str = r#"
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $block (call $after (i64.const 3600000000000))))"#;

/// Makes alarms without end, each a handle of the host.
const HOARDS: &str = r#"
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $more (drop (call $after (i64.const 3600000000000))) (br $more)))"#;

/// Asks for a gigabyte of random bytes.
const GAMBLES: &str = r#"
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $bytes (param i64 i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $bytes (i64.const 1073741824) (i32.const 2048)))"#;

/// Prints without end.
const PRATTLES: &str = r#"
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $out i32)
  (local.set $out (call $stdout))
  (loop $more
    (call $write (local.get $out) (i32.const 0) (i32.const 4096) (i32.const 8192))
    (br $more)))"#;

/// Ends the program that it thinks it is.
const LEAVES: &str = r#"
(import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (call $exit (i32.const 0)))"#;

/// Opens its output when it is configured, and writes to it later.
const HOLDS: &str = r#"
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
(global $out (mut i32) (i32.const 0))
(func $configure (result i32 i32)
  (global.set $out (call $stdout))
  (i32.const 0) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $write (global.get $out) (i32.const 0) (i32.const 16) (i32.const 8192)))"#;

fn guest(name: &str, own: &str) -> Installed {
    let own = if own.contains("$deny-at") { format!("{own}{DENY_AT}") } else { own.to_owned() };
    Installed::new(name, written(name, &own)).set("phases = ['request']")
}

async fn gateway(plugin: Installed) -> (Gateway, Provider) {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::with_plugins([plugin]).upstream(&provider).settings("plugins.breaker_failures = 0").start().await;
    (gateway, provider)
}

async fn ask(gateway: &Gateway, text: &str) -> Receipt {
    let answer = gateway.ask(chat(text)).receipts().await;
    answer.receipts().swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_clocks_random_numbers_and_an_output_and_nothing_else() {
    let (gateway, _provider) = gateway(guest("looks-around", LOOKS_AROUND)).await;
    let plugin = gateway.host.generation().plugins[0].clone();
    assert_eq!(plugin.not_forked, None, "it holds none of WASI's handles");
    for _ in 0..3 {
        let receipt = ask(&gateway, TRIGGER).await;
        assert_eq!(
            [receipt.get("verdict"), receipt.get("outcome"), receipt.get("code")],
            [Some("allow"), Some("said"), None]
        );
        // What depends on a clock is not a function of the text.
        assert_eq!(receipt.get("remembered"), Some("0"));
    }
    gateway.until(|host| host.runtime.pool() == Pool::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_a_handle_when_it_is_configured_is_configured_for_each_call() {
    let (gateway, _provider) = gateway(guest("holds", HOLDS)).await;
    let plugin = gateway.host.generation().plugins[0].clone();
    let reason = plugin.not_forked.as_deref().unwrap_or_default();
    assert_eq!(reason, "it holds handles of WASI when it is configured, and a snapshot cannot hold them");
    for _ in 0..3 {
        let receipt = ask(&gateway, TRIGGER).await;
        assert_eq!([receipt.get("verdict"), receipt.get("outcome")], [Some("allow"), Some("said")]);
    }
    gateway.until(|host| host.runtime.pool() == Pool::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_end_is_ended() {
    let cases: [(&str, &str, &[&str]); 5] = [
        ("sleeps", SLEEPS, &["timed-out"]),
        ("hoards", HOARDS, &["malformed"]),
        ("gambles", GAMBLES, &["malformed"]),
        ("prattles", PRATTLES, &["timed-out", "out-of-fuel"]),
        ("leaves", LEAVES, &["trapped"]),
    ];
    for (name, own, outcomes) in cases {
        let (gateway, _provider) = gateway(guest(name, own).set("limits.wall_ms = 1_000")).await;
        let began = Instant::now();
        let receipt = ask(&gateway, TRIGGER).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{name}: {:?}", began.elapsed());
        assert_eq!(receipt.get("verdict"), Some("failed"), "{name}");
        assert!(outcomes.contains(&receipt.get("outcome").unwrap()), "{name}: {receipt:?}");
        gateway.until(|host| host.runtime.pool() == Pool::default()).await;
        assert_eq!(ask(&gateway, "hello?").await.get("outcome"), Some("said"), "{name}: the next exchange");
    }
}
