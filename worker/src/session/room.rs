//! Whether the system has room for the users of an assignment: their connections are files and ports.

use stampede_proto::assign::OpenShare;

use super::Settings;
use crate::engine::prepared::Prepared;
use crate::limits::{Allowed, Needed, Shortage};

/// What is known of a worker when users are assigned to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) threads: usize,
    pub(super) settings: &'a Settings,
}

impl Room<'_> {
    /// Checks it for users of these `classes`; in the open model for as many as there may be.
    ///
    /// # Errors
    /// What is short.
    pub(super) fn holds(
        self,
        classes: impl Iterator<Item = u16>,
        open: Option<&OpenShare>,
    ) -> Result<(), Shortage> {
        self.needed(classes, open).fits(&Allowed::now(self.settings.sources.addresses()))
    }

    fn needed(self, classes: impl Iterator<Item = u16>, open: Option<&OpenShare>) -> Needed {
        let count = self.prepared.plan.classes.len();
        if let Some(open) = open {
            // Which classes arrivals bring is the schedule's business: room is wanted for the one that takes most.
            let alone = (0..count).map(|class| {
                let mut needed = Needed { at_most: true, ..self.nothing() };
                self.add(&mut needed, class, u64::from(open.max_users));
                needed
            });
            return alone.max_by_key(Needed::open_files).unwrap_or_default();
        }
        let mut users = vec![0; count];
        classes.for_each(|class| users[usize::from(class)] += 1);
        let mut needed = self.nothing();
        for (class, users) in users.into_iter().enumerate().filter(|(_, users)| *users > 0) {
            self.add(&mut needed, class, users);
        }
        needed
    }

    fn nothing(self) -> Needed {
        let (threads, both_ends) = (self.threads as u64, self.settings.hosts_target);
        Needed { both_ends, threads, ..Needed::default() }
    }

    fn add(self, needed: &mut Needed, class: usize, users: u64) {
        let targets = self.prepared.targets(class);
        needed.add(users, &targets.known, targets.others);
    }
}
