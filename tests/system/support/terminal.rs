//! A terminal of 80 × 24 with nobody at it but the test.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::process::Process;

/// Both ends of a pseudo-terminal: the one with the keyboard and the one programs are started on.
#[derive(Debug)]
pub(crate) struct Terminal {
    keyboard: File,
    programs: OwnedFd,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        // Neither end may become the terminal that controls this test.
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&keyboard).expect("granted");
        unlockpt(&keyboard).expect("unlocked");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keyboard, size).expect("a size");
        let name = ptsname(&keyboard, Vec::new()).expect("a name");
        let name = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
        let flags = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
        let programs = OpenOptions::new().read(true).write(true).custom_flags(flags).open(name);
        Self { keyboard: keyboard.into(), programs: programs.expect("the other end").into() }
    }

    pub(crate) fn start(&self, command: Command) -> Process {
        let screen = self.keyboard.try_clone().expect("a second handle");
        Process::on_terminal(command, &self.programs, screen)
    }

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("a keyboard");
    }

    /// What a program that ends must leave as it found it: how input, output and lines are treated.
    pub(crate) fn modes(&self) -> String {
        let Termios { input_modes, output_modes, control_modes, local_modes, .. } =
            tcgetattr(&self.programs).expect("a terminal");
        format!("{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?}")
    }
}
