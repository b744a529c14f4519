//! The corpus to which the browser client's machine is held: it has enough, and everything occurs in it.
//!
//! `tests/browser` replays it in Chromium. To replay it by hand, write it to a file, and give that to Node with the
//! client:
//!
//! ```sh
//! CRSOCKET_CORPUS=/tmp/corpus.jsonl cargo test --profile ci --test client_corpus
//! node tests/client_corpus/replay.mjs /tmp/corpus.jsonl src/web/crsocket-client.js
//! ```

// A test says what it saw by panicking and printing, helpers included.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    unreachable_pub
)]

#[path = "client_corpus/mod.rs"]
mod corpus;

use std::env;
use std::fs;

use corpus::Corpus;

#[test]
fn everything_occurs_in_the_corpus() {
    let corpus = Corpus::new();
    if let Some(file) = env::var_os("CRSOCKET_CORPUS") {
        fs::write(file, corpus.text()).unwrap();
    }
    let (count, bytes) = (corpus.sequences.len(), corpus.text().len());
    println!("{count} sequences, {} steps, {bytes} bytes", corpus.steps);
    assert!(count >= 2_000, "only {count} sequences");
    let missing = corpus.coverage.missing();
    assert!(missing.is_empty(), "not often enough in the corpus:\n{}", missing.join("\n"));
}

#[test]
fn the_corpus_is_the_same_each_time() {
    assert!(Corpus::new().text() == Corpus::new().text());
}
