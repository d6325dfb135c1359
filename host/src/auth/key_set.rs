//! The public keys of the issuer of tokens, and how they are kept fresh: read again in the background, and at once for a
//! token whose key is not known, but not more often than every few seconds. While they cannot be read, the last good ones
//! stay.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::verify;
use crate::config::{KeySource, PublicKey, read_key_set};
use crate::upstream::Upstream;

/// Bytes of a set: those of large issuers are some kilobytes.
const BYTES_MAX: usize = 256 << 10;
/// The least time between two reads that tokens with unknown keys ask for.
const PAUSE: Duration = Duration::from_secs(10);

/// The keys, and where they come from.
#[derive(Debug)]
pub(super) struct KeySet {
    source: KeySource,
    refresh: Duration,
    keys: ArcSwapOption<Vec<PublicKey>>,
    /// When they were last asked for. Whoever asks meanwhile waits for that.
    asked: Mutex<Option<Instant>>,
}

impl KeySet {
    pub(super) fn new(source: &KeySource, refresh: Duration) -> Result<Self, String> {
        let set = Self { source: source.clone(), refresh, keys: ArcSwapOption::empty(), asked: Mutex::default() };
        if let KeySource::File(path) = source {
            set.take(&read_file(path)?)?;
        }
        Ok(set)
    }

    pub(super) fn is_known(&self) -> bool {
        self.keys.load().is_some()
    }

    /// The keys that a token with this header may be signed with. One that is not known is asked for.
    pub(super) async fn candidates(&self, header: &Header, upstream: &Upstream) -> Vec<DecodingKey> {
        let found = self.known(header);
        if !found.is_empty() {
            return found;
        }
        self.ask(upstream, PAUSE.min(self.refresh)).await;
        self.known(header)
    }

    fn known(&self, header: &Header) -> Vec<DecodingKey> {
        let keys = self.keys.load();
        let fitting = keys.iter().flat_map(|keys| keys.iter()).filter(|key| is_for(key, header.alg));
        match &header.kid {
            Some(kid) => fitting.filter(|key| key.id.as_ref() == Some(kid)).map(|key| key.key.clone()).collect(),
            // RFC 7515 leaves the name out where there is one key only.
            None => {
                let fitting: Vec<_> = fitting.map(|key| key.key.clone()).collect();
                if fitting.len() == 1 { fitting } else { Vec::new() }
            }
        }
    }

    /// Read the set again, unless that was tried within `pause`.
    async fn ask(&self, upstream: &Upstream, pause: Duration) {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|asked| asked.elapsed() < pause) {
            return;
        }
        let read = match &self.source {
            KeySource::Url(url) => fetch(url, upstream).await,
            KeySource::File(path) => {
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || read_file(&path));
                reading.await.unwrap_or_else(|error| Err(error.to_string()))
            }
        };
        if let Err(why) = read.and_then(|bytes| self.take(&bytes)) {
            let known = self.is_known();
            warn!(why, known, "the issuer's keys cannot be read; those that were read last stay in force");
        }
        *asked = Some(Instant::now());
    }

    fn take(&self, bytes: &[u8]) -> Result<(), String> {
        let keys = read_key_set(bytes)?;
        if !keys.iter().any(|key| verify::is_taken_of(key.key.family())) {
            return Err("there is no key in it for an asymmetric algorithm".to_owned());
        }
        if self.keys.load().as_ref().is_none_or(|old| !is_same(old, &keys)) {
            info!(keys = keys.len(), "the issuer's keys are in force");
        }
        self.keys.store(Some(keys.into()));
        Ok(())
    }

    /// Read the set again and again.
    pub(super) async fn keep_fresh(&self, upstream: &Upstream) {
        loop {
            self.ask(upstream, PAUSE.min(self.refresh)).await;
            let wait = if self.is_known() { self.refresh } else { PAUSE.min(self.refresh) };
            sleep(wait).await;
        }
    }
}

/// Whether tokens of this algorithm may be signed with this key.
fn is_for(key: &PublicKey, algorithm: Algorithm) -> bool {
    key.key.family() == algorithm.family() && key.algorithm.is_none_or(|only| only == algorithm)
}

fn is_same(old: &[PublicKey], new: &[PublicKey]) -> bool {
    old.iter().map(|key| &key.id).eq(new.iter().map(|key| &key.id))
}

async fn fetch(url: &Uri, upstream: &Upstream) -> Result<Vec<u8>, String> {
    upstream.fetch(url, BYTES_MAX).await.map_err(|why| format!("{url}: {why}"))
}

fn read_file(path: &std::path::Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let wrong = |why: &dyn std::fmt::Display| format!("reading {}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
    if bytes.len() > BYTES_MAX {
        return Err(wrong(&format_args!("it is longer than {BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
