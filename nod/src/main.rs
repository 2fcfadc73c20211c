//! nod.
fn main() {}
