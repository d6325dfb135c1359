//! What triggers the prefilters of a whole chain, in one automaton: most texts trigger none of them, and one pass says
//! so for all plugins.

use std::sync::Arc;

use super::expression::Quick;
use super::set::Set;
use super::{Plugin, Runtime};

/// The triggers of the plugins of one chain.
#[derive(Debug)]
pub struct Triggers {
    sets: Vec<Arc<Set>>,
    all: Quick,
}

impl Triggers {
    /// # Errors
    /// Why they cannot be compiled together.
    fn compile(sets: Vec<Arc<Set>>) -> Result<Self, String> {
        let expressions: Vec<&str> = sets.iter().flat_map(|set| set.expressions()).collect();
        let all = Quick::new(&expressions)?;
        Ok(Self { sets, all })
    }

    /// Whether none of them is known to match. Where looking is not quick, nothing is known, and each plugin's own
    /// triggers have to be looked for.
    pub(super) fn none_in(&self, text: &str) -> bool {
        self.all.is_match(text) == Some(false)
    }

    fn are_of(&self, sets: &[Arc<Set>]) -> bool {
        self.sets.len() == sets.len() && self.sets.iter().zip(sets).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

impl Runtime {
    /// The triggers of all `plugins` of a chain together, or those of an older chain if they are the same. Nothing
    /// where that helps nobody, or they are too large together.
    pub async fn triggers<'a>(
        &self,
        plugins: impl Iterator<Item = &'a Arc<Plugin>>,
        older: Option<&Arc<Triggers>>,
    ) -> Option<Arc<Triggers>> {
        let sets: Vec<Arc<Set>> =
            plugins.filter_map(|plugin| Some(plugin.patterns.prefilter.as_ref()?.triggers().clone())).collect();
        if let Some(same) = older.filter(|older| older.are_of(&sets)) {
            return Some(same.clone());
        }
        if sets.len() < 2 {
            return None;
        }
        let compiled = self.loader.run(move || Triggers::compile(sets)).await;
        compiled.ok()?.ok().map(Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triggers(sets: &[&[&str]]) -> Triggers {
        let set = |expressions: &&[&str]| {
            let expressions: Vec<String> = expressions.iter().map(|e| (*e).to_owned()).collect();
            Arc::new(Set::compile(&expressions).unwrap())
        };
        Triggers::compile(sets.iter().map(set).collect()).unwrap()
    }

    #[test]
    fn a_trigger_of_any_plugin_counts() {
        let triggers = triggers(&[&["@", "[0-9]{3}"], &["(?i)ignore"]]);
        assert!(triggers.none_in("write to me at 10"));
        for text in ["a@b", "at 1000", "Ignore it"] {
            assert!(!triggers.none_in(text), "{text}");
        }
    }

    #[test]
    fn where_looking_is_not_quick_nothing_is_known() {
        let triggers = triggers(&[&[r"\bword\b"], &["@"]]);
        assert!(triggers.none_in("nothing"));
        assert!(!triggers.none_in("nichts ist größer"));
    }

    #[test]
    fn the_same_chain_has_the_same_triggers() {
        let triggers = triggers(&[&["a"], &["b"]]);
        assert!(triggers.are_of(&triggers.sets.clone()));
        assert!(!triggers.are_of(&triggers.sets[..1]));
        let mut turned = triggers.sets.clone();
        turned.reverse();
        assert!(!triggers.are_of(&turned));
    }
}
