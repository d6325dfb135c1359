//! What is found.

use sluicegate_plugin::scan;

/// The rules, strongest first: what a match says of itself beats what stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A private key that is too long to be held back as a whole.
    PrivateKeyTooLong,
    PrivateKey,
    OpenAi,
    Anthropic,
    Google,
    Groq,
    Xai,
    HuggingFace,
    OpenRouter,
    Replicate,
    Perplexity,
    AwsAccess,
    AwsSecret,
    Azure,
    GitHub,
    GitLab,
    Npm,
    PyPi,
    Slack,
    SlackWebhook,
    SendGrid,
    Stripe,
    Jwt,
    ConnectionString,
    Assigned,
}

/// What the operator sets together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AiKey,
    CloudKey,
    RepositoryToken,
    MessagingToken,
    PaymentKey,
    Jwt,
    PrivateKey,
    ConnectionString,
    AssignedKey,
}

impl Rule {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::PrivateKeyTooLong | Self::PrivateKey => Kind::PrivateKey,
            Self::OpenAi
            | Self::Anthropic
            | Self::Groq
            | Self::Xai
            | Self::HuggingFace
            | Self::OpenRouter
            | Self::Replicate
            | Self::Perplexity => Kind::AiKey,
            Self::Google | Self::AwsAccess | Self::AwsSecret | Self::Azure => Kind::CloudKey,
            Self::GitHub | Self::GitLab | Self::Npm | Self::PyPi => Kind::RepositoryToken,
            Self::Slack | Self::SlackWebhook | Self::SendGrid => Kind::MessagingToken,
            Self::Stripe => Kind::PaymentKey,
            Self::Jwt => Kind::Jwt,
            Self::ConnectionString => Kind::ConnectionString,
            Self::Assigned => Kind::AssignedKey,
        }
    }
}

impl scan::Rule for Rule {
    fn name(self) -> &'static str {
        match self {
            Self::PrivateKeyTooLong | Self::PrivateKey => "private-key",
            Self::OpenAi => "openai-key",
            Self::Anthropic => "anthropic-key",
            Self::Google => "google-key",
            Self::Groq => "groq-key",
            Self::Xai => "xai-key",
            Self::HuggingFace => "huggingface-token",
            Self::OpenRouter => "openrouter-key",
            Self::Replicate => "replicate-token",
            Self::Perplexity => "perplexity-key",
            Self::AwsAccess => "aws-access-key",
            Self::AwsSecret => "aws-secret-key",
            Self::Azure => "azure-key",
            Self::GitHub => "github-token",
            Self::GitLab => "gitlab-token",
            Self::Npm => "npm-token",
            Self::PyPi => "pypi-token",
            Self::Slack => "slack-token",
            Self::SlackWebhook => "slack-webhook",
            Self::SendGrid => "sendgrid-key",
            Self::Stripe => "stripe-key",
            Self::Jwt => "jwt",
            Self::ConnectionString => "connection-string",
            Self::Assigned => "assigned-key",
        }
    }

    fn words(self) -> &'static str {
        if self == Self::PrivateKeyTooLong {
            return "a private key that is too long to be masked";
        }
        match self.kind() {
            Kind::AiKey => "a key for a model provider",
            Kind::CloudKey => "a key for a cloud",
            Kind::RepositoryToken => "a token for a code or package host",
            Kind::MessagingToken => "a credential for a messaging service",
            Kind::PaymentKey => "a key for a payment service",
            Kind::Jwt => "a JSON web token",
            Kind::PrivateKey => "a private key",
            Kind::ConnectionString => "a password in a connection string",
            Kind::AssignedKey => "a key or a password",
        }
    }
}
