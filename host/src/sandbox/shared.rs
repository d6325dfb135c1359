//! What the connections of a sandbox share: what was asked, and how many requests are under way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use tokio::sync::watch;

use super::{Seen, Settings, State};

/// Headers that carry credentials, whose values are not kept.
const SECRET: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "cookie",
];

/// What the connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    state: watch::Sender<State>,
    seen: Mutex<VecDeque<Seen>>,
}

impl Shared {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, state: watch::Sender::new(State::default()), seen: Mutex::default() }
    }

    pub(super) fn state(&self) -> State {
        *self.state.borrow()
    }

    pub(super) async fn wait_until(&self, wanted: impl Fn(&State) -> bool) -> State {
        match self.state.subscribe().wait_for(|state| wanted(state)).await {
            Ok(state) => *state,
            // The sender is in `self`, so it cannot be gone.
            Err(_) => self.state(),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn remember(&self, head: &Parts, body: &Bytes) {
        let Settings { seen_max, seen_bytes_max, .. } = self.settings;
        if seen_max > 0 {
            let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let headers = redacted(head.headers.clone());
            let latest = Seen { method: head.method.clone(), path, headers, body: body.clone() };
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push_back(latest);
            let mut bytes: usize = seen.iter().map(|seen| seen.body.len()).sum();
            while seen.len() > seen_max || (bytes > seen_bytes_max && seen.len() > 1) {
                bytes = bytes.saturating_sub(seen.pop_front().map_or(0, |seen| seen.body.len()));
            }
        }
        self.state.send_modify(|state| state.received = state.received.saturating_add(1));
    }
}

fn redacted(mut headers: HeaderMap) -> HeaderMap {
    for name in SECRET {
        if let Some(value) = headers.get_mut(name) {
            let bearer = value.as_bytes().get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "));
            *value = HeaderValue::from_static(if bearer { "Bearer [redacted]" } else { "[redacted]" });
        }
    }
    headers
}

/// One request under way. Dropped unfinished, the caller has left.
pub(super) struct Turn {
    pub(super) shared: Arc<Shared>,
    finished: bool,
}

impl Turn {
    pub(super) fn begin(shared: &Arc<Shared>) -> Self {
        shared.state.send_modify(|state| state.in_flight = state.in_flight.saturating_add(1));
        Self { shared: Arc::clone(shared), finished: false }
    }

    /// All was said that was to be said.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.state.send_modify(|state| {
            state.in_flight = state.in_flight.saturating_sub(1);
            let count = if self.finished { &mut state.answered } else { &mut state.cancelled };
            *count = count.saturating_add(1);
        });
    }
}
