//! The gateway as callers, providers and operators see it: over real sockets, with real components.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod admin;
mod answers;
mod attacks;
mod azure;
mod bad_requests;
mod balance;
mod bedrock;
mod bounds;
mod breaker;
mod budgets;
mod configuration;
mod configured;
mod connections;
mod cost;
mod dialects;
mod drain;
mod edits;
mod failover;
mod gemini;
mod guardrails;
mod headers;
mod hostile;
mod https;
mod invariants;
mod keys;
mod limits;
mod lossless;
mod prefilter;
mod provider_errors;
mod rates;
mod reload;
mod requests;
mod responses;
mod retries;
mod sdks;
mod shared_limits;
mod state;
mod streamed;
mod streams;
mod timeouts;
mod tokens;
mod wasi;
mod whole;
