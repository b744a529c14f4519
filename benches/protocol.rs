//! Benches of the protocol core.

fn main() {
    divan::main();
}
