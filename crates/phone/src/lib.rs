//! nod-phone.
