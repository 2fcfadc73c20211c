//! nod-delivery.
