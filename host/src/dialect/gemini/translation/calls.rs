//! Calls of functions and their results, which other dialects match by an id. Here the id may be missing: then a result
//! is that of the first call of the same function that has none yet.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// Calls of a conversation without a result so far. Real conversations have as many as a model makes at once.
pub(super) const OPEN_CALLS_MAX: usize = 1_000;

/// The calls of a request, as its reader comes across them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    made: usize,
    open: usize,
    /// The ids of calls without a result, by the function's name.
    ids: HashMap<String, VecDeque<String>>,
}

/// There are too many calls without a result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Calls {
    /// A call. Gives its id, or one that is made.
    pub(super) fn called(&mut self, name: &str, id: Option<String>) -> Result<String, TooMany> {
        if self.open >= OPEN_CALLS_MAX {
            return Err(TooMany);
        }
        self.open += 1;
        let id = id.unwrap_or_else(|| {
            self.made += 1;
            format!("call_{}", self.made)
        });
        self.ids.entry(name.to_owned()).or_default().push_back(id.clone());
        Ok(id)
    }

    /// A result. Gives the id of its call, if there is one.
    pub(super) fn answered(&mut self, name: &str, id: Option<String>) -> Option<String> {
        let ids = self.ids.get_mut(name)?;
        let place = id.and_then(|id| ids.iter().position(|known| *known == id)).unwrap_or_default();
        let id = ids.remove(place)?;
        self.open = self.open.saturating_sub(1);
        Some(id)
    }
}

/// An id for a call of an answer that has none. It is in conversations with others from then on.
pub(super) fn new_id() -> String {
    format!("call_{}", Uuid::now_v7().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_find_their_calls_by_id_or_by_name_and_order() {
        let mut calls = Calls::default();
        for (name, id) in [("weather", None), ("time", None), ("weather", None), ("weather", Some("x".to_owned()))] {
            calls.called(name, id).unwrap();
        }
        let mut answered = |name: &str, id: Option<&str>| calls.answered(name, id.map(str::to_owned));
        assert_eq!(answered("weather", None).as_deref(), Some("call_1"));
        assert_eq!(answered("weather", Some("x")).as_deref(), Some("x"));
        assert_eq!(answered("time", Some("unknown")).as_deref(), Some("call_2"));
        assert_eq!(answered("weather", None).as_deref(), Some("call_3"));
        assert_eq!(answered("weather", None), None);
        assert_eq!(answered("never", None), None);
    }

    #[test]
    fn calls_without_a_result_are_counted_to_a_limit() {
        let mut calls = Calls::default();
        for _ in 0..OPEN_CALLS_MAX {
            calls.called("f", None).unwrap();
        }
        assert_eq!(calls.called("f", None), Err(TooMany));
        calls.answered("f", None).unwrap();
        assert!(calls.called("f", None).is_ok());
    }

    #[test]
    fn ids_are_never_the_same() {
        assert_ne!(new_id(), new_id());
        assert!(new_id().len() <= 40, "OpenAI takes no longer ones");
    }
}
