//! The `crsocket` command.

fn main() {}
