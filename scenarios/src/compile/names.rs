//! Endpoints and assets, each known by a number once it has been named.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::expression::FileText;
use crate::plan::{AssetId, AssetRef, EndpointId, EndpointName, Place, RowKind};

/// Hands out the numbers, in the order of the file.
#[derive(Default)]
pub(super) struct Names {
    endpoints: RefCell<Table<EndpointName>>,
    assets: RefCell<Table<AssetRef>>,
    files: RefCell<Vec<FileText>>,
}

struct Table<T> {
    list: Vec<T>,
    numbers: HashMap<(String, String), u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { list: Vec::new(), numbers: HashMap::new() }
    }
}

impl<T> Table<T> {
    fn number(&mut self, key: (String, String), make: impl FnOnce() -> T) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(key).or_insert(next);
        if number == next {
            self.list.push(make());
        }
        number
    }
}

impl Names {
    /// The endpoint of a method and a name, wherever else it is used.
    pub(super) fn endpoint(&self, method: &str, name: &str) -> EndpointId {
        let make =
            || EndpointName { kind: RowKind::Request, method: method.to_owned(), name: name.to_owned() };
        EndpointId(self.endpoints.borrow_mut().number((method.to_owned(), name.to_owned()), make))
    }

    /// A row of another kind.
    pub(super) fn row(&self, kind: RowKind, method: &str, name: &str) -> EndpointId {
        let make = || EndpointName { kind, method: method.to_owned(), name: name.to_owned() };
        let key = (format!("{kind:?} {method}"), name.to_owned());
        EndpointId(self.endpoints.borrow_mut().number(key, make))
    }

    /// The asset of a path, wherever else it is used.
    pub(super) fn asset(&self, path: &str, place: Place) -> AssetId {
        let make = || AssetRef { path: path.to_owned(), place };
        AssetId(self.assets.borrow_mut().number((path.to_owned(), String::new()), make))
    }

    /// The text of a file, the same wherever it is named.
    pub(super) fn file(&self, path: &str, place: Place) -> FileText {
        let asset = self.asset(path, place);
        let mut files = self.files.borrow_mut();
        if let Some(file) = files.iter().find(|file| file.asset == asset) {
            return file.clone();
        }
        let file = FileText::new(asset, path);
        files.push(file.clone());
        file
    }

    /// The files whose text stands in expressions.
    pub(super) fn files(&self) -> Vec<FileText> {
        self.files.borrow().clone()
    }

    pub(super) fn into_lists(self) -> (Vec<EndpointName>, Vec<AssetRef>) {
        (self.endpoints.into_inner().list, self.assets.into_inner().list)
    }
}
