//! Numbers that stand for meaning: what turns texts into vectors, for plugins and for the cache. One small trait, two kinds:
//! [`Local`] runs a sentence transformer in this process, [`Remote`] asks a provider.

mod local;
mod remote;
mod transformer;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::config::{self, Settings};
use crate::money::Money;
use crate::upstream::Upstream;

pub use local::Local;
pub use remote::Remote;

/// A vector of unit length: the dot product of two is the cosine of the angle between them.
pub type Vector = Arc<[f32]>;

/// Turns texts into vectors.
pub trait Embedder: fmt::Debug + Send + Sync {
    /// One vector of any length but zero for each text, in their order, all with the same number of dimensions.
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Computed, Failure>>;

    /// What tells its vectors from those of any other: they are not compared.
    fn identity(&self) -> &str;
}

/// What an embedder says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computed {
    /// A vector for each text.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens that are paid for; 0 where none is.
    pub tokens: u32,
}

/// Why there are no vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too much waits for the embedder.
    Busy,
    /// It did not answer in time.
    Timeout,
    /// It cannot be asked, or answers something else; why, for the operator.
    Unavailable(String),
}

/// The embedders of a gateway, by their names in the configuration.
#[derive(Debug, Default)]
pub struct Embedders(BTreeMap<String, Arc<Remembering>>);

impl Embedders {
    /// This one alone.
    #[must_use]
    pub fn of(name: String, embedder: Arc<dyn Embedder>) -> Self {
        Self(BTreeMap::from([(name, Arc::new(Remembering::new(embedder, Money::ZERO)))]))
    }

    /// Load and set up all that are configured.
    ///
    /// # Errors
    /// When a directory holds no model that can be run.
    pub fn open(settings: &Settings, upstream: &Upstream) -> Result<Self, String> {
        let open = |(name, embedder): (&String, &config::Embedder)| {
            let opened = match embedder {
                config::Embedder::Local { directory, threads } => {
                    let local = Local::start(directory, *threads);
                    let local = local.map_err(|why| format!("embedders.{name}: {}: {why}", directory.display()))?;
                    Remembering::new(Arc::new(local), Money::ZERO)
                }
                config::Embedder::Target { target, dimensions } => {
                    let price = settings.prices_of(target, "").map(|prices| prices.usual.input).unwrap_or_default();
                    Remembering::new(Arc::new(Remote::new(upstream.clone(), target.clone(), *dimensions)), price)
                }
            };
            Ok((name.clone(), Arc::new(opened)))
        };
        settings.embedders.iter().map(open).collect::<Result<_, String>>().map(Self)
    }

    /// The one with this name, or without a name the only one.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(&self, name: Option<&str>) -> Result<Arc<Remembering>, String> {
        match (name, self.0.len()) {
            (Some(name), _) => self.0.get(name).cloned().ok_or_else(|| format!("there is no embedder {name:?}")),
            (None, 0) => Err("there is no embedder; add [embedders.NAME] to the configuration".to_owned()),
            (None, 1) => self.0.values().next().cloned().ok_or_else(String::new),
            (None, _) => Err("there are several embedders; name one of them".to_owned()),
        }
    }
}

/// An embedder whose last vectors are remembered: a router and a cache ask for the same text.
#[derive(Debug)]
pub struct Remembering {
    inner: Arc<dyn Embedder>,
    memo: Cache<Key, Vector, Bytes>,
    /// Of a million tokens.
    price: Money,
}

/// SHA-256 of partition and text.
type Key = [u8; 32];

/// What a remembered vector takes.
#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Key, Vector> for Bytes {
    fn weight(&self, _: &Key, vector: &Vector) -> u64 {
        u64::try_from(size_of::<Key>() + size_of_val(&**vector)).unwrap_or(u64::MAX)
    }
}

/// Bytes of the vectors that are remembered: of some ten thousand texts, with 384 dimensions.
const MEMO_BYTES: u64 = 16 << 20;
const MEMO_ITEMS: usize = 4_096;

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// A vector of unit length for each text.
    pub vectors: Vec<Vector>,
    /// What they cost, as far as that is known.
    pub cost: Money,
}

impl Remembering {
    fn new(inner: Arc<dyn Embedder>, price: Money) -> Self {
        Self { inner, memo: Cache::with_weighter(MEMO_ITEMS, MEMO_BYTES, Bytes), price }
    }

    /// What tells its vectors from those of any other.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.inner.identity()
    }

    /// The vectors of some texts. What one partition asks is remembered for it alone, so that none learns from the time
    /// that it takes what another has asked.
    ///
    /// # Errors
    /// When the embedder is busy, cannot be asked, or answers something else than vectors.
    pub async fn embed(&self, partition: &str, texts: Vec<String>) -> Result<Embedded, Failure> {
        let keys: Vec<Key> = texts.iter().map(|text| key(partition, text)).collect();
        let mut vectors: Vec<Option<Vector>> = keys.iter().map(|key| self.memo.get(key)).collect();
        let is_known: Vec<bool> = vectors.iter().map(Option::is_some).collect();
        let unknown: Vec<String> =
            texts.into_iter().zip(&is_known).filter(|(_, known)| !**known).map(|(text, _)| text).collect();
        let mut cost = Money::ZERO;
        if !unknown.is_empty() {
            let wanted = unknown.len();
            let computed = self.inner.embed(unknown).await?;
            cost = Money::of_tokens(computed.tokens.into(), self.price);
            let mut computed = unit_vectors(computed.vectors, wanted)?.into_iter();
            for ((vector, key), _) in vectors.iter_mut().zip(keys).zip(is_known).filter(|(_, known)| !known) {
                *vector = computed.next();
                if let Some(vector) = vector {
                    self.memo.insert(key, vector.clone());
                }
            }
        }
        Ok(Embedded { vectors: vectors.into_iter().flatten().collect(), cost })
    }
}

fn key(partition: &str, text: &str) -> Key {
    let length = u64::try_from(partition.len()).unwrap_or(u64::MAX).to_le_bytes();
    Sha256::new().chain_update(length).chain_update(partition).chain_update(text).finalize().into()
}

/// As many as were asked for, all alike, and of unit length.
fn unit_vectors(vectors: Vec<Vec<f32>>, wanted: usize) -> Result<Vec<Vector>, Failure> {
    let wrong = |what: &str| Failure::Unavailable(format!("the embedder gave {what}"));
    if vectors.len() != wanted {
        return Err(wrong("another number of vectors than texts"));
    }
    let dimensions = vectors.first().map_or(0, Vec::len);
    let unit = |mut vector: Vec<f32>| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if vector.len() != dimensions || vector.len() > DIMENSIONS_MAX || !length.is_normal() {
            return Err(wrong("vectors that cannot be compared"));
        }
        vector.iter_mut().for_each(|value| *value /= length);
        Ok(vector.into())
    };
    vectors.into_iter().map(unit).collect()
}

/// Dimensions of a vector; the largest models of 2026 have 4,096.
const DIMENSIONS_MAX: usize = 8_192;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt as _;
    use futures_util::future::ready;

    use super::*;

    /// Says its vectors one after the other, and notes what it was asked.
    #[derive(Debug, Default)]
    struct Scripted {
        asked: Mutex<Vec<Vec<String>>>,
        says: Vec<Vec<f32>>,
    }

    impl Embedder for Scripted {
        fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Computed, Failure>> {
            let vectors = self.says.iter().take(texts.len()).cloned().collect();
            self.asked.lock().unwrap().push(texts);
            ready(Ok(Computed { vectors, tokens: 7 })).boxed()
        }

        fn identity(&self) -> &str {
            "scripted"
        }
    }

    fn saying(says: &[&[f32]]) -> (Arc<Scripted>, Remembering) {
        let says = says.iter().map(|vector| vector.to_vec()).collect();
        let inner = Arc::new(Scripted { says, ..Scripted::default() });
        (inner.clone(), Remembering::new(inner, Money::from_nanodollars(2_000_000)))
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[tokio::test]
    async fn vectors_have_unit_length_and_are_remembered_for_their_partition_alone() {
        let (inner, embedder) = saying(&[&[3.0, 4.0], &[0.0, -2.0]]);
        let first = embedder.embed("blue", texts(&["a", "b"])).await.unwrap();
        assert_eq!(first.vectors, [Vector::from([0.6, 0.8]), Vector::from([0.0, -1.0])]);
        assert_eq!(first.cost, Money::from_nanodollars(14));
        let again = embedder.embed("blue", texts(&["b", "c", "a"])).await.unwrap();
        assert_eq!(again.vectors, [Vector::from([0.0, -1.0]), Vector::from([0.6, 0.8]), Vector::from([0.6, 0.8])]);
        assert_eq!(embedder.embed("blue", texts(&["c"])).await.unwrap().cost, Money::ZERO);
        embedder.embed("red", texts(&["a"])).await.unwrap();
        assert_eq!(*inner.asked.lock().unwrap(), [texts(&["a", "b"]), texts(&["c"]), texts(&["a"])]);
    }

    #[tokio::test]
    async fn what_is_no_vector_is_refused() {
        let wrong: [&[&[f32]]; 6] =
            [&[], &[&[1.0]], &[&[1.0], &[1.0, 0.0]], &[&[1.0], &[0.0]], &[&[1.0], &[f32::NAN]], &[&[], &[]]];
        for says in wrong {
            let (_, embedder) = saying(says);
            let said = embedder.embed("blue", texts(&["a", "b"])).await;
            assert!(matches!(said, Err(Failure::Unavailable(_))), "{says:?}: {said:?}");
        }
    }

    #[test]
    fn one_is_found_by_its_name_or_as_the_only_one() {
        let one = || Arc::new(saying(&[]).1);
        let mut embedders = Embedders::default();
        assert!(embedders.find(None).unwrap_err().contains("[embedders.NAME]"));
        embedders.0.insert("small".to_owned(), one());
        assert!(embedders.find(None).is_ok() && embedders.find(Some("small")).is_ok());
        assert_eq!(embedders.find(Some("large")).unwrap_err(), "there is no embedder \"large\"");
        embedders.0.insert("large".to_owned(), one());
        assert!(embedders.find(None).unwrap_err().contains("several"));
    }
}
