//! Which test is meant: a file, a URL, a list of URLs, or the built-in demo.

use std::path::Path;

use super::args::RunArgs;
use super::exit::Error;
use super::prepare::Chosen;
use super::urls::{from_flags, from_list, is_url};

/// Which scenario, and whether the demo target is wanted.
///
/// # Errors
/// When nothing is named, flags contradict each other, or what is named is not there.
pub(super) fn choose(args: &RunArgs, full_screen: bool) -> Result<(Chosen, bool), Error> {
    let url = args.scenario.as_deref().filter(|given| is_url(given));
    if let Some(found) = without_file(args, url)? {
        return Ok((found, false));
    }
    if let Some((flag, instead)) = args.urls.first_given() {
        let text =
            format!("{flag} is for a test without a scenario file (coordinator URL); in a file {instead}");
        return Err(Error::Usage(text));
    }
    let Some(scenario) = &args.scenario else {
        let here = Path::new("scenario.yaml");
        if args.demo {
            return Ok((Chosen::demo(), true));
        }
        if here.exists() {
            return Ok((Chosen::file(here)?, false));
        }
        if full_screen && args.expect_workers.is_none() {
            return Ok((Chosen::demo(), true));
        }
        let ways = "no scenario, and there is no scenario.yaml here. Three ways on:\n  \
                    coordinator FILE      a scenario file, for example examples/predict.yaml; `coordinator new` writes one\n  \
                    coordinator URL       one URL, no file\n  \
                    coordinator --demo    the built-in demo";
        return Err(Error::Usage(ways.to_owned()));
    };
    Ok((Chosen::file(Path::new(scenario))?, args.demo))
}

/// A test of one URL or of a list, if one is asked for.
fn without_file(args: &RunArgs, url: Option<&str>) -> Result<Option<Chosen>, Error> {
    let list = args.urls.urls.as_deref();
    if args.demo && (url.is_some() || list.is_some()) {
        let text = "a URL and --demo: the demo aims at a target of its own; leave one of them out";
        return Err(Error::Usage(text.to_owned()));
    }
    let source = match (&args.scenario, url, list) {
        (Some(given), _, Some(list)) => {
            let (list, text) = (list.display(), "--urls lists what is tested, and so does");
            return Err(Error::Usage(format!("{text} `{given}`; leave one of them out (--urls {list})")));
        }
        (_, Some(url), None) => from_flags(url, &args.urls, &args.load)?,
        (None, _, Some(list)) => from_list(list, &args.urls, &args.load)?,
        (_, None, None) => return Ok(None),
    };
    Ok(Some(Chosen::made(source)))
}
