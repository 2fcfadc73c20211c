//! The pages over the store in memory, from both sides: browsers through the router, phones through the engine.

mod enrol;
mod keys;
mod page;
mod portal;
mod recovery;
mod sign_in;
mod softkey;
mod softphone;
mod world;
