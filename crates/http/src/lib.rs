//! nod-http.
