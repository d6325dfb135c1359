//! Every hostile guest of [`HOSTILE`]: it is refused at load with a reason, or it ends as the table says, in bounded
//! time, with everything given back, and the next exchange works.

use std::fmt::Write as _;
use std::future::IntoFuture as _;
use std::time::Duration;

use sluicegate::plugin::Pool;
use sluicegate_tests::guests::{HOSTILE, Hostile, On, TRIGGER, When};
use sluicegate_tests::{
    Answer, Call, DONE, Gateway, Installed, Provider, Reply, chat, chunk, completion, finish, hostile, standard,
    streamed,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// All that a hostile call may take. Its fuel is worth some ten milliseconds; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_load_is_refused_with_words() {
    let at_load = || HOSTILE.iter().filter(|hostile| hostile.when == When::AtLoad);
    let good = [hostile("calm"), standard("pii")];
    let all = at_load().map(|guest| hostile(guest.name).set("limits.memory_bytes = 16_777_216")).chain(good);
    let provider = Provider::absent().await;
    let broken = Gateway::with_plugins(all).upstream(&provider).try_start().await.expect_err("they are refused");
    let mut golden = String::new();
    for guest in at_load() {
        let broken = broken.iter().find(|broken| broken.name == guest.name);
        let reason = &broken.unwrap_or_else(|| panic!("{} is in service", guest.name)).reason;
        writeln!(golden, "{}: {}\n{reason}\n", guest.name, guest.about()).unwrap();
        assert!(!reason.chars().any(char::is_control), "{}: {reason:?}", guest.name);
        assert!(reason.len() < 1_100, "{}: {} bytes of reason", guest.name, reason.len());
        // Where it came to a call, the reason says how that ended.
        let ended = guest.outcome == "refused" || reason.contains(&format!(" ended: {}: ", guest.outcome));
        assert!(ended, "{}: {reason}, and not {}", guest.name, guest.outcome);
    }
    let names: Vec<&str> = broken.iter().map(|broken| broken.name.as_str()).collect();
    assert_eq!(names, at_load().map(|guest| guest.name).collect::<Vec<_>>(), "and nothing else is broken");
    insta::assert_snapshot!("refused_at_load", golden);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_load_takes_nothing_else_along() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = ["trap-start", "memory-grow-configure", "memory-many", "contract-truncated"].map(hostile);
    let plugins = plugins.into_iter().chain([hostile("calm")]);
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings("plugins.start_without_broken = true");
    let gateway = gateway.start().await;
    gateway.until(|host| host.broken().len() == 4 && host.runtime.pool() == Pool::default()).await;
    let answer = gateway.ask(chat("hello?")).receipts().await;
    assert_eq!((answer.content(), answer.receipts().len()), ("hello".to_owned(), 2));
}

/// What follows the trigger in a stream. It too ends with a character of two bytes.
const MORE: &str = ", and so is the olé";

/// Run the guests whose names begin like this, one after the other, and tell of all that go wrong.
async fn in_service(prefixes: &[&str]) {
    let guests = HOSTILE.iter().filter(|guest| guest.when == When::InService && is_of(prefixes, guest.name));
    let mut wrong = Vec::new();
    for guest in guests {
        for on_failure in ["closed", "open"] {
            let mut run = JoinSet::new();
            run.spawn(one(*guest, on_failure));
            if run.join_next().await.is_some_and(|ended| ended.is_err()) {
                wrong.push(format!("{} ({on_failure})", guest.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} went wrong: {}", wrong.len(), wrong.join(", "));
}

fn is_of(prefixes: &[&str], name: &str) -> bool {
    prefixes.iter().any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-')))
}

/// A test for each family of guests, so that they run side by side and none is forgotten.
macro_rules! families {
    ($($test:ident: $($prefix:literal)+;)*) => {
        const FAMILIES: &[&str] = &[$($($prefix),+),*];
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            in_service(&[$($prefix),+]).await;
        })*
    };
}

families! {
    errors_and_logs: "error" "log";
    findings_and_edits: "describe" "edit" "finding";
    loops: "loop";
    malformed_verdicts: "malformed";
    memory: "memory";
    patterns: "patterns";
    results: "result";
    state: "state";
    traps: "trap";
}

#[test]
fn no_guest_is_left_out() {
    let left: Vec<&str> =
        HOSTILE.iter().filter(|g| g.when == When::InService && !is_of(FAMILIES, g.name)).map(|g| g.name).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The way on which a text reaches a guest.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Request,
    Answer,
    Stream,
}

impl Way {
    /// The ways on which a guest must meet its trigger.
    fn of(on: On) -> &'static [Self] {
        match on {
            On::Load => &[],
            On::Text => &[Self::Request, Self::Answer, Self::Stream],
            On::Request => &[Self::Request],
            On::Answer => &[Self::Answer, Self::Stream],
            On::Stream => &[Self::Stream],
        }
    }

    fn phase(self) -> &'static str {
        if self == Self::Request { "request" } else { "answer" }
    }

    /// What the provider says in an exchange that is attacked on this way, and in the next one.
    fn replies(self) -> [Reply; 2] {
        let stream = || Reply::events([chunk(TRIGGER)]).pauses().then([chunk(MORE), finish(0, "stop"), DONE.into()]);
        let attack = match self {
            Self::Request => Reply::json(completion("hello")),
            Self::Answer => Reply::json(completion(TRIGGER)),
            Self::Stream => stream(),
        };
        [attack, Reply::json(completion("hello"))]
    }

    fn ask(self, gateway: &Gateway) -> Call {
        let call = match self {
            Self::Request => gateway.ask(chat(TRIGGER)),
            Self::Answer => gateway.ask(chat("hello?")),
            Self::Stream => gateway.ask(streamed("hello?")),
        };
        call.receipts()
    }
}

async fn one(guest: Hostile, on_failure: &str) {
    let provider = Provider::saying(Reply::nothing()).await;
    let plugins =
        [hostile(guest.name).set(&format!("on_failure = '{on_failure}'")), hostile("calm").set("order = 200")];
    let settings = "plugins.breaker_failures = 0\nplugins.memo_bytes = 0";
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(settings).start().await;
    let goes_on = guest.passes || on_failure == "open";
    for way in Way::of(guest.on) {
        // A request that is refused does not reach the provider.
        let reaches = *way != Way::Request || goes_on;
        provider.now_says(way.replies().into_iter().skip(usize::from(!reaches)));
        let flows = *way == Way::Stream && goes_on && guest.on != On::Answer;
        if *way == Way::Stream && !flows {
            provider.proceed();
        }
        let began = Instant::now();
        let answer = attacked(&gateway, &provider, *way, flows).await;
        assert!(began.elapsed() < SOON, "{} {way:?}: took {:?}", guest.name, began.elapsed());
        check(&guest, *way, goes_on, &answer);

        // Everything is given back, and the next exchange works with the same plugin and with the other one.
        gateway.until(|host| host.runtime.pool() == Pool::default()).await;
        let next = gateway.ask(chat("hello?")).receipts().await;
        assert_eq!(next.content(), "hello", "{} {way:?}: the next exchange", guest.name);
        assert!(next.receipts().iter().all(|receipt| receipt.get("outcome") == Some("said")), "{:?}", next.receipts());
        assert!(next.receipts().iter().any(|receipt| receipt.plugin == "calm"), "{:?}", next.receipts());
    }
}

/// The answer and its receipts are as the table says.
fn check(guest: &Hostile, way: Way, goes_on: bool, answer: &Answer) {
    let receipts = answer.receipts();
    let about = format!("{} on {way:?}: {} {}\n{receipts:?}", guest.name, answer.status, answer.text());
    assert_eq!(answer.status, if goes_on { 200 } else { 503 }, "{about}");
    if goes_on {
        let said = match way {
            Way::Request => "hello".to_owned(),
            Way::Answer => TRIGGER.to_owned(),
            Way::Stream if guest.name == "edit-into-context" => "[x][x]".to_owned(),
            Way::Stream => format!("{TRIGGER}{MORE}"),
        };
        assert_eq!(answer.content(), said, "{about}");
    } else {
        assert_eq!(answer.code(), "guardrail_failed", "{about}");
        assert!(!answer.text().contains("sluices"), "{about}");
    }
    let verdict = match (guest.passes, goes_on) {
        (true, _) => None,
        (_, true) => Some("not-inspected"),
        (_, false) => Some("failed"),
    };
    let own: Vec<_> = receipts.iter().filter(|receipt| receipt.plugin == guest.name).collect();
    let ended = own.iter().any(|receipt| {
        receipt.get("phase") == Some(way.phase())
            && receipt.get("outcome") == Some(guest.outcome)
            && verdict.is_none_or(|verdict| receipt.get("verdict") == Some(verdict))
    });
    assert!(ended, "{about}");
    let others = own.iter().all(|r| r.get("outcome") == Some("said") || r.get("outcome") == Some(guest.outcome));
    assert!(others, "{about}");
    let named = answer.not_inspected().contains(&format!("plugin={};", guest.name));
    assert_eq!(named, goes_on && !guest.passes, "{about}");
}

/// The attack on its way. A stream that flows goes on when its first words are through, so that they are a window of
/// their own.
async fn attacked(gateway: &Gateway, provider: &Provider, way: Way, flows: bool) -> Answer {
    let attack = async {
        let mut open = way.ask(gateway).open().await;
        if flows {
            open.until("\"content\":").await;
            provider.proceed();
        }
        open.rest().await
    };
    timeout(SOON, attack).await.expect("the attack ends")
}

/// A guest under other limits.
fn with_limits(name: &str, limits: &str) -> Installed {
    hostile(name).set(&format!("[limits]\n{limits}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_fuel_for_hours_is_stopped_by_the_clock() {
    let loops = [
        "loop-inspect",
        "loop-memory-copy",
        "loop-memory-fill",
        "loop-post-return",
        "loop-realloc",
        "loop-table-fill",
        "loop-request",
    ];
    let mut running = JoinSet::new();
    for name in loops {
        running.spawn(async move {
            let provider = Provider::saying(Reply::json(completion("hello"))).await;
            let plugin = with_limits(name, "fuel = 1_000_000_000_000\nwall_ms = 500");
            let gateway = Gateway::with_plugins([plugin]).upstream(&provider).start().await;
            let answer = timeout(SOON, gateway.ask(chat(TRIGGER)).receipts().into_future()).await;
            let answer = answer.unwrap_or_else(|_| panic!("{name} runs on"));
            assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"), "{name}: {}", answer.text());
            assert_eq!(answer.receipts()[0].get("outcome"), Some("timed-out"), "{name}");
            gateway.until(|host| host.runtime.pool() == Pool::default()).await;
            assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello", "{name}: the next exchange");
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// Bytes of this process that are in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// Memory is measured in a process of its own: here, other tests come and go.
#[test]
#[cfg(target_os = "linux")]
fn the_hosts_memory_is_back_where_it_was() {
    let arguments = ["--exact", "hostile::memory_before_and_after", "--ignored", "--nocapture"];
    let output = std::process::Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// What a place in the pool and the allocator may keep for the next call.
const KEPT_BYTES: u64 = 8 << 20;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures its process; the test above runs it alone"]
async fn memory_before_and_after() {
    let greedy = ["memory", "result", "log", "state"];
    let others = ["loop-memory-fill", "malformed-list-overflow", "patterns-find-many", "trap-inspect"];
    let wanted = |guest: &&Hostile| is_of(&greedy, guest.name) || others.contains(&guest.name);
    for guest in HOSTILE.iter().filter(|guest| guest.when == When::InService && guest.on == On::Text).filter(wanted) {
        let provider = Provider::saying(Reply::json(completion("hello"))).await;
        let settings = "plugins.breaker_failures = 0\nplugins.memo_bytes = 0";
        let gateway = Gateway::with_plugins([hostile(guest.name)]).upstream(&provider).settings(settings).start().await;
        let attack = async |times: usize| {
            for _ in 0..times {
                gateway.ask(chat(TRIGGER)).await;
            }
            resident_bytes()
        };
        let before = attack(10).await;
        let after = attack(40).await;
        let grown = after.saturating_sub(before);
        println!("{}: {} KiB more after 40 attacks", guest.name, grown >> 10);
        assert!(grown < KEPT_BYTES, "{} leaves {grown} bytes behind", guest.name);
    }
}
