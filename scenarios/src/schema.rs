//! The scenario file as a JSON Schema, with which editors complete and check it while it is written.
//!
//! It is one declarative file, `schema/scenario.json`. The compiler's own tables say the same for its messages; a test holds
//! the two together, key by key. The schema cannot know everything: what a name means, or that weights are not all zero, only
//! the compiler says.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod validate;

/// JSON Schema (draft 7, the one editors know best) of a scenario file.
pub const SCHEMA: &str = include_str!("schema/scenario.json");
