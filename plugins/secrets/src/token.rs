//! Tokens that their issuer marked with a prefix, so that they can be found.

use sluicegate_plugin::scan::{Match, Reader, is_word};

use crate::rule::Rule;
use crate::shape::is_random;

/// What a token looks like behind its prefix: the documentation of its issuer, or, where that is silent, the rules
/// of GitHub's secret scanning and of gitleaks.
struct Form {
    prefix: &'static str,
    rule: Rule,
    alphabet: fn(u8) -> bool,
    least: usize,
    most: usize,
}

const fn form(prefix: &'static str, rule: Rule, alphabet: fn(u8) -> bool, least: usize, most: usize) -> Form {
    Form { prefix, rule, alphabet, least, most }
}

#[rustfmt::skip]
const FORMS: [Form; 41] = [
    form("sk-ant-", Rule::Anthropic, word, 32, 160),
    form("sk-proj-", Rule::OpenAi, word, 32, 220),
    form("sk-svcacct-", Rule::OpenAi, word, 32, 220),
    form("sk-admin-", Rule::OpenAi, word, 32, 220),
    form("sk-or-v1-", Rule::OpenRouter, alphanumeric, 48, 80),
    // OpenAI's first form; DeepSeek's too.
    form("sk-", Rule::OpenAi, alphanumeric, 32, 64),
    form("AIza", Rule::Google, word, 35, 35),
    form("gsk_", Rule::Groq, alphanumeric, 40, 64),
    form("xai-", Rule::Xai, alphanumeric, 60, 100),
    form("hf_", Rule::HuggingFace, alphanumeric, 30, 40),
    form("r8_", Rule::Replicate, alphanumeric, 37, 40),
    form("pplx-", Rule::Perplexity, alphanumeric, 40, 64),
    form("AKIA", Rule::AwsAccess, capital, 16, 16),
    form("ASIA", Rule::AwsAccess, capital, 16, 16),
    form("ghp_", Rule::GitHub, alphanumeric, 36, 251),
    form("gho_", Rule::GitHub, alphanumeric, 36, 251),
    form("ghu_", Rule::GitHub, alphanumeric, 36, 251),
    form("ghs_", Rule::GitHub, alphanumeric, 36, 251),
    form("ghr_", Rule::GitHub, alphanumeric, 36, 251),
    form("github_pat_", Rule::GitHub, word, 60, 100),
    form("glpat-", Rule::GitLab, dotted, 20, 300),
    form("gldt-", Rule::GitLab, dotted, 20, 300),
    form("glrt-", Rule::GitLab, dotted, 20, 300),
    form("glptt-", Rule::GitLab, dotted, 20, 300),
    form("npm_", Rule::Npm, alphanumeric, 36, 36),
    form("pypi-AgE", Rule::PyPi, word, 50, 400),
    form("xoxa-", Rule::Slack, word, 10, 255),
    form("xoxb-", Rule::Slack, word, 10, 255),
    form("xoxe-", Rule::Slack, word, 10, 255),
    form("xoxe.", Rule::Slack, dotted, 10, 255),
    form("xoxp-", Rule::Slack, word, 10, 255),
    form("xoxr-", Rule::Slack, word, 10, 255),
    form("xoxs-", Rule::Slack, word, 10, 255),
    form("xapp-", Rule::Slack, word, 10, 255),
    form("hooks.slack.com/", Rule::SlackWebhook, path, 24, 120),
    form("SG.", Rule::SendGrid, dotted, 66, 66),
    form("sk_live_", Rule::Stripe, alphanumeric, 16, 247),
    form("sk_test_", Rule::Stripe, alphanumeric, 16, 247),
    form("rk_live_", Rule::Stripe, alphanumeric, 16, 247),
    form("rk_test_", Rule::Stripe, alphanumeric, 16, 247),
    form("whsec_", Rule::Stripe, base64, 24, 64),
];

/// What finds the prefixes.
pub(crate) fn pattern() -> String {
    FORMS.map(|form| form.prefix.replace('.', r"\.")).join("|")
}

/// The token at the reader's place.
pub(crate) fn find(reader: &Reader<'_>) -> Option<Match<Rule>> {
    let start = reader.start();
    let begins = reader.is(start, |byte| FORMS.iter().any(|form| form.prefix.as_bytes().first() == Some(&byte)));
    if !begins || reader.word_before(start) {
        return None;
    }
    let end = FORMS.iter().find_map(|form| Some((form.rule, end(reader, form)?)));
    end.map(|(rule, end)| Match { rule, end, score: 0.95 })
}

fn end(reader: &Reader<'_>, form: &Form) -> Option<usize> {
    let start = reader.start() + form.prefix.len();
    if !reader.has(reader.start(), form.prefix.as_bytes()) {
        return None;
    }
    let mut end = reader.run(start, form.most + 1, form.alphabet);
    // A full stop at the end is the sentence's.
    while end > start && matches!(reader.before(end), Some(b'.' | b'/')) {
        end -= 1;
    }
    ((form.least..=form.most).contains(&(end - start)) && is_random(reader.slice(start, end))).then_some(end)
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn word(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

fn dotted(byte: u8) -> bool {
    word(byte) || byte == b'.'
}

fn path(byte: u8) -> bool {
    word(byte) || byte == b'/'
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
