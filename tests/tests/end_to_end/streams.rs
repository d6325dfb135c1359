//! Streamed answers: each rule of how a stream is guarded, with a test.

mod bytes;
mod held;
mod lanes;
mod property;
mod volume;
