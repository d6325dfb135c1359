//! The golden conversations, as they stand in the files.

use std::fs;
use std::path::Path;

use crate::dialect::Wire;

/// What of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Answer,
    Events,
}

/// All of a kind, in the order of their names.
pub(super) fn of(dialect: Wire, kind: Kind) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/wire").join(dialect.word());
    let ending = match kind {
        Kind::Request => "request.json",
        Kind::Answer => "answer.json",
        Kind::Events => "events.txt",
    };
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "no {ending} in {}", directory.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}
