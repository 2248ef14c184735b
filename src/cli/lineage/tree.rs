//! Draws a tree of names. What was shown with all that hangs on it is not shown a second time.

use std::collections::BTreeSet;

/// A name, and how it looks.
pub(super) struct Node<Name> {
    pub(super) name: Name,
    pub(super) label: String,
}

/// The tree below `root`, one line per name; `children` are those of a name.
pub(super) fn draw<Name: Clone + Ord>(
    root: &Name,
    children: &dyn Fn(&Name) -> Vec<Node<Name>>,
) -> String {
    let mut drawing = Drawing {
        children,
        shown: BTreeSet::new(),
        text: String::new(),
    };
    drawing.below(root, "  ");
    drawing.text
}

struct Drawing<'a, Name> {
    children: &'a dyn Fn(&Name) -> Vec<Node<Name>>,
    shown: BTreeSet<Name>,
    text: String,
}

impl<Name: Clone + Ord> Drawing<'_, Name> {
    /// As deep as models build on each other.
    fn below(&mut self, name: &Name, indent: &str) {
        let children = (self.children)(name);
        let last = children.len().saturating_sub(1);
        for (number, child) in children.into_iter().enumerate() {
            let (branch, rest) = if number == last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            let has_more = !(self.children)(&child.name).is_empty();
            let is_new = self.shown.insert(child.name.clone());
            let again = if has_more && !is_new { "  …" } else { "" };
            let line = format!("{indent}{branch}{}{again}\n", child.label);
            self.text.push_str(&line);
            if is_new {
                self.below(&child.name, &format!("{indent}{rest}"));
            }
        }
    }
}
