//! An HTML page as a tree, and what a CSS selector finds in it.
//!
//! A page is read like a browser reads it: nothing is an error, and what is missing is put in. Reading it costs more the deeper
//! its elements are nested, and some pages multiply while they are read, so both depth and size have limits.

use std::fmt;

use html5ever::driver::{self, ParseOpts};
use html5ever::tendril::TendrilSink;
use scraper::{ElementRef, Html, HtmlTreeSink, Selector};

/// A larger page is not looked through, in bytes.
const LARGEST: usize = 8 << 20;
/// Elements inside each other. Browsers stop nesting at 512.
const DEEPEST: usize = 1024;
/// Elements and texts of a page; also so many bytes are taken out of it at most, times [`TEXT_PER_NODE`].
const MOST_NODES: usize = 500_000;
const TEXT_PER_NODE: usize = 32;
/// So many bytes are read between two looks at the limits.
const STRIDE: usize = 2048;

/// What is looked for in a page.
#[derive(Debug, Clone)]
pub struct Css {
    text: String,
    selector: Selector,
    /// An attribute of the element, in lower case; without it the element's text.
    attr: Option<String>,
}

impl Css {
    /// Reads a selector; `None` if it is none.
    pub(crate) fn parse(text: &str, attr: Option<&str>) -> Option<Self> {
        let selector = Selector::parse(text).ok()?;
        Some(Self { text: text.to_owned(), selector, attr: attr.map(str::to_ascii_lowercase) })
    }
}

impl fmt::Display for Css {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attr {
            Some(attr) => write!(f, "{} attr {attr}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The page goes beyond a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page is too large or nested too deeply")]
pub(crate) struct Tangled;

/// A page that has been read.
#[derive(Debug)]
pub(crate) struct Page(Html);

impl Page {
    /// Reads a page; what is no UTF-8 of it becomes `U+FFFD`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Tangled> {
        if body.len() > LARGEST {
            return Err(Tangled);
        }
        let text = String::from_utf8_lossy(body);
        let sink = HtmlTreeSink::new(Html::new_document());
        let mut parser = driver::parse_document(sink, ParseOpts::default());
        let mut rest = text.as_ref();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(boundary(rest));
            parser.process(piece.into());
            if is_tangled(&parser.tokenizer.sink.sink.0.borrow()) {
                return Err(Tangled);
            }
            rest = behind;
        }
        Ok(Self(parser.finish()))
    }

    /// What the selector finds.
    pub(crate) fn find<'p>(&'p self, css: &'p Css) -> Matches<'p> {
        Matches { page: &self.0, css }
    }
}

/// Where the next piece of a text ends.
fn boundary(text: &str) -> usize {
    let longest = STRIDE.min(text.len());
    (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

/// Whether what has been read so far goes beyond a limit. What was read last is what may be too deep.
fn is_tangled(page: &Html) -> bool {
    let newest = page.tree.nodes().rev().take(4);
    page.tree.values().len() > MOST_NODES
        || newest.into_iter().any(|node| node.ancestors().take(DEEPEST + 1).count() > DEEPEST)
}

/// The elements that a selector finds and that have what is wanted of them, in the order of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matches<'p> {
    page: &'p Html,
    css: &'p Css,
}

impl Matches<'_> {
    pub(crate) fn first(self) -> Option<String> {
        self.elements().next().map(|element| self.text(element))
    }

    pub(crate) fn last(self) -> Option<String> {
        self.elements().last().map(|element| self.text(element))
    }

    /// The one at the place that `choose` names, given how many there are.
    pub(crate) fn one(self, choose: impl FnOnce(usize) -> usize) -> Option<String> {
        let all: Vec<ElementRef<'_>> = self.elements().collect();
        all.get(choose(all.len())).map(|element| self.text(*element))
    }

    /// All of them. The text of an element has that of those inside it, so together they may be far longer than the page.
    pub(crate) fn texts(self) -> Result<Vec<String>, Tangled> {
        let mut left = MOST_NODES * TEXT_PER_NODE;
        let mut texts = Vec::new();
        for element in self.elements() {
            let text = self.text(element);
            left = left.checked_sub(text.len()).ok_or(Tangled)?;
            texts.push(text);
        }
        Ok(texts)
    }

    fn elements(&self) -> impl Iterator<Item = ElementRef<'_>> {
        let attr = self.css.attr.as_deref();
        let has = move |element: &ElementRef<'_>| attr.is_none_or(|attr| element.attr(attr).is_some());
        self.page.select(&self.css.selector).filter(has)
    }

    /// The attribute as it is, or the text without the blanks around it.
    fn text(&self, element: ElementRef<'_>) -> String {
        match self.css.attr.as_deref() {
            Some(attr) => element.attr(attr).unwrap_or_default().to_owned(),
            None => element.text().collect::<String>().trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><title>Shop</title>
<form action=/buy><input name=csrf VALUE="a&amp;b"><input name="sku" value=''></form>
<ul><li class="item hot">One <b>big</b> thing<li class=item>Two<li class=item data-id=3>Three</ul>
<script>var x = "<li class=item>no</li>";</script>"#;

    fn texts(page: &str, selector: &str, attr: Option<&str>) -> Vec<String> {
        let css = Css::parse(selector, attr).expect("a selector");
        let page = Page::read(page.as_bytes()).expect("within the limits");
        page.find(&css).texts().expect("within the limits")
    }

    #[test]
    fn elements_are_found_as_a_browser_finds_them() {
        for (selector, attr, expected) in [
            ("input[name=csrf]", Some("value"), vec!["a&b"]),
            ("input", Some("VALUE"), vec!["a&b", ""]),
            ("input[name=csrf]", None, vec![""]),
            ("title", None, vec!["Shop"]),
            ("li.item", None, vec!["One big thing", "Two", "Three"]),
            ("li:nth-child(2), li.hot b", None, vec!["big", "Two"]),
            ("ul > li:not(.hot)[data-id]", None, vec!["Three"]),
            ("li", Some("data-id"), vec!["3"]),
            ("form .item", None, vec![]),
        ] {
            assert_eq!(texts(PAGE, selector, attr), expected, "{selector}");
        }
    }

    #[test]
    fn one_of_several_is_chosen() {
        let css = Css::parse("li", None).expect("a selector");
        let page = Page::read(PAGE.as_bytes()).expect("within the limits");
        let found = page.find(&css);
        assert_eq!(found.first().as_deref(), Some("One big thing"));
        assert_eq!(found.last().as_deref(), Some("Three"));
        assert_eq!(found.one(|count| count - 2).as_deref(), Some("Two"));
        assert_eq!(found.one(|count| count), None);
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["", "li[", "a::text", ":nope(", "123", "a,,b", "@media", "li:nth-child(x)"] {
            assert!(Css::parse(text, None).is_none(), "{text}");
        }
    }

    #[test]
    fn hostile_pages_end_soon() {
        let many = 1 << 18;
        // Each paragraph opens all of them again.
        let bold = (0..400).map(|id| format!("<b id={id}>")).collect::<Vec<_>>().concat();
        for (page, tangled) in [
            ("<div>".repeat((1 << 20) / 5), true),
            ("<p>".to_owned() + &bold + &"<p>x".repeat(many / 4), true),
            ("<table>".repeat(many / 7), false),
            ("<p>x</p>".repeat(many / 8), false),
            ("<".repeat(many), false),
            ("&".repeat(many), false),
            ("</div>".repeat(many / 6), false),
            ("\0\u{fffd}".repeat(many / 4), false),
            ("<a ".to_owned() + &"x='y' ".repeat(5_000) + ">", false),
        ] {
            let read = Page::read(page.as_bytes());
            let start: String = page.chars().take(20).collect();
            assert_eq!(read.is_err(), tangled, "{start}");
        }
        assert!(Page::read(&vec![b'x'; LARGEST + 1]).is_err());
        assert!(Page::read(b"\xff\xfe<p>\xff</p>").is_ok());
    }

    #[test]
    fn texts_within_each_other_are_bounded() {
        let page = "<div>".repeat(900) + &"x".repeat(100_000);
        let css = Css::parse("div", None).expect("a selector");
        let page = Page::read(page.as_bytes()).expect("within the limits");
        assert_eq!(page.find(&css).texts(), Err(Tangled));
        assert_eq!(page.find(&css).first().map(|text| text.len()), Some(100_000));
    }
}
