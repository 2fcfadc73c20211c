//! nod-e2e.
