//! `coordinator watch`: a run as seen from elsewhere.
//!
//! At the coordinator pictures of the run hang in a `gallery` and go out through the `service`; at the other end `follow` takes
//! them, over a `line` of its own, and hands on views as if the run were here. A `picture` is a view as bytes.

mod follow;
mod gallery;
pub(crate) mod kinds;
mod line;
mod picture;
mod service;

pub use follow::{Attached, WatchError};
pub use gallery::{Follower, Gallery};
pub use line::{Io, Line, Tls, TlsError};
pub use picture::{PictureError, pack, unpack};
pub use service::WatchService;
