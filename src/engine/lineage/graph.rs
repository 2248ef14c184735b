//! Questions to the graph of tables and columns: what lies above and below.

use std::collections::{BTreeMap, BTreeSet};

use super::{Column, How, Lineage, Sources, Table, TableColumn, TableKind};

impl Lineage {
    /// The table `name`.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// A column, if there is such a one.
    pub fn column(&self, wanted: &TableColumn) -> Option<&Column> {
        let columns = &self.table(&wanted.table)?.columns;
        columns.iter().find(|column| column.name == wanted.column)
    }

    /// The tables that read `name`, in the order of building.
    pub fn readers(&self, name: &str) -> Vec<&str> {
        let reads = |table: &&Table| table.reads.iter().any(|read| read == name);
        let readers = self.tables.iter().filter(reads);
        readers.map(|table| table.name.as_str()).collect()
    }

    /// All tables that `name` is made of, and it.
    pub fn ancestors(&self, name: &str) -> BTreeSet<String> {
        let reads = |name: &str| self.table(name).map_or(vec![], |table| table.reads.clone());
        closure(name, reads)
    }

    /// All tables that are made of `name`, and it.
    pub fn descendants(&self, name: &str) -> BTreeSet<String> {
        closure(name, |name| {
            let readers = self.readers(name).into_iter();
            readers.map(str::to_owned).collect()
        })
    }

    /// What a column is made of; of nothing if there is no such column.
    pub fn sources(&self, wanted: &TableColumn) -> BTreeMap<TableColumn, BTreeSet<How>> {
        let column = self.column(wanted);
        column.map_or_else(BTreeMap::new, |column| column.sources.from.clone())
    }

    /// The columns that use `wanted`, and how.
    pub fn uses(&self, wanted: &TableColumn) -> Vec<(TableColumn, BTreeSet<How>)> {
        let columns = self.tables.iter().flat_map(|table| {
            let columns = table.columns.iter();
            columns.filter_map(|column| {
                let ways = column.sources.from.get(wanted)?;
                Some((TableColumn::new(&table.name, &column.name), ways.clone()))
            })
        });
        columns.collect()
    }

    /// The tables whose rows `wanted` decides about, and how.
    pub fn decides(&self, wanted: &TableColumn) -> Vec<(&str, &BTreeSet<How>)> {
        let tables = self.tables.iter();
        tables
            .filter_map(|table| Some((table.name.as_str(), table.rows.from.get(wanted)?)))
            .collect()
    }

    /// What `wanted` is made of in the end: columns that no model makes.
    pub fn origins(&self, wanted: &TableColumn) -> Sources {
        let mut found: BTreeMap<TableColumn, BTreeSet<How>> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut rest = vec![(wanted.clone(), How::Identity)];
        while let Some((column, how)) = rest.pop() {
            if !seen.insert((column.clone(), how)) {
                continue;
            }
            let is_made = |table: &Table| table.kind == TableKind::Model;
            if !self.table(&column.table).is_some_and(is_made) {
                found.entry(column).or_default().insert(how);
                continue;
            }
            let Some(of) = self.column(&column) else {
                continue;
            };
            unknown.extend(of.sources.unknown.iter().cloned());
            for (source, ways) in &of.sources.from {
                rest.extend(ways.iter().map(|way| (source.clone(), way.then(how))));
            }
        }
        Sources {
            from: found,
            unknown,
        }
    }
}

fn closure(name: &str, next: impl Fn(&str) -> Vec<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut rest = vec![name.to_owned()];
    while let Some(name) = rest.pop() {
        if seen.insert(name.clone()) {
            rest.extend(next(&name));
        }
    }
    seen
}
