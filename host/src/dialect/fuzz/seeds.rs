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

/// The streams of Bedrock, each as the names of its events and what they say: binary frames are written as lines there.
pub(super) fn of_bedrock() -> Vec<Vec<(String, Vec<u8>)>> {
    let named =
        |line: &str| line.split_once(' ').map(|(name, said)| (name.to_owned(), said.as_bytes().to_vec())).unwrap();
    let streams = of(Wire::Bedrock, Kind::Events).into_iter().map(|stream| String::from_utf8(stream).unwrap());
    streams.map(|stream| stream.lines().map(named).collect()).collect()
}
