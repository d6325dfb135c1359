//! Regular expressions that the host runs.

use crate::Span;

/// A match of one expression of a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Index into the expressions of the set.
    pub expression: usize,
    /// Where it matched.
    pub span: Span,
}

/// A set of regular expressions in the syntax of the crate `regex`.
///
/// In the gateway they are compiled and run by the host, at native speed; natively, in tests, by the
/// same crate.
#[derive(Debug)]
pub struct Patterns {
    #[cfg(target_arch = "wasm32")]
    set: u32,
    #[cfg(not(target_arch = "wasm32"))]
    expressions: Vec<regex::Regex>,
}

impl Patterns {
    /// Compile a set. Only while [`configure`](crate::Plugin::configure) runs.
    ///
    /// # Errors
    /// What is wrong with which expression.
    pub fn compile<S: AsRef<str>>(expressions: &[S]) -> Result<Self, String> {
        #[cfg(target_arch = "wasm32")]
        {
            let expressions: Vec<String> = expressions.iter().map(|e| e.as_ref().to_owned()).collect();
            let set = crate::bindings::imports::sluicegate::plugin::patterns::compile(&expressions)?;
            Ok(Self { set })
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            let expressions = expressions.iter().map(|e| regex::Regex::new(e.as_ref())).collect::<Result<_, _>>();
            Ok(Self { expressions: expressions.map_err(|error| error.to_string())? })
        }
    }

    /// All matches, by start, then by expression; those of one expression do not overlap.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Match> {
        #[cfg(target_arch = "wasm32")]
        {
            crate::bindings::imports::sluicegate::plugin::patterns::find(self.set, text)
                .into_iter()
                .map(|m| Match { expression: m.expression as usize, span: m.span })
                .collect()
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            let mut matches: Vec<Match> = Vec::new();
            for (expression, regex) in self.expressions.iter().enumerate() {
                matches
                    .extend(regex.find_iter(text).map(|m| Match { expression, span: Span::new(m.start(), m.end()) }));
            }
            matches.sort_by_key(|m| (m.span.start, m.expression));
            matches
        }
    }

    /// Whether any expression matches. For tests.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.expressions.iter().any(|expression| expression.is_match(text))
    }

    /// Tell the host what the plugin need not be called for.
    pub(crate) fn prefilter(&self, tail: Option<&str>) -> Result<(), String> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::sluicegate::plugin::patterns::prefilter(self.set, tail);
        #[cfg(not(target_arch = "wasm32"))]
        tail.map_or(Ok(()), |tail| regex::Regex::new(tail).map(|_| ()).map_err(|error| error.to_string()))
    }
}
