//! A response as `expect` and `extract` look at it: its bytes, and what they make of them once for all of their rules.
//!
//! The tree of a JSON body and that of an HTML page are made when something asks for them first, and never if nothing does.

use serde_json::Value as Json;

use crate::json::{self, Malformed};
use crate::page::{Page, Tangled};

/// What of a response somebody looks at. What no plan of the request looks at may be left empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResponseView<'a> {
    /// Header lines, each `name: value\r\n`.
    pub head: &'a [u8],
    /// The body, unpacked.
    pub body: &'a [u8],
    /// The `cookie` header that the user would send to the same place now.
    pub cookies: &'a [u8],
}

/// A response that is looked at. It must not outlive the work of one request, nor cross threads.
#[derive(Debug)]
pub struct Contents<'a> {
    pub(crate) view: ResponseView<'a>,
    tree: Option<Result<Json, Malformed>>,
    page: Option<Result<Page, Tangled>>,
}

impl<'a> Contents<'a> {
    /// Of these bytes. Costs nothing.
    pub fn new(view: ResponseView<'a>) -> Self {
        Self { view, tree: None, page: None }
    }

    /// The body as JSON.
    pub(crate) fn tree(&mut self) -> Result<&Json, Malformed> {
        let read = || serde_json::from_slice(json::bytes_of(self.view.body)).map_err(|_| Malformed);
        self.tree.get_or_insert_with(read).as_ref().map_err(|malformed| *malformed)
    }

    /// The body as HTML.
    pub(crate) fn page(&mut self) -> Result<&Page, Tangled> {
        self.page.get_or_insert_with(|| Page::read(self.view.body)).as_ref().map_err(|tangled| *tangled)
    }
}
