//! The device API, `docs/device-api.md`.

use crate::routes::Route;

/// What the device API answers.
pub(crate) const ROUTES: &[Route] = &[];
