//! What the crSocket does otherwise than the specification says. Each stands here as what should hold, with the fewest
//! inputs that show it.
