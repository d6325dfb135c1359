//! The pattern sets of a plugin: compiled once, when it is configured, and used in its calls.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::prefilter::Prefilter;
use super::set::Set;

/// Sets that one plugin may compile.
pub(super) const SETS_MAX: usize = 64;
/// Expressions in one set.
pub(super) const EXPRESSIONS_MAX: usize = 256;
/// Fuel for a byte of an expression to compile: some microseconds, at about three units a nanosecond.
pub(super) const COMPILE_BYTE_FUEL: u64 = 20_000;

/// What a plugin had compiled while it was configured.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    sets: Vec<Arc<Set>>,
    pub(super) prefilter: Option<Prefilter>,
}

/// What all of that was compiled from.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Expressions {
    sets: Vec<Vec<String>>,
    /// The number of the set that triggers, and the tail.
    prefilter: Option<(u32, Option<String>)>,
}

impl Compiled {
    /// The same, compiled at another start.
    ///
    /// # Errors
    /// When an expression is none, which it was then.
    pub(super) fn of(expressions: &Expressions) -> Result<Self, String> {
        let mut patterns = Patterns::Compiling(Self::default());
        for set in &expressions.sets {
            patterns.compile(set)?;
        }
        if let Some((triggers, tail)) = &expressions.prefilter {
            patterns.prefilter(*triggers, tail.as_deref())?;
        }
        match patterns {
            Patterns::Compiling(compiled) => Ok(compiled),
            Patterns::Replaying { .. } | Patterns::Ready(_) => Err(NOT_CONFIGURING.to_owned()),
        }
    }

    /// What it was compiled from.
    pub(super) fn expressions(&self) -> Expressions {
        let sets = self.sets.iter().map(|set| set.expressions().map(str::to_owned).collect()).collect();
        let number = |set: &Arc<Set>| self.sets.iter().position(|known| Arc::ptr_eq(known, set));
        let prefilter = self.prefilter.as_ref().and_then(|prefilter| {
            let triggers = u32::try_from(number(prefilter.triggers())?).ok()?;
            Some((triggers, prefilter.tail().map(str::to_owned)))
        });
        Expressions { sets, prefilter }
    }
}

/// The patterns of a plugin, as far as this instance may use them.
pub(super) enum Patterns {
    /// `configure` runs: they are compiled.
    Compiling(Compiled),
    /// `configure` runs again in an instance that could not be forked: the same sets are handed out.
    Replaying { known: Arc<Compiled>, next: usize },
    /// A call runs: sets are used.
    Ready(Arc<Compiled>),
}

const NOT_CONFIGURING: &str = "patterns are compiled only while `configure` runs";
const OTHER_PATTERNS: &str = "other expressions than at load";

impl Patterns {
    /// What there is before `configure` runs.
    pub(super) fn none() -> Self {
        Self::Ready(Arc::default())
    }

    pub(super) fn compile(&mut self, expressions: &[String]) -> Result<u32, String> {
        match self {
            Self::Compiling(Compiled { sets, .. }) => {
                if sets.len() >= SETS_MAX {
                    return Err(format!("more than {SETS_MAX} sets"));
                }
                sets.push(Arc::new(Set::compile(expressions)?));
                index(sets.len() - 1)
            }
            Self::Replaying { known, next } => match known.sets.get(*next) {
                Some(set) if set.is_of(expressions) => {
                    *next += 1;
                    index(*next - 1)
                }
                _ => Err(OTHER_PATTERNS.to_owned()),
            },
            Self::Ready(_) => Err(NOT_CONFIGURING.to_owned()),
        }
    }

    pub(super) fn prefilter(&mut self, set: u32, tail: Option<&str>) -> Result<(), String> {
        let Some(triggers) = self.get(set) else { return Err("there is no pattern set of that number".to_owned()) };
        match self {
            Self::Compiling(Compiled { prefilter: Some(_), .. }) => Err("there is a prefilter already".to_owned()),
            Self::Compiling(Compiled { prefilter, .. }) => {
                *prefilter = Some(Prefilter::new(triggers, tail)?);
                Ok(())
            }
            Self::Replaying { known, .. } => match &known.prefilter {
                Some(prefilter) if prefilter.is_of(&triggers, tail) => Ok(()),
                _ => Err(OTHER_PATTERNS.to_owned()),
            },
            Self::Ready(_) => Err(NOT_CONFIGURING.to_owned()),
        }
    }

    pub(super) fn get(&self, set: u32) -> Option<Arc<Set>> {
        let set = usize::try_from(set).ok()?;
        match self {
            Self::Compiling(compiled) => compiled.sets.get(set).cloned(),
            Self::Replaying { known, next } => known.sets.get(set).filter(|_| set < *next).cloned(),
            Self::Ready(compiled) => compiled.sets.get(set).cloned(),
        }
    }

    /// What `configure` had compiled.
    pub(super) fn compiled(self) -> Arc<Compiled> {
        match self {
            Self::Compiling(compiled) => Arc::new(compiled),
            Self::Replaying { known, .. } | Self::Ready(known) => known,
        }
    }
}

fn index(set: usize) -> Result<u32, String> {
    u32::try_from(set).map_err(|_| "too many sets".to_owned())
}
