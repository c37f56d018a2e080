//! `--notify URL`: the verdict of a run, posted when it is over.
//!
//! `facts` picks from the report what is told, `template` puts it into a text of the user's own, `post` sends it. Everything that
//! can be wrong with what was given is found before the run.

mod facts;
mod post;
mod template;

pub use post::{Destination, DestinationError, post};
pub use template::{Template, TemplateError};
