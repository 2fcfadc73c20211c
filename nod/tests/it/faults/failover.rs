//! The primary is gone, and its standby takes over.

use std::time::{Duration, Instant};

use super::world::World;

/// It ends as in a power cut; the machine still says that nobody listens.
pub(crate) async fn kill(world: &mut World) -> Duration {
    let struck = Instant::now();
    world.database.kill_primary();
    world.database.promote();
    let took = world.recovered(struck).await;
    world.database.add_standby();
    took
}

/// Its machine loses the network in the middle of everything: connections to it stay open and silent.
pub(crate) async fn unplug(world: &mut World) -> Duration {
    let struck = Instant::now();
    world.database.machine().unplug();
    world.database.promote();
    let took = world.recovered(struck).await;
    world.database.replace_lost();
    took
}
