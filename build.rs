//! The program is built anew when a file comes to `src/web` or goes: those that are there are compiled in.

#![allow(clippy::print_stdout, reason = "cargo is told things so")]

fn main() {
    println!("cargo::rerun-if-changed=src/web");
}
