//! `--notify URL`: where the verdict is posted when the run is over, and how it is put.

use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use clap::Args as ClapArgs;

use super::exit::Error;
use super::interface::say;
use super::labels::LabelArgs;
use crate::notify::{Destination, Template, post};
use crate::report::Report;

/// Largest template, in bytes.
const LARGEST: u64 = 64 << 10;

/// Where the verdict goes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct NotifyArgs {
    /// Post the verdict to this URL as JSON when the test is over; better as a variable: flags stand in the list of processes
    #[arg(long, value_name = "URL", env = "STAMPEDE_NOTIFY", hide_env_values = true)]
    notify: Option<Hidden>,

    /// Put it like this: `slack`, or a file of JSON with ${…} in it
    #[arg(long, value_name = "HOW", env = "STAMPEDE_NOTIFY_TEMPLATE", requires = "notify")]
    notify_template: Option<String>,
}

/// A text that no message repeats: what is wrong with it may be the smallest part of it.
#[derive(Clone)]
struct Hidden(String);

impl FromStr for Hidden {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}

/// What was found to be in order before the run.
#[derive(Debug, Default)]
pub(super) struct Notification(Option<(Destination, Template)>);

impl NotifyArgs {
    /// Reads what there is to read.
    ///
    /// # Errors
    /// When the template cannot be used for a run with these labels.
    pub(super) fn prepare(&self, labels: &LabelArgs) -> Result<Notification, Error> {
        // A variable that is set to nothing asks for nothing.
        let Some(url) = self.notify.as_ref().filter(|url| !url.0.trim().is_empty()) else {
            return Ok(Notification(None));
        };
        let to = Destination::new(&url.0).map_err(|error| Error::Usage(format!("--notify: {error}")))?;
        let template = match self.notify_template.as_deref() {
            None => Template::default(),
            Some("slack") => Template::slack(),
            Some(file) => {
                let failed = |why: String| Error::Usage(format!("--notify-template {file}: {why}"));
                let text = read(Path::new(file)).map_err(failed)?;
                Template::new(&text, &labels.by_key()?).map_err(|error| failed(error.to_string()))?
            }
        };
        Ok(Notification(Some((to, template))))
    }
}

impl Notification {
    /// Posts the verdict. That it cannot be posted is said, and changes nothing of how the test went.
    pub(super) fn send(&self, report: &Report) {
        let Some((to, template)) = &self.0 else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let posted = match runtime {
            Ok(runtime) => runtime.block_on(post(to, template.body(report))),
            Err(error) => Err(format!("no runtime: {error}")),
        };
        match posted {
            Ok(()) => tracing::info!("the verdict was posted to {to}"),
            Err(why) => say(&format!("warning: the verdict was not posted to {to}: {why}")),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err("too large for a template".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
