//! The fleet in a simulation: the real sessions of both programs over a network, processes and engines that fail on command.
//!
//! Time is virtual, so leases run out in microseconds, and a history comes out the same each time it is played. What is shown
//! here is that the laws of the fleet hold whatever the network does; that the programs obey on real sockets is shown beside it.

mod arrivals;
mod by_hand;
mod engine;
mod gate;
mod history;
mod laws;
mod ledger;
mod network;
mod open;
mod random;
mod world;
