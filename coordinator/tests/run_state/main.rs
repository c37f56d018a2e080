//! The state of a run, told what happens and asked what is to be done: no runtime, no clock, no socket.

mod agree;
mod arrivals;
mod beside;
mod figures;
mod iterations;
mod life;
mod losses;
mod membership;
mod picture;
mod properties;
mod resume;
mod rogue;
mod rules;
mod search;
mod stages;
mod start;
mod statistics;
mod warmup;
mod wishes;
mod world;
