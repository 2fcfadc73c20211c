//! nod-protocol.
