//! Streamed answers: what the rules of DESIGN, section 6, promise, each with a test.

mod bytes;
mod held;
mod lanes;
mod property;
mod volume;
