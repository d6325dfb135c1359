//! Plugins in every language, made as authors make them: by `sluicegate plugin new`, `build` and `test`, with the tools of the
//! language.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod examples;
mod hostile;
mod projects;
mod sdks;
mod workshop;
