//! The port for operators.

use serde_json::json;
use sluicegate_tests::{Gateway, Provider, Reply, chat, completion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn gateway(settings: &str) -> Gateway {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let listen = "admin.listen = '127.0.0.1:0'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(listen).settings(settings).start().await;
    // Nobody asks it: these are about keys.
    drop(provider);
    gateway
}

/// A gateway whose admin port asks for this token, which is in a file.
async fn with_token(token: &str) -> Gateway {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token).unwrap();
    gateway(&format!("admin.token.file = '{}'", file.path().display())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_on_the_public_port() {
    let gateway = gateway("").await;
    for path in ["/healthz", "/readyz", "/api/keys"] {
        assert_eq!(gateway.call("GET", path).await.status, 404, "{path}");
        assert_eq!(gateway.admin("GET", path).await.status, 200, "{path}");
    }
    for path in ["/v1/models", "/", "/api", "/api/", "/api/other", "/healthz/", "/api/keys/x"] {
        assert_eq!(gateway.admin("GET", path).await.status, 404, "{path}");
    }
    assert_eq!(gateway.admin("POST", "/v1/chat/completions").body(chat("x")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lives_and_ends() {
    let gateway = gateway("").await;
    assert_eq!(gateway.admin("GET", "/api/keys").await.json(), json!({"keys": []}));
    let body = json!({
        "name": "search", "tenant": "blue", "models": ["small"], "tags": ["team=search"], "expires": "90d",
        "limits": {"requests_per_minute": 60}, "budget": {"month": "12.50"},
    });
    let made = gateway.admin("POST", "/api/keys").body(body).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")));
    let made = made.json();
    let (secret, id) = (made["secret"].as_str().unwrap().to_owned(), made["key"]["id"].as_str().unwrap().to_owned());
    assert!(secret.starts_with(&format!("sg-{id}-")));
    let models = |key: &str| gateway.call("GET", "/v1/models").header("x-api-key", key);
    // At once, without a wait.
    assert_eq!(models(&secret).await.status, 200);
    assert_eq!(models("sg-other").await.status, 401);

    let listed = gateway.admin("GET", "/api/keys").await;
    assert!(!listed.text().contains(&secret[14..]));
    let key = &listed.json()["keys"][0];
    for (field, value) in [
        ("id", json!(id)),
        ("name", json!("search")),
        ("tenant", json!("blue")),
        ("state", json!("valid")),
        ("models", json!(["small"])),
        ("tags", json!(["team=search"])),
        ("limits", json!({"requests_per_minute": 60})),
        ("budget", json!({"month": "12.5"})),
        ("rotated", json!(null)),
        ("revoked", json!(null)),
    ] {
        assert_eq!(key[field], value, "{field}");
    }

    let rotated = gateway.admin("POST", &format!("/api/keys/{id}/rotate")).body(json!({"grace": "1h"})).await.json();
    let newer = rotated["secret"].as_str().unwrap().to_owned();
    assert!(rotated["key"]["older_secret_until"].is_string());
    assert_eq!((models(&secret).await.status, models(&newer).await.status), (200, 200));

    let revoked = gateway.admin("POST", &format!("/api/keys/{id}/revoke")).await;
    assert_eq!((revoked.status, revoked.json()["key"]["state"].as_str()), (200, Some("revoked")));
    assert_eq!((models(&secret).await.status, models(&newer).await.status), (401, 401));
    let late = gateway.admin("POST", &format!("/api/keys/{id}/rotate")).await;
    assert_eq!((late.status, late.code().as_str()), (409, "key_revoked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_and_make_no_key() {
    let gateway = gateway("").await;
    for (body, field) in [
        (json!({}), None),
        (json!([]), None),
        (json!({"name": "a", "model": "x"}), None),
        (json!({"name": ""}), Some("name")),
        (json!({"name": "a", "tenant": "\u{7}"}), Some("tenant")),
        (json!({"name": "a", "models": []}), Some("models")),
        (json!({"name": "a", "expires": "tomorrow"}), Some("expires")),
        (json!({"name": "a", "expires": "1970-01-02T00:00:00Z"}), Some("expires")),
        (json!({"name": "a", "budget": {"day": "-1"}}), Some("budget.day")),
        (json!({"name": "a", "limits": {"requests_per_minute": -1}}), None),
    ] {
        let answer = gateway.admin("POST", "/api/keys").body(body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{body}");
        assert_eq!(answer.error()["field"].as_str(), field, "{body}: {}", answer.text());
    }
    let status = |method: &str, path: &str| gateway.admin(method, path);
    assert_eq!(status("POST", "/api/keys/nobody/rotate").await.code(), "key_not_found");
    assert_eq!(status("POST", "/api/keys/nobody/revoke").await.code(), "key_not_found");
    assert_eq!(status("DELETE", "/api/keys").await.status, 405);
    assert_eq!(status("GET", "/api/keys/nobody/rotate").await.status, 405);
    assert_eq!(status("POST", "/healthz").await.status, 405);
    let form = gateway.admin("POST", "/api/keys").body("{\"name\":\"a\"}").header("content-type", "text/plain");
    assert_eq!(form.await.code(), "not_json");
    assert_eq!(gateway.admin("GET", "/api/keys").await.json(), json!({"keys": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_a_bound() {
    let gateway = gateway("").await;
    let body = |bytes: usize| format!("{{\"name\":\"a\"{}}}", " ".repeat(bytes - 12));
    assert_eq!(gateway.admin("POST", "/api/keys").body(body(256 << 10)).await.status, 201);
    let answer = gateway.admin("POST", "/api/keys").body(body((256 << 10) + 1)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
}

/// RFC 9110: `HEAD` is `GET` without the content, and who comes with another method is told which there are.
#[tokio::test(flavor = "multi_thread")]
async fn a_method_is_answered_or_told_which_there_are() {
    let gateway = gateway("").await;
    for path in ["/healthz", "/readyz", "/metrics", "/console/plugins", "/api/keys"] {
        let head = gateway.admin("HEAD", path).await;
        assert_eq!((head.status, head.text()), (200, ""), "{path}");
    }
    for (path, allowed) in [
        ("/healthz", "GET, HEAD"),
        ("/console", "GET, HEAD, POST"),
        ("/api/keys", "GET, HEAD, POST"),
        ("/api/keys/k/rotate", "POST"),
        ("/api/cache/purge", "POST"),
        ("/api/escalations", "GET, HEAD"),
    ] {
        let refused = gateway.admin("PUT", path).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allowed)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_asked_for_where_there_is_one() {
    let token = "0123456789abcdef0123456789abcdef";
    let gateway = with_token(token).await;
    // Whoever only looks whether it lives needs none.
    assert_eq!(gateway.admin("GET", "/healthz").await.status, 200);
    assert_eq!(gateway.admin("GET", "/readyz").await.status, 200);
    for path in ["/api/keys", "/api/other", "/api"] {
        let refused = gateway.admin("GET", path).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"), "{path}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    for wrong in ["Bearer 0123456789abcdef0123456789abcde", "Bearer", token, "Basic 0123456789abcdef0123456789abcdef"] {
        assert_eq!(gateway.admin("GET", "/api/keys").header("authorization", wrong).await.status, 401, "{wrong}");
    }
    let with = gateway.admin("GET", "/api/keys").header("authorization", &format!("Bearer {token}")).await;
    assert_eq!(with.status, 200);
    assert!(!format!("{:?}", gateway.host).contains(token));
}

/// What the admin port answers to a GET with these headers.
async fn get(gateway: &Gateway, headers: &str) -> String {
    let mut stream = TcpStream::connect(gateway.admin_address()).await.unwrap();
    let request = format!("GET /api/keys HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    said.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_gets_nothing() {
    let gateway = gateway("").await;
    for (headers, status) in [
        ("host: localhost\r\n", "200"),
        ("host: 127.0.0.1:8081\r\n", "200"),
        ("host: localhost\r\norigin: http://localhost\r\n", "200"),
        ("host: rebound.example\r\n", "403"),
        ("host: rebound.example:8081\r\norigin: http://rebound.example:8081\r\n", "403"),
        ("host: localhost\r\norigin: http://evil.example\r\n", "403"),
        ("host: localhost\r\norigin: null\r\n", "403"),
        ("host: localhost\r\nsec-fetch-site: cross-site\r\n", "403"),
        ("host: localhost\r\nhost: evil.example\r\n", "40"),
        ("", "40"),
    ] {
        let said = get(&gateway, headers).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{headers:?}: {said}");
    }
    // A form of another site, as a browser sends it.
    let form = gateway.admin("POST", "/api/keys").body("{\"name\":\"a\"}").header("origin", "http://evil.example");
    assert_eq!(form.await.code(), "forbidden");
    assert_eq!(gateway.admin("GET", "/api/keys").await.json(), json!({"keys": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_with_the_gateway() {
    let mut gateway = gateway("").await;
    assert_eq!(gateway.admin("GET", "/healthz").await.text(), "ok\n");
    assert!(gateway.stop().await);
    gateway.admin_has_stopped().await;
    assert!(TcpStream::connect(gateway.admin_address()).await.is_err());
}
