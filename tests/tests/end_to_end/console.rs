//! The console: who may look, what is on its pages, and what a browser makes of them.

mod browser;

use regex::Regex;
use serde_json::json;
use sluicegate_tests::{
    Answer, Call, EMAIL, Gateway, Installed, Provider, Reply, Setup, chat, completion, gentle, key_of, standard,
};

use crate::ledger::entry;
use browser::{Browser, DESK, ENTER, PHONE, Theme};

/// All that can be seen is kept.
const SETTINGS: &str = "
admin.listen = '127.0.0.1:0'
ledger.enabled = true
tenants.'*'.capture = true
";
const PARTS: [&str; 7] = ["", "/exchanges", "/sessions", "/plugins", "/escalations", "/feedback", "/keys"];

fn plugins() -> Vec<Installed> {
    vec![standard("pii").config("email = 'mask'\nphone = 'block'"), gentle("cache"), gentle("route-person")]
}

async fn gateway(setup: Setup) -> Gateway {
    setup.settings(SETTINGS).start().await
}

/// A gateway in front of the built-in model, with something of everything in its ledger.
async fn busy() -> Gateway {
    let sandbox = Gateway::sandbox().await;
    let gateway = gateway(Gateway::with_plugins(plugins()).upstream(&sandbox)).await;
    for text in ["hello", "hello", &format!("I am {EMAIL}"), "call +1 202-555-0143", "a refund, please"] {
        gateway.ask(chat(text)).await;
    }
    let stream = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "tell me a story"}]});
    gateway.ask(stream).await;
    for step in 1..=3 {
        let body = json!({"model": "agent", "messages": [{"role": "user", "content": format!("step {step}")}]});
        gateway.ask(body).header("x-sluicegate-session", "run-1").await;
    }
    are_written(&gateway, 9).await;
    drop(sandbox);
    gateway
}

/// Wait until so many exchanges are written.
async fn are_written(gateway: &Gateway, count: u64) {
    gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().written >= count)).await;
}

fn page(gateway: &Gateway, path: &str) -> Call {
    gateway.admin("GET", &format!("/console{path}"))
}

/// The first link of a page to something below this path.
fn link(page: &Answer, below: &str) -> String {
    let link = Regex::new(&format!("href=\"(/console{}[^\"?]+[^\"]*)\"", regex::escape(below))).unwrap();
    let text = page.text();
    let found = link.captures(text).unwrap_or_else(|| panic!("no link to {below} in {text}"));
    found[1].replace("&amp;", "&")
}

fn form_token(page: &Answer) -> String {
    let field = Regex::new("name=\"token\" value=\"([^\"]+)\"").unwrap();
    field.captures(page.text()).expect("a form")[1].to_owned()
}

fn post(gateway: &Gateway, path: &str, form: &str) -> Call {
    gateway
        .admin("POST", &format!("/console{path}"))
        .body(form.as_bytes().to_vec())
        .header("content-type", "application/x-www-form-urlencoded")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_a_page_that_loads_nothing_from_elsewhere() {
    let gateway = busy().await;
    let elsewhere = Regex::new("(src|href|action)=\"(https?:)?//").unwrap();
    let asset = Regex::new("(?:src|href)=\"(/console/[0-9a-f]+\\.(?:js|css|svg))\"").unwrap();
    for part in PARTS {
        let page = page(&gateway, part).await;
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")), "{part}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = page.text();
        assert!(!elsewhere.is_match(text), "{part}: {text}");
        for inline in [" style=\"", " onclick=", "<style", "javascript:"] {
            assert!(!text.contains(inline), "{part}: {inline}");
        }
        for found in asset.captures_iter(text) {
            let asset = gateway.admin("GET", &found[1]).await;
            assert_eq!((asset.status, asset.header("x-content-type-options")), (200, Some("nosniff")), "{}", &found[1]);
            assert!(asset.header("cache-control").unwrap().contains("immutable"));
        }
    }
    for absent in ["/other", "/exchanges/0123", "/session?name=none", "/plugins/none", "/escalations/none"] {
        let page = page(&gateway, absent).await;
        assert_eq!((page.status, page.header("content-type")), (404, Some("text/html; charset=utf-8")), "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_says_where_it_went_wrong_what_took_the_time_and_what_it_cost() {
    let broken = Provider::saying(Reply::json("{}").status(503)).await;
    let provider = Provider::saying(Reply::json(completion("low tide"))).await;
    let prices = "targets.target-2.prices = { input = '1.00', output = '2.00' }";
    let setup = Gateway::with_plugins(plugins()).upstream(&broken).upstream(&provider).settings(prices);
    let gateway = gateway(setup).await;
    let id = gateway.ask(chat(&format!("I am {EMAIL}"))).await.header("x-sluicegate-exchange").unwrap().to_owned();
    are_written(&gateway, 1).await;
    let list = page(&gateway, "/exchanges").await;
    assert!(list.text().contains(&id), "{}", list.text());
    let page = page(&gateway, &format!("/exchanges/{id}")).await;
    let text = page.text();
    for said in [
        "The target <b>target-2</b> answered.",
        "The target <b>target-1</b> failed: 503.",
        "<a href=\"/console/plugins/pii\">pii</a> changed it.",
        "What took the time?",
        "The longest of it, ",
        "What did it cost?",
        "segment 0, bytes 5 to ",
        "I am [EMAIL]",
        "low tide",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains(EMAIL), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_what_is_listed() {
    let gateway = busy().await;
    let listed = async |query: &str| -> usize {
        let page = page(&gateway, &format!("/exchanges{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text());
        page.text().matches("<tr data-row>").count()
    };
    let all = listed("").await;
    assert_eq!(all, 9);
    for (query, count) in [
        ("?outcome=denied", 1),
        ("?outcome=unanswered", 1),
        ("?verdict=edit", 1),
        ("?cache=hit", 1),
        ("?session=run-1", 3),
        ("?model=agent", 3),
        ("?model=agent&outcome=denied", 0),
        ("?rule=email", 1),
        ("?plugin=pii", 2),
        ("?tenant=default", all),
        ("?tenant=other", 0),
        ("?since=1h", all),
        ("?until=1h", 0),
        ("?took=600000", 0),
        ("?outcome=&verdict=&model=", all),
    ] {
        assert_eq!(listed(query).await, count, "{query}");
    }
    for wrong in ["?since=soon", "?took=long", "?cost=much"] {
        assert_eq!(page(&gateway, &format!("/exchanges{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_looks_without_the_token_where_there_is_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a token of operators, long enough").unwrap();
    let sandbox = Gateway::sandbox().await;
    let token = format!("admin.token.file = '{}'", file.path().display());
    let setup = Gateway::with_plugins(plugins()).upstream(&sandbox).settings(&token);
    let gateway = gateway(setup).await;
    for part in PARTS {
        let page = page(&gateway, part).await;
        assert!(page.text().contains("type=\"password\""), "{part}: {}", page.text());
    }
    let enter = page(&gateway, "").await;
    let entered =
        async |secret: &str| post(&gateway, "/enter", &format!("token={}&secret={secret}", form_token(&enter))).await;
    let wrong = entered("another").await;
    assert!(wrong.status == 200 && wrong.text().contains("This is not the token."), "{}", wrong.text());
    assert_eq!(wrong.header("set-cookie"), None);
    let right = entered("a+token+of+operators%2C+long+enough").await;
    assert_eq!((right.status, right.header("location")), (303, Some("/console")));
    let cookie = right.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("operators"),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let inside = page(&gateway, "").header("cookie", &cookie).await;
    assert!(!inside.text().contains("type=\"password\"") && inside.text().contains("Leave"), "{}", inside.text());
    // The form of whoever was outside is not one of the session.
    let outside = post(&gateway, "/leave", &format!("token={}", form_token(&enter))).header("cookie", &cookie).await;
    assert_eq!(outside.status, 403);
    let leave = post(&gateway, "/leave", &format!("token={}", form_token(&inside))).header("cookie", &cookie).await;
    assert!(leave.header("set-cookie").unwrap().contains("Max-Age=0"), "{leave:?}");
    // Whoever has no session changes nothing, even with a form of the console.
    let without = post(&gateway, "/escalations/a/take", &format!("token={}&by=ann", form_token(&enter))).await;
    assert_eq!(without.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_pages_change_nothing() {
    let gateway = busy().await;
    let list = page(&gateway, "/escalations").await;
    let one = link(&list, "/escalations/");
    let path = one.strip_prefix("/console").unwrap();
    let shown = page(&gateway, path).await;
    let token = form_token(&shown);
    for (form, header) in [
        ("by=mallory&text=yes".to_owned(), ("x-none", "")),
        ("token=AAAA&by=mallory&text=yes".to_owned(), ("x-none", "")),
        (format!("token={token}&by=mallory&text=yes"), ("origin", "http://evil.example")),
        (format!("token={token}&by=mallory&text=yes"), ("sec-fetch-site", "cross-site")),
    ] {
        let refused = post(&gateway, &format!("{path}/answer"), &form).header(header.0, header.1).await;
        assert_eq!(refused.status, 403, "{form} {header:?}");
    }
    assert!(!page(&gateway, path).await.text().contains("Answered by"));
    let answered = post(&gateway, &format!("{path}/answer"), &format!("token={token}&by=ann&text=By+Friday.")).await;
    assert_eq!((answered.status, answered.header("location")), (303, Some(&*one)));
    let shown = page(&gateway, path).await;
    assert!(shown.text().contains("Answered by ann") && shown.text().contains("By Friday."), "{}", shown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_write_is_text_wherever_it_is_shown() {
    const MARKUP: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";
    let sandbox = Gateway::sandbox().await;
    let gateway = gateway(Gateway::with_plugins(plugins()).upstream(&sandbox)).await;
    let call = json!([{"id": MARKUP, "type": "function", "function": {"name": MARKUP, "arguments": MARKUP}}]);
    let body = json!({"model": MARKUP, "user": MARKUP, "metadata": {MARKUP: MARKUP}, MARKUP: MARKUP,
        "messages": [
            {"role": "user", "content": format!("say {MARKUP}"), "name": MARKUP},
            {"role": "assistant", "content": MARKUP, "tool_calls": call},
            {"role": "tool", "tool_call_id": MARKUP, "content": MARKUP},
            {"role": "user", "content": format!("a refund, please {MARKUP}")},
        ],
        "tools": [{"type": "function", "function": {"name": MARKUP, "description": MARKUP, "parameters": {}}}]});
    let session = "<script>alert(3)</script>";
    let asked = gateway.ask(body.clone()).header("x-sluicegate-session", session).await;
    let id = asked.header("x-sluicegate-exchange").unwrap().to_owned();
    let talk = json!({"model": "<b>m</b>", "messages": [{"role": "user", "content": MARKUP}]});
    gateway.ask(talk).header("x-sluicegate-session", session).await;
    let opinion = json!({"exchange": id, "thumbs": "down", "comment": MARKUP, "corrected": MARKUP, "id": "<script>alert(7)</script>"});
    let given = gateway.call("POST", "/v1/feedback").body(opinion).await;
    assert_eq!(given.status, 200, "{}", given.text());
    are_written(&gateway, 2).await;
    let escalations = page(&gateway, "/escalations").await;
    let mut pages = vec![format!("/exchanges/{id}"), "/sessions?all=1".to_owned()];
    pages.push(link(&page(&gateway, "/sessions?all=1").await, "/session?name=").replacen("/console", "", 1));
    pages.extend(PARTS.map(str::to_owned));
    if asked.header("x-sluicegate-escalation").is_some() {
        pages.push(link(&escalations, "/escalations/").replacen("/console", "", 1));
    }
    let query = "?tenant=%3Cscript%3Ealert(4)%3C/script%3E&model=%22%3E%3Cimg%20src=x%20onerror=alert(5)%3E";
    pages.push(format!("/exchanges{query}"));
    pages.push(query.to_owned());
    pages.push("/exchanges/%3Cscript%3Ealert(6)%3C%2Fscript%3E".to_owned());
    for path in pages {
        let text = page(&gateway, &path).await.text().to_owned();
        for markup in ["<script>alert", "<img", "onerror=alert(1)>\"", "<b>m</b>"] {
            assert!(!text.contains(markup), "{path}: {markup}\n{text}");
        }
    }
    let shown = page(&gateway, &format!("/exchanges/{id}")).await;
    assert!(shown.text().contains("&lt;script&gt;alert(2)"), "it is shown all the same: {}", shown.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_think_of_an_answer_is_shown_with_it_and_said_there() {
    let sandbox = Gateway::sandbox().await;
    let gateway = gateway(Gateway::with_plugins(plugins()).upstream(&sandbox)).await;
    let step = gateway.ask(chat("step 3")).header("x-sluicegate-session", "run-1").await;
    entry(&gateway, step.header("x-sluicegate-exchange")).await;
    for _ in 0..2 {
        let body = json!({"model": "m", "user": "u-1", "messages": [{"role": "user", "content": "how high?"}]});
        let asked = gateway.ask(body).header("cache-control", "no-cache").await;
        entry(&gateway, asked.header("x-sluicegate-exchange")).await;
    }
    let one = link(&page(&gateway, "/exchanges?session=run-1").await, "/exchanges/");
    let path = one.strip_prefix("/console").unwrap();
    let shown = page(&gateway, path).await;
    assert!(shown.text().contains("Nobody has said what they think of it."), "{}", shown.text());
    let form =
        |fields: &str| post(&gateway, &format!("{path}/feedback"), &format!("token={}&{fields}", form_token(&shown)));
    assert_eq!(form("thumbs=&comment=+&by=ann").await.status, 400, "nothing is said");
    assert_eq!(form(&format!("thumbs=up&by={}", "x".repeat(129))).await.status, 400);
    assert_eq!(post(&gateway, &format!("{path}/feedback"), "thumbs=up").await.status, 403);
    let nowhere = post(&gateway, "/exchanges/none/feedback", &format!("token={}&thumbs=up", form_token(&shown))).await;
    assert_eq!(nowhere.status, 404);
    let said = form("thumbs=down&comment=too+short&corrected=Step+3+is+done.&by=ann").await;
    assert_eq!((said.status, said.header("location")), (303, Some(&*format!("{one}#feedback"))));
    let said = page(&gateway, path).await;
    for words in ["ann, here", ">bad<", ">corrected<", "too short", "Step 3 is done."] {
        assert!(said.text().contains(words), "{words}: {}", said.text());
    }
    let all = page(&gateway, "/feedback").await;
    for words in ["too short", ">asked again<", "of 1 scores in 7 days", &one] {
        assert!(all.text().contains(words), "{words}: {}", all.text());
    }
    let noticed = page(&gateway, "/feedback?show=noticed").await;
    assert!(noticed.text().contains(">asked again<") && !noticed.text().contains("too short"), "{}", noticed.text());
    let session = page(&gateway, "/session?name=run-1").await;
    assert!(session.text().contains("too short"), "it was a step of it: {}", session.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keys_and_tenants_have_taken_stands_against_their_limits() {
    let limits = "tenants.default.limits.requests_per_day = 10\ntenants.default.budget.total = '5.00'";
    let sandbox = Gateway::sandbox().await;
    let prices = "targets.target-1.prices = { input = '1.00', output = '2.00' }";
    let setup = Gateway::without_plugins().upstream(&sandbox).settings(limits).settings(prices);
    let gateway = gateway(setup).await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(chat("hello")).await.status, 200);
    }
    let text = page(&gateway, "/keys").await.text().to_owned();
    assert!(text.contains("requests per day</span> 3 of 10 (30 %)"), "{text}");
    assert!(text.contains("money in all</span> $0.0000") && text.contains(" of $5.00"), "{text}");
    gateway.new_key(key_of("blue")).await;
    let text = page(&gateway, "/keys").await.text().to_owned();
    assert!(text.contains("no bound") && text.contains(">valid<"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_plugin_is_not_in_service_is_said_on_each_page() {
    let gateway = busy().await;
    std::fs::write(gateway.directory().join("broken.wasm"), "no component").unwrap();
    gateway.until(|host| !host.broken().is_empty()).await;
    assert!(page(&gateway, "").await.text().contains("Not in service as they lie in the plugin directory: broken"));
    let plugins = page(&gateway, "/plugins").await;
    assert!(plugins.text().contains("not loaded") && plugins.text().contains("in force"), "{}", plugins.text());
    let pii = page(&gateway, "/plugins/pii").await;
    for said in ["SHA-256", "forked from a snapshot", "Fuel of a call", "the exchange is refused"] {
        assert!(pii.text().contains(said), "{said}: {}", pii.text());
    }
}

/// Whether the part that a page belongs to is among those of the menu that are in sight.
const SHOWS_WHERE_IT_IS: &str = "const at = document.querySelector('nav a[aria-current]').getBoundingClientRect(); \
                                 return at.left >= 0 && at.right <= innerWidth";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_finds_nothing_to_complain_of() {
    let gateway = busy().await;
    let exchange = link(&page(&gateway, "/exchanges?verdict=edit").await, "/exchanges/");
    let session = link(&page(&gateway, "/sessions").await, "/session?name=");
    let escalation = link(&page(&gateway, "/escalations").await, "/escalations/");
    for (score, comment) in [(1, "just right"), (0, "not what I asked")] {
        let opinion = json!({"exchange": exchange.rsplit('/').next(), "score": score, "comment": comment});
        assert_eq!(gateway.call("POST", "/v1/feedback").body(opinion).await.status, 200);
    }
    let pages = [
        ("overview", "/console".to_owned()),
        ("exchanges", "/console/exchanges".to_owned()),
        ("exchange", exchange),
        ("sessions", "/console/sessions".to_owned()),
        ("session", session),
        ("plugins", "/console/plugins".to_owned()),
        ("plugin", "/console/plugins/pii".to_owned()),
        ("escalations", "/console/escalations".to_owned()),
        ("escalation", escalation),
        ("feedback", "/console/feedback".to_owned()),
        ("keys", "/console/keys".to_owned()),
    ];
    for (theme, size, kind) in
        [(Theme::Light, DESK, "light"), (Theme::Dark, DESK, "dark"), (Theme::Light, PHONE, "phone")]
    {
        let browser = Browser::start(theme, size).await;
        for (name, path) in &pages {
            browser.go(&format!("http://{}{path}", gateway.admin_address())).await;
            assert!(browser.text().await.contains("Sluicegate"));
            assert_eq!(browser.complaints().await, [] as [String; 0], "{kind} {name}");
            assert!(!browser.is_too_wide().await, "{kind} {name}");
            assert_eq!(browser.script(SHOWS_WHERE_IT_IS).await, json!(true), "{kind} {name}");
            browser.keep_picture(&format!("{kind}-{name}")).await;
        }
        let colour = browser.script("return getComputedStyle(document.body).backgroundColor").await;
        assert_eq!(colour, json!(if kind == "dark" { "rgb(19, 21, 23)" } else { "rgb(251, 251, 250)" }));
        browser.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_filters_follows_keys_and_answers() {
    let gateway = busy().await;
    let browser = Browser::start(Theme::Light, DESK).await;
    let console = format!("http://{}/console", gateway.admin_address());
    // Three clicks from the overview to what went wrong.
    browser.go(&console).await;
    browser.click("nav a[href='/console/exchanges']").await;
    browser.click("select[name=outcome] option[value=denied]").await;
    browser.click("form.filter button.main").await;
    browser.until("option[value=denied][selected]").await;
    assert_eq!(browser.count("tr[data-row]").await, 1);
    browser.click("tr[data-row] a[data-open]").await;
    browser.until(".answers").await;
    assert!(browser.text().await.contains("The guardrail pii refused it"), "{}", browser.text().await);
    // A step opens to its receipt.
    assert!(!browser.text().await.contains("fuel"));
    browser.click(".step summary").await;
    assert!(browser.text().await.contains("fuel"), "{}", browser.text().await);

    // By keys alone: to the exchanges, down to the first, and into it.
    browser.press("ge").await;
    browser.until("[data-search]").await;
    browser.press("j").await;
    browser.press(ENTER).await;
    browser.until(".answers").await;

    browser.go(&format!("{console}/escalations")).await;
    browser.click("tr[data-row] a").await;
    browser.write("input[name=by]", "ann").await;
    browser.write("textarea", "You have it <b>back</b> by Friday.").await;
    browser.click("form.card button.main").await;
    browser.until(".turn.assistant").await;
    let text = browser.text().await;
    assert!(text.contains("Answered by ann") && text.contains("You have it <b>back</b> by Friday."), "{text}");
    assert_eq!(browser.complaints().await, [] as [String; 0]);

    // What one thinks of an answer.
    browser.press("ge").await;
    browser.until("[data-search]").await;
    browser.click("tr[data-row] a[data-open]").await;
    browser.until("#feedback").await;
    browser.click("#feedback summary").await;
    browser.write("#feedback textarea[name=comment]", "Not what was <i>asked</i>.").await;
    browser.click("#feedback input[value=down]").await;
    browser.click("#feedback button.main").await;
    browser.until("#feedback .badge.bad").await;
    browser.press("gf").await;
    browser.until("main .badge.bad").await;
    assert!(browser.text().await.contains("Not what was <i>asked</i>."), "{}", browser.text().await);
    assert_eq!(browser.complaints().await, [] as [String; 0]);

    // The theme that one wants is kept.
    browser.click("button[value=dark]").await;
    browser.until("html[data-theme=dark]").await;
    browser.go(&console).await;
    browser.until("html[data-theme=dark]").await;
    browser.end().await;
}
