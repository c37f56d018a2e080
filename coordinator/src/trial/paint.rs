//! Colours, where there is a terminal to show them.

/// How text is set off.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Whether colours can be shown.
    pub color: bool,
}

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// What names something.
    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What is beside the point.
    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// What is well.
    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What is not.
    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }
}
