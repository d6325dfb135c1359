//! What is hashed in the same way wherever it is hashed.

use highway::Key;

/// A key that nobody outside knows, for hashes of what others wrote: so nobody can make two texts that collide.
pub(crate) fn random_key() -> Key {
    let random = || {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        high ^ low.rotate_left(32)
    };
    Key([random(), random(), random(), random()])
}

/// Hand each part to a hash behind its length, so that no two lists of parts read alike.
pub(crate) fn in_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>, mut update: impl FnMut(&[u8])) {
    for part in parts {
        update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        update(part);
    }
}
