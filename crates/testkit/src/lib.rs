//! nod-testkit.
