//! Forward-auth: `/.nod/*` on the hosts of protected apps.

use crate::routes::Route;

/// What apps' hosts answer.
pub(crate) const ROUTES: &[Route] = &[];
