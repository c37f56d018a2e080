//! From the events of the YAML parser to the tree.
//!
//! Aliases are copies, so they have a budget; merge keys are resolved here; duplicate keys, tags and second documents are
//! errors. A file that YAML itself cannot read gives exactly one diagnostic, since what follows would be guesswork.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{Entry, Kind, Node, Scalar, hints};
use crate::diagnostics::Diagnostic;
use crate::plan::Place;

/// A larger file is not a scenario, and reading it would take long.
const LARGEST_FILE: usize = 8 << 20;
/// Deeper nesting is no scenario either, and what walks the tree recurses.
const DEEPEST: usize = 64;
/// What all aliases together may copy, in bytes of text plus [`NODE_COST`] for every value.
const ALIAS_BUDGET: usize = 16 << 20;
const NODE_COST: usize = 64;

/// Reads one YAML document. Problems that leave a usable tree (duplicate keys, tags) go to `problems`; without a usable tree
/// the answer is `None` and the reason is there too.
pub(crate) fn parse(text: &str, problems: &mut Vec<Diagnostic>) -> Option<Node> {
    if text.len() > LARGEST_FILE {
        problems.push(
            Diagnostic::anywhere(format!("the scenario is larger than {} MiB", LARGEST_FILE >> 20))
                .hint("put long bodies into files of their own and name them with `body_file`"),
        );
        return None;
    }
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        text,
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        budget: ALIAS_BUDGET,
        problems,
    };
    match builder.document() {
        Ok(root) => root,
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

/// What ends the reading. Boxed, because it is the rare case of every call.
type Fatal = Box<Diagnostic>;

struct Builder<'t, 'p> {
    text: &'t str,
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Anchor>,
    budget: usize,
    problems: &'p mut Vec<Diagnostic>,
}

/// A value that aliases may copy.
struct Anchor {
    node: Node,
    cost: usize,
    height: usize,
}

/// A value as it has just been read.
struct Built {
    node: Node,
    cost: usize,
    height: usize,
}

impl<'t> Builder<'t, '_> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Place)>, Fatal> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                if let Some(tag) = span.tag_span() {
                    self.problems.push(
                        Diagnostic::at(self.place(&tag), "YAML tags (`!name`) have no meaning in a scenario")
                            .hint("text that begins with `!` goes in quotes: \"!name\""),
                    );
                }
                let place = self.place(&span);
                Ok(Some((event, place)))
            }
            Some(Err(error)) => Err(Box::new(self.broken(&error))),
        }
    }

    fn broken(&self, error: &ScanError) -> Diagnostic {
        let marker = error.marker();
        hints::explain(self.text, error.kind(), self.place(&Span::empty(*marker)))
    }

    fn place(&self, span: &Span) -> Place {
        let start = span.start.byte_offset().unwrap_or(self.text.len()).min(self.text.len());
        let end = span.end.byte_offset().unwrap_or(start).clamp(start, self.text.len());
        Place {
            start,
            end,
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX).max(1),
            column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX),
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Fatal> {
        let mut root = None;
        let mut documents = 0;
        while let Some((event, place)) = self.next()? {
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(Box::new(
                            Diagnostic::at(
                                place,
                                "a scenario is one YAML document, and a second one begins here",
                            )
                            .hint("remove the `---`, or put what follows into a file of its own"),
                        ));
                    }
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                event => root = Some(self.node(event, place, 0)?.node),
            }
        }
        match root {
            Some(root) if !root.is_null() => Ok(Some(root)),
            _ => Err(Box::new(
                Diagnostic::at(Place { line: 1, column: 1, ..Place::default() }, "the scenario is empty")
                    .hint("the smallest one: a `target`, and `users` with a class that has `tasks`"),
            )),
        }
    }

    fn node(&mut self, event: Event<'t>, place: Place, depth: usize) -> Result<Built, Fatal> {
        if depth > DEEPEST {
            return Err(Box::new(too_deep(place)));
        }
        let (built, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let cost = NODE_COST + text.len();
                let scalar = Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                (Built { node: Node { place, kind: Kind::Scalar(scalar) }, cost, height: 0 }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(place, depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(place, depth)?, anchor),
            Event::Alias(id) => return self.alias(id, place, depth),
            // What else there is comes only with options that are off, or is not a value.
            _ => return Err(Box::new(Diagnostic::at(place, "a value was expected here"))),
        };
        if anchor != 0 {
            let Built { node, cost, height } = &built;
            self.spend(*cost, place)?;
            self.anchors.insert(anchor, Anchor { node: node.clone(), cost: *cost, height: *height });
        }
        Ok(built)
    }

    fn alias(&mut self, id: usize, place: Place, depth: usize) -> Result<Built, Fatal> {
        // An anchor is known only once its value is complete, so a value that contains itself ends here too.
        let Some(anchor) = self.anchors.get(&id) else {
            return Err(Box::new(Diagnostic::at(place, "this alias stands inside the value it names")));
        };
        let (cost, height) = (anchor.cost, anchor.height);
        if depth + height > DEEPEST {
            return Err(Box::new(too_deep(place)));
        }
        self.spend(cost, place)?;
        let node = self.anchors.get(&id).map(|anchor| anchor.node.clone());
        node.map(|node| Built { node, cost, height }).ok_or_else(|| Box::new(too_deep(place)))
    }

    fn spend(&mut self, cost: usize, place: Place) -> Result<(), Fatal> {
        match self.budget.checked_sub(cost) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(Box::new(
                Diagnostic::at(place, "the anchors and aliases of this file add up to too much text")
                    .hint("aliases of lists that hold aliases multiply; write out what is really meant"),
            )),
        }
    }

    fn list(&mut self, mut place: Place, depth: usize) -> Result<Built, Fatal> {
        let (mut items, mut cost, mut height) = (Vec::new(), NODE_COST, 0);
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                place.end = at.end.max(place.end);
                break;
            }
            let built = self.node(event, at, depth + 1)?;
            cost += built.cost;
            height = height.max(built.height + 1);
            items.push(built.node);
        }
        Ok(Built { node: Node { place, kind: Kind::List(items) }, cost, height })
    }

    fn map(&mut self, mut place: Place, depth: usize) -> Result<Built, Fatal> {
        let (mut entries, mut merged, mut cost, mut height) = (Vec::<Entry>::new(), Vec::new(), NODE_COST, 0);
        let mut seen: HashMap<String, Place> = HashMap::new();
        while let Some((event, at)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                place.end = at.end.max(place.end);
                break;
            }
            let key = self.node(event, at, depth + 1)?;
            let Some((event, value_at)) = self.next()? else { break };
            let value = self.node(event, value_at, depth + 1)?;
            cost += key.cost + value.cost;
            height = height.max(value.height + 1).max(key.height + 1);
            let Kind::Scalar(name) = key.node.kind else {
                self.problems.push(key_is_no_text(at));
                continue;
            };
            if name.plain && name.text == "<<" {
                merged.push(value.node);
                continue;
            }
            if let Some(first) = seen.get(&name.text) {
                self.problems.push(
                    Diagnostic::at(at, format!("`{}` stands here a second time", name.text))
                        .note(*first, "the first one is here"),
                );
                continue;
            }
            seen.insert(name.text.clone(), at);
            entries.push(Entry { key: name.text, key_place: at, value: value.node });
        }
        self.merge(&mut entries, merged);
        Ok(Built { node: Node { place, kind: Kind::Map(entries) }, cost, height })
    }

    /// Merge keys: what the map has itself wins, then the earlier of the merged maps.
    fn merge(&mut self, entries: &mut Vec<Entry>, merged: Vec<Node>) {
        let mut known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut maps = Vec::new();
        for node in merged {
            match node.kind {
                Kind::List(items) => maps.extend(items),
                _ => maps.push(node),
            }
        }
        for node in maps {
            let Kind::Map(more) = node.kind else {
                self.problems.push(
                    Diagnostic::at(
                        node.place,
                        format!("`<<` takes a map or a list of maps, not {}", node.found()),
                    )
                    .hint("for example `<<: *common`, with `&common` before a map further up"),
                );
                continue;
            };
            for entry in more {
                if known.insert(entry.key.clone()) {
                    entries.push(entry);
                }
            }
        }
    }
}

fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::at(place, format!("the file is nested more than {DEEPEST} levels deep"))
        .hint("a body that is nested so deeply goes into a file of its own: `body_file`")
}

fn key_is_no_text(place: Place) -> Diagnostic {
    Diagnostic::at(place, "a key must be text, not a list or a map")
        .hint("text that begins with `{`, `[` or `${` goes in quotes: \"${name}\"")
}
