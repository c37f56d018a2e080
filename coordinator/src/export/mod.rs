//! A run's figures for other programs while it runs.
//!
//! The run's task makes [`Figures`](crate::figures::Figures) once a second and puts them into a [`Feed`]; each exporter is a
//! task of its own that reads it. What an exporter does can neither stop nor slow the run.

pub mod catalogue;
mod datagrams;
mod delivery;
mod exporters;
mod feed;
pub mod influx;
pub mod live;
#[cfg(any(test, feature = "otlp"))]
pub mod otlp;
mod push;
pub mod remote_write;
mod scrape;
pub mod series;
pub mod statsd;
pub mod targets;
pub mod text;

#[cfg(test)]
mod tests;

pub use exporters::{ExportError, Exporters, Wanted};
pub use feed::{Exporting, Feed, QUEUE, Tick};
