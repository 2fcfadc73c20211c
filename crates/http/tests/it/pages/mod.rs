//! The pages over the store in memory, from both sides: browsers through the router, phones through the engine.

mod account;
mod enrol;
mod page;
mod sign_in;
mod softphone;
mod world;
