//! What is found and what is not.

use super::{aws_access_key, block, jwt, masked, random};

fn all_stay(texts: &[String]) {
    for text in texts {
        assert_eq!(masked(text), *text);
    }
}

#[test]
fn tokens_with_a_prefix() {
    for (prefix, length, name) in [
        ("sk-", 48, "OPENAI_KEY"),
        ("sk-proj-", 156, "OPENAI_KEY"),
        ("sk-ant-api03-", 95, "ANTHROPIC_KEY"),
        ("sk-or-v1-", 64, "OPENROUTER_KEY"),
        ("AIza", 35, "GOOGLE_KEY"),
        ("gsk_", 52, "GROQ_KEY"),
        ("xai-", 80, "XAI_KEY"),
        ("hf_", 34, "HUGGINGFACE_TOKEN"),
        ("r8_", 37, "REPLICATE_TOKEN"),
        ("pplx-", 48, "PERPLEXITY_KEY"),
        ("ghp_", 36, "GITHUB_TOKEN"),
        ("ghs_", 36, "GITHUB_TOKEN"),
        ("github_pat_", 82, "GITHUB_TOKEN"),
        ("glpat-", 20, "GITLAB_TOKEN"),
        ("npm_", 36, "NPM_TOKEN"),
        ("pypi-AgEIcHlwaS5vcmc", 160, "PYPI_TOKEN"),
        ("xoxb-123456789012-", 24, "SLACK_TOKEN"),
        ("xapp-1-A0123-", 64, "SLACK_TOKEN"),
        ("sk_live_", 24, "STRIPE_KEY"),
        ("whsec_", 32, "STRIPE_KEY"),
    ] {
        let token = format!("{prefix}{}", random(length));
        assert_eq!(masked(&format!("Use {token}.")), format!("Use [{name}]."), "{prefix}");
        assert_eq!(masked(&format!("https://x.example/?k={token}&a")), format!("https://x.example/?k=[{name}]&a"));
        all_stay(&[format!("x{token}")]);
    }
    assert_eq!(masked(&format!("({})", aws_access_key())), "([AWS_ACCESS_KEY])");
    assert_eq!(masked(&format!("SG.{}.{}", random(22), random(43))), "[SENDGRID_KEY]");
    let webhook = format!("https://hooks.slack.com/services/T0AB1CD2E/B0AB1CD2E/{}", random(24));
    assert_eq!(masked(&webhook), "https://[SLACK_WEBHOOK]");
}

#[test]
fn what_only_has_the_prefix() {
    all_stay(&[
        "sk-learn and sk-ip-this-chapter-because-it-is-rather-long".into(),
        format!("sk-{}", "x".repeat(48)),
        "sk-ant-your-anthropic-api-key-goes-right-here-please".into(),
        "sk-proj-...".into(),
        "npm_config_registry hf_hub_download gsk_".into(),
        "AKIA and ASIA".into(),
        format!("{}Q", aws_access_key()),
        "xoxb-your-token-here".into(),
        "https://hooks.slack.com/".into(),
    ]);
}

#[test]
fn json_web_tokens() {
    assert_eq!(masked(&format!("Bearer {}, then", jwt(80))), "Bearer [JWT], then");
    let encrypted = format!("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..{}.{}.{}", random(16), random(60), random(22));
    assert_eq!(masked(&encrypted), "[JWT]");
    assert_eq!(masked(&jwt(3000)), "[JWT]");
    assert!(masked(&jwt(5000)).starts_with("[JWT]"));
    all_stay(&[
        "eyJ is how they begin".into(),
        "eyJ0eXAiOiJKV1QifQ.eyJh.abc".into(),
        jwt(20).rsplit_once('.').unwrap().0.to_owned(),
    ]);
}

#[test]
fn private_keys() {
    for label in
        ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
    {
        for line_end in ["\n", "\r\n", "\\n", "\\\\n", " ", "\" +\n    \"", "\n> "] {
            let text = format!("a {} b", block(label, 20, line_end));
            assert_eq!(masked(&text), "a [PRIVATE_KEY] b", "{label} {line_end:?}");
        }
    }
    assert_eq!(masked(&block("PRIVATE KEY", 50, "\n")), "[PRIVATE_KEY]");
}

#[test]
fn private_keys_with_headers_or_without_an_end() {
    let block = block("RSA PRIVATE KEY", 5, "\n");
    let headers = "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n";
    assert_eq!(masked(&block.replacen("-----\n", headers, 1)), "[PRIVATE_KEY]");
    assert_eq!(masked(&block[..200]), "[PRIVATE_KEY]");
    let torn = block.replace("-----END RSA PRIVATE KEY-----", "and so on");
    assert!(masked(&torn).starts_with("[PRIVATE_KEY]\n"));
}

#[test]
fn what_only_speaks_of_private_keys() {
    all_stay(&[
        "if line.startswith(\"-----BEGIN PRIVATE KEY-----\"): return key_of_the_following_lines".into(),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".into(),
        block("CERTIFICATE", 20, "\n"),
        block("PUBLIC KEY", 5, "\n"),
        "----------------".into(),
    ]);
}

#[test]
fn passwords_in_connection_strings() {
    for (text, expected) in [
        ("postgres://app:hunter2@db.example/x", "postgres://app:[CONNECTION_STRING]@db.example/x"),
        ("redis://:s3cr3t!@[::1]:6379", "redis://:[CONNECTION_STRING]@[::1]:6379"),
        ("mongodb+srv://u:p@ss@cluster0", "mongodb+srv://u:[CONNECTION_STRING]@cluster0"),
        (
            "Server=db;User Id=sa;Password=Aa1!x;Encrypt=1",
            "Server=db;User Id=sa;Password=[CONNECTION_STRING];Encrypt=1",
        ),
        ("Server=db;Pwd=Aa1!x", "Server=db;Pwd=[CONNECTION_STRING]"),
    ] {
        assert_eq!(masked(text), expected);
    }
    let token = format!("ghp_{}", random(36));
    assert_eq!(masked(&format!("https://x:{token}@github.com")), "https://x:[GITHUB_TOKEN]@github.com");
    all_stay(&[
        "http://localhost:8080/@x".into(),
        "postgres://app:${DB_PASSWORD}@db".into(),
        "postgres://user:password@localhost/x".into(),
        "postgres://app@db".into(),
        "at 10:30@home".into(),
        "Server=db;Password=***;".into(),
    ]);
}

#[test]
fn values_with_a_telling_name() {
    let (forty, key) = (random(40), random(32));
    for (text, expected) in [
        (format!("aws_secret_access_key = {forty}"), "aws_secret_access_key = [AWS_SECRET_KEY]"),
        (format!("AWS_SECRET_ACCESS_KEY=\"{forty}\""), "AWS_SECRET_ACCESS_KEY=\"[AWS_SECRET_KEY]\""),
        (format!("\"SecretAccessKey\": \"{forty}\""), "\"SecretAccessKey\": \"[AWS_SECRET_KEY]\""),
        (format!("AccountName=a;AccountKey={}==;", random(86)), "AccountName=a;AccountKey=[AZURE_KEY];"),
        (format!("MISTRAL_API_KEY={key}"), "MISTRAL_API_KEY=[ASSIGNED_KEY]"),
        (format!("api_key: '{key}',"), "api_key: '[ASSIGNED_KEY]',"),
        (format!(r#"{{\"token\": \"{key}\"}}"#), r#"{\"token\": \"[ASSIGNED_KEY]\"}"#),
        (format!("Authorization: Bearer {key}"), "Authorization: Bearer [ASSIGNED_KEY]"),
        ("password = \"hunter2!\"".into(), "password = \"[ASSIGNED_KEY]\""),
        ("DB_PASSWORD=hunter2!".into(), "DB_PASSWORD=[ASSIGNED_KEY]"),
    ] {
        assert_eq!(masked(&text), expected);
    }
    all_stay(&[
        "max_token = 4096, key: value".into(),
        "password = get_password()".into(),
        "password: \"required\"".into(),
        "PASSWORD=$OTHER".into(),
        "the key to success is patience".into(),
        "api_key = os.environ[\"OPENAI_API_KEY\"]".into(),
        "token == \"abcdefghijklmnopqrstuvwxyz0123456789\"".into(),
        "commit 0123456789abcdef0123456789abcdef01234567".into(),
        format!("aws_secret_access_key = {}", random(12)),
    ]);
}
