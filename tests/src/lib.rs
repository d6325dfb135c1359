//! The harness of the end-to-end tests: a gateway as `serve` starts it, a provider that says what it is told, a caller
//! that sees every byte. Everything is on port 0 of the loopback and gone when it is dropped.
//!
//! ```no_run
//! # use sluicegate_tests::{Gateway, Provider, Reply, chat, completion, standard};
//! # async fn test() {
//! let provider = Provider::saying(Reply::json(completion("hello"))).await;
//! let gateway = Gateway::with_plugins([standard("pii").config("email = 'restore'")]).upstream(&provider).start().await;
//! let answer = gateway.ask(chat("I am ada@example.com")).receipts().await;
//! assert_eq!((answer.status, answer.content().as_str()), (200, "hello"));
//! assert!(provider.body().contains("[EMAIL_1]"));
//! # }
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

mod caller;
mod gateway;
pub mod guests;
mod installed;
mod log;
mod process;
mod provider;
mod words;

pub use caller::{Answer, Body, Call, Open, Receipt};
pub use gateway::{CREDENTIALS, Gateway, Setup};
pub use installed::{Installed, gentle, hostile, standard};
pub use log::Log;
pub use process::{Process, be_a_gateway};
pub use provider::{Model, PATIENCE, Provider, Received, Reply};
pub use sluicegate_test_servers::{Postgres, Redis};
pub use words::{DONE, EMAIL, chat, chunk, completion, delta, finish, key_of, streamed};

/// What `cargo xtask test` has installed and says so with this variable; nothing where it has said that there is none.
///
/// # Panics
/// When nothing is said.
#[must_use]
pub fn installed(variable: &str) -> Option<String> {
    let Ok(path) = std::env::var(variable) else {
        panic!("{variable} is not set: run cargo xtask test, which installs what it stands for");
    };
    (!path.is_empty()).then_some(path)
}
