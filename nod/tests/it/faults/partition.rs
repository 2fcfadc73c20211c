//! A node loses the databases: its packets vanish, and its clients still reach it.

use std::time::{Duration, Instant};

use super::NODES;
use super::world::World;

/// Denied by the node that is cut off, served by the others, and by all once the network is whole: counted from there.
pub(crate) async fn strike(world: &mut World) -> Duration {
    let cut = usize::try_from(world.chance.below(NODES as u64)).unwrap();
    let struck = Instant::now();
    world.nodes[cut].machine.loses_databases();
    world.denies(cut).await;
    world.others_serve(cut, struck).await;
    let healed = Instant::now();
    world.nodes[cut].machine.finds_databases();
    world.recovered(healed).await
}
