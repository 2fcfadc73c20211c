//! nod-store.
