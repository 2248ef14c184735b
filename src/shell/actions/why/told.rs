//! The way of a key as a text: where it is, where it is not any more, and what is said of it beside the way. Pure.

use std::collections::BTreeSet;

use super::{Found, LOOKED_AT};
use crate::{
    cli::lineage::words::phrases,
    engine::{Lineage, TableKind},
    report::runs::aligned,
};

/// All that is known of a key.
pub(super) struct Story<'a> {
    pub(super) key: &'a str,
    /// The names that it goes by.
    pub(super) names: &'a BTreeSet<String>,
    /// What each table has of it.
    pub(super) found: &'a [Found<'a>],
    pub(super) lineage: &'a Lineage,
    /// The model that is loaded.
    pub(super) loaded: &'a str,
}

impl Story<'_> {
    /// The text.
    pub(super) fn text(&self) -> String {
        if self.found.iter().all(|one| one.rows == 0) {
            return format!("`{}` is in no table of this run\n", self.key);
        }
        let way = self.lineage.ancestors(self.loaded);
        [
            self.verdict(),
            self.way(),
            self.left_out_by(&way),
            self.said_beside(&way),
        ]
        .concat()
    }

    fn has(&self, table: &str) -> bool {
        let mut found = self.found.iter();
        found.any(|one| one.table.name == table && one.rows > 0)
    }

    fn verdict(&self) -> String {
        let Self { key, loaded, .. } = self;
        let is = if self.has(loaded) { "is" } else { "is not" };
        let names = self.names.iter().map(String::as_str);
        let others: Vec<&str> = names.filter(|name| name != key).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            others => format!("it is also called {}\n", others.join(", ")),
        };
        format!("`{key}` {is} in the output (`{loaded}`)\n{others}")
    }

    fn way(&self) -> String {
        let found = self.found.iter().filter(|one| one.rows > 0);
        let rows = found.map(|one| {
            let rows = match one.rows {
                LOOKED_AT => format!("{LOOKED_AT} or more"),
                rows => rows.to_string(),
            };
            vec![one.table.name.clone(), rows]
        });
        let rows = aligned("  ", &["table", "rows"], &rows.collect::<Vec<_>>());
        format!("\nits way\n{rows}")
    }

    /// The first models on the way that have it no more. What reads a table that has lost it already is not to
    /// blame.
    fn left_out_by(&self, way: &BTreeSet<String>) -> String {
        if self.has(self.loaded) {
            return String::new();
        }
        let is_gone = |one: &&Found<'_>| {
            let table = one.table;
            one.rows == 0 && table.kind == TableKind::Model && way.contains(&table.name)
        };
        let gone: Vec<&Found<'_>> = self.found.iter().filter(is_gone).collect();
        let is_lost = |read: &String| gone.iter().any(|one| one.table.name == *read);
        let first = gone.iter().filter(|one| {
            let reads = &one.table.reads;
            reads.iter().any(|read| self.has(read)) && !reads.iter().any(is_lost)
        });
        let lines: Vec<String> = first.map(|one| self.blamed(one)).collect();
        match lines.as_slice() {
            [] => String::new(),
            lines => format!("\nleft out by\n{}", lines.concat()),
        }
    }

    fn blamed(&self, found: &Found<'_>) -> String {
        let reads = found.table.reads.iter().filter(|read| self.has(read));
        let reads: Vec<&str> = reads.map(String::as_str).collect();
        let why = phrases(&found.table.rows).join("; ");
        format!(
            "  {}, which reads {}: rows {why}\n",
            found.table.name,
            reads.join(", ")
        )
    }

    /// What became of it, as tables tell that are not on the way to the output.
    fn said_beside(&self, way: &BTreeSet<String>) -> String {
        let is_beside = |one: &&Found<'_>| {
            let table = one.table;
            one.rows > 0 && table.kind != TableKind::Source && !way.contains(&table.name)
        };
        let mut text = String::new();
        for one in self.found.iter().filter(is_beside) {
            text.push_str(&format!("\n{} says\n", one.table.name));
            for (name, value) in &one.first {
                text.push_str(&format!("  {name}: {value}\n"));
            }
        }
        text
    }
}
