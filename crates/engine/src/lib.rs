//! nod-engine.
