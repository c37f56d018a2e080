//! Which refusals are told to the person in front of the coordinator: one line for each peer and reason a minute, and never a
//! flood, whatever somebody does to the port. Pure: time is passed in.

use core::net::IpAddr;
use std::collections::HashMap;
use std::time::Duration;

/// The same of the same address is told again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// Addresses and reasons that are remembered. More than that is a scan, and told as one.
const REMEMBERED: usize = 64;

/// Lines in all: they stand in the report.
const LINES: u32 = 200;

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: HashMap<(Option<IpAddr>, String), Told>,
    lines: u32,
    /// Until when strangers beyond the remembered ones are not told of.
    scan_until: Option<Duration>,
}

#[derive(Debug)]
struct Told {
    at: Duration,
    /// Not told since then.
    silent: u32,
}

impl Refusals {
    /// `peer` was refused at `now` because of `why`; what to tell, if anything.
    pub(super) fn line(&mut self, peer: Option<IpAddr>, why: &str, now: Duration) -> Option<String> {
        if self.lines > LINES {
            return None;
        }
        let line = self.news(peer, why, now)?;
        self.lines += 1;
        Some(if self.lines > LINES { format!("{line}; further refusals are not told") } else { line })
    }

    fn news(&mut self, peer: Option<IpAddr>, why: &str, now: Duration) -> Option<String> {
        let key = (peer, why.to_owned());
        if let Some(told) = self.told.get_mut(&key) {
            if now < told.at + AGAIN {
                told.silent = told.silent.saturating_add(1);
                return None;
            }
            let silent = std::mem::take(&mut told.silent);
            told.at = now;
            let more = if silent > 0 { format!(" ({silent} more times in between)") } else { String::new() };
            return Some(format!("{}{more}", sentence(peer, why)));
        }
        self.told.retain(|_, told| now < told.at + AGAIN);
        if self.told.len() < REMEMBERED {
            self.told.insert(key, Told { at: now, silent: 0 });
            return Some(sentence(peer, why));
        }
        if self.scan_until.is_some_and(|until| now < until) {
            return None;
        }
        self.scan_until = Some(now + AGAIN);
        Some("refused many peers from many addresses; further ones are not named for a minute".to_owned())
    }
}

fn sentence(peer: Option<IpAddr>, why: &str) -> String {
    match peer {
        Some(peer) => format!("refused a peer at {peer}: {why}"),
        None => format!("refused a peer: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_same_is_told_once_a_minute_with_how_often_it_was_silent() {
        let mut refusals = Refusals::default();
        let mut line = |second: u32, why: &str| refusals.line(Some(address(1)), why, SECOND * second);
        assert_eq!(line(0, "no token").as_deref(), Some("refused a peer at 192.0.2.1: no token"));
        assert_eq!(line(1, "no token"), None);
        assert_eq!(line(59, "no token"), None);
        assert_eq!(line(2, "no TLS").as_deref(), Some("refused a peer at 192.0.2.1: no TLS"));
        let again = "refused a peer at 192.0.2.1: no token (2 more times in between)";
        assert_eq!(line(60, "no token").as_deref(), Some(again));
        assert_eq!(line(61, "no token"), None);
        assert_eq!(
            line(125, "no token").as_deref(),
            Some("refused a peer at 192.0.2.1: no token (1 more times in between)")
        );
    }

    #[test]
    fn a_scan_is_a_few_lines_and_bounded_memory() {
        let mut refusals = Refusals::default();
        let told =
            (0..=255).filter_map(|last| refusals.line(Some(address(last)), "no token", SECOND)).count();
        assert_eq!(told, REMEMBERED + 1);
        assert_eq!(refusals.told.len(), REMEMBERED);
        assert!(
            refusals.line(Some(address(200)), "no token", SECOND * 62).is_some(),
            "a minute later they are news again"
        );
        assert_eq!(refusals.told.len(), 1);
        let told =
            (1..1000).filter_map(|minute| refusals.line(Some(address(1)), "no token", SECOND * 90 * minute));
        let told: Vec<_> = told.collect();
        assert_eq!(told.len() + REMEMBERED + 2, LINES as usize + 1);
        assert!(told.last().is_some_and(|line| line.ends_with("further refusals are not told")));
    }
}
