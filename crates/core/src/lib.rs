//! nod-core.
