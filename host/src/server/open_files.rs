//! Open files of the process: each connection is one, to a caller or to a provider.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// For what is open beside connections: plugins, stores, the log, the watch of the directory.
const OTHERS: u64 = 128;

/// Raise the limit on open files as far as the system allows. Most systems begin with 1,024, for the sake of old programs
/// that count file descriptors with `select`; a gateway would be full with 500 callers.
///
/// Says in the log if what is allowed is too little for this many callers.
pub fn raise_limit(connections_max: usize) {
    // A caller, and the provider that is asked for him.
    let wanted = (connections_max as u64).saturating_mul(2).saturating_add(OTHERS);
    let allowed = raise(wanted);
    if allowed.is_some_and(|allowed| allowed < wanted) {
        warn!(wanted, allowed, "the system allows too few open files for connections_max: raise it, or lower that");
    }
}

/// Ask for this many at least, and tell how many there are; nothing where there is no limit.
fn raise(wanted: u64) -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return current;
    }
    // Where the process may, beyond what it was given; where it may not, up to that.
    let more = maximum.map(|maximum| maximum.max(wanted));
    for maximum in [more, maximum] {
        let limit = Rlimit { current: maximum, maximum };
        match setrlimit(Resource::Nofile, limit) {
            Ok(()) => return maximum,
            Err(error) => debug!(%error, "raising the limit on open files"),
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_the_system_allows_may_be_open_and_never_fewer_than_before() {
        let before = getrlimit(Resource::Nofile);
        assert_eq!(raise(0), before.current);
        let raised = raise(before.current.unwrap_or(1_000).saturating_add(1));
        let now = getrlimit(Resource::Nofile);
        assert_eq!(raised, now.current);
        assert!(now.current.is_none_or(|now| before.current.is_some_and(|before| now >= before)));
        if before.maximum.is_none_or(|maximum| before.current.is_some_and(|current| current < maximum)) {
            assert_ne!(now.current, before.current);
        }
    }
}
