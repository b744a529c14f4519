//! Fuzzing: any bytes as what a peer, a user or a late timer may say, and what must hold all the same.
//!
//! `cargo test` gives each target the inputs of its corpus, `tests/corpus/TARGET/`; that takes a second. A campaign
//! looks for new ones, guided by the code they reach. It needs the usual stable toolchain and a C++ compiler:
//!
//! ```sh
//! bash .ci/fuzz sessions 600     # one target, 600 seconds
//! bash .ci/fuzz all 60           # every target, 60 seconds each
//! ```
//!
//! A campaign adds what reaches new code to the corpus, and reduces the corpus to what is needed. It ends at the first
//! input that breaks something, and leaves it there as `crash-...`: from then on `cargo test` fails, too. Whoever mends
//! the fault gives it a test with a name, beside the code that was at fault.
//!
//! The targets: `wire` (queries, event data strings, frames, the reader of streams); sequences of inputs, decoded from
//! the bytes, to `receiver`, `sender`, `socket`, to all of them `wired`, and to the server's `sessions`. Each plays the
//! shell of its machine, and knows what may follow from what.

// A test says what it saw by panicking and printing, helpers included.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod bytes;
mod people;
mod receiver;
mod sender;
mod sessions;
mod socket;
mod wire;
mod wired;

use std::fs;
use std::path::Path;

/// A test for each target, of its name.
macro_rules! targets {
    ($($name:ident: $target:path;)*) => {
        $(
            #[test]
            fn $name() {
                #[cfg(fuzzing)]
                if is_wanted(stringify!($name)) {
                    bolero::check!().with_max_len(MAX_LEN).for_each(|data: &[u8]| $target(data));
                }
                #[cfg(not(fuzzing))]
                replay(stringify!($name), $target);
            }
        )*
    };
}

targets! {
    query: wire::query;
    event_data: wire::event_data;
    frames: wire::frames;
    reader: wire::reader;
    receiver: receiver::run;
    sender: sender::run;
    sessions: sessions::run;
    socket: socket::run;
    wired: wired::run;
}

/// The longest input of a campaign.
#[cfg(fuzzing)]
const MAX_LEN: usize = 4096;

/// Whether this is the target of the campaign. libFuzzer starts processes of its own when it reduces a corpus, without the
/// arguments that choose a test.
#[cfg(fuzzing)]
fn is_wanted(name: &str) -> bool {
    std::env::var("BOLERO_TEST_NAME").is_ok_and(|wanted| wanted == name)
}

/// Gives a target each input of its corpus.
#[cfg_attr(fuzzing, expect(dead_code, reason = "a campaign reads the corpus itself"))]
fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let entries = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", corpus.display());
    for input in inputs {
        // The harness shows it when the target fails.
        println!("{}", input.display());
        target(&fs::read(&input).unwrap());
    }
}
