//! A node ends as in a power cut, and is started again, as its service manager does.

use std::time::{Duration, Instant};

use super::NODES;
use super::world::World;

pub(crate) async fn strike(world: &mut World) -> Duration {
    let node = usize::try_from(world.chance.below(NODES as u64)).unwrap();
    let struck = Instant::now();
    world.nodes[node].server = None;
    world.nodes[node].serve(&[]);
    world.recovered(struck).await
}
