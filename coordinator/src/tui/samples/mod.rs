//! Made-up views for the tests: one for each state a run can be in, and some that are meant to be awkward.
//!
//! Fixed values only, so that frames drawn from them can be compared as snapshots. `rows` makes the parts they are put together
//! from.

mod odd;
mod rows;
mod states;

pub(crate) use odd::{awkward, empty, many_endpoints};
pub(crate) use states::{
    arriving, draining, failing, finished, limited, preparing, ramping, running, searching, waiting,
    warming_up, worker_lost,
};
