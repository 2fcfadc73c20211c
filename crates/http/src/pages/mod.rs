//! The pages and their endpoints.

use crate::routes::Route;

/// What the pages answer.
pub(crate) const ROUTES: &[Route] = &[];
