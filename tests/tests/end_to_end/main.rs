//! The gateway as callers, providers and operators see it: over real sockets, with real components.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod answers;
mod attacks;
mod bad_requests;
mod bounds;
mod breaker;
mod configuration;
mod configured;
mod connections;
mod cost;
mod dialects;
mod drain;
mod edits;
mod failover;
mod guardrails;
mod headers;
mod hostile;
mod https;
mod invariants;
mod limits;
mod lossless;
mod prefilter;
mod provider_errors;
mod reload;
mod requests;
mod sdks;
mod state;
mod streamed;
mod streams;
mod timeouts;
mod wasi;
mod whole;
