//! What something is made of: columns of tables, each with the ways in which it is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TableColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

impl TableColumn {
    /// The column `column` of `table`.
    pub fn new(table: &str, column: &str) -> Self {
        Self {
            table: table.to_owned(),
            column: column.to_owned(),
        }
    }
}

impl fmt::Display for TableColumn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.table, self.column)
    }
}

/// How a column is used. The first three are about values, the others about conditions; the names are
/// those of `OpenLineage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum How {
    /// The value as it is.
    Identity,
    /// A value computed from it, row by row.
    Transformation,
    /// A value computed from many rows.
    Aggregation,
    /// It decides which rows of two tables belong together.
    Join,
    /// It decides which rows stay.
    Filter,
    /// It decides which rows become one.
    GroupBy,
    /// It decides the order.
    Sort,
    /// It decides what a window function sees.
    Window,
    /// It decides which value is taken.
    Conditional,
}

impl How {
    /// Whether values flow.
    pub fn is_direct(self) -> bool {
        matches!(
            self,
            Self::Identity | Self::Transformation | Self::Aggregation
        )
    }

    /// Its name in `OpenLineage`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY",
            Self::Transformation => "TRANSFORMATION",
            Self::Aggregation => "AGGREGATION",
            Self::Join => "JOIN",
            Self::Filter => "FILTER",
            Self::GroupBy => "GROUP_BY",
            Self::Sort => "SORT",
            Self::Window => "WINDOW",
            Self::Conditional => "CONDITIONAL",
        }
    }

    /// How a column is used in the end that is used like this in something that is used like `outer`:
    /// what has become a condition moves no values any more.
    #[must_use]
    pub fn then(self, outer: Self) -> Self {
        match (self.is_direct(), outer.is_direct()) {
            (_, false) => outer,
            (false, true) => self,
            (true, true) => self.max(outer),
        }
    }
}

/// What something is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Columns, each with the ways in which it is used.
    pub from: BTreeMap<TableColumn, BTreeSet<How>>,
    /// What could not be followed, in words.
    pub unknown: BTreeSet<String>,
}

impl Sources {
    /// One column.
    pub fn of(column: TableColumn, how: How) -> Self {
        Self {
            from: BTreeMap::from([(column, BTreeSet::from([how]))]),
            unknown: BTreeSet::new(),
        }
    }

    /// Something that cannot be followed.
    pub(super) fn unknown(what: impl Into<String>) -> Self {
        Self {
            from: BTreeMap::new(),
            unknown: BTreeSet::from([what.into()]),
        }
    }

    /// Adds `other`, which is used like `how`.
    pub(super) fn add(&mut self, other: &Self, how: How) {
        for (column, ways) in &other.from {
            let own = self.from.entry(column.clone()).or_default();
            own.extend(ways.iter().map(|way| way.then(how)));
        }
        self.unknown.extend(other.unknown.iter().cloned());
    }

    /// The columns that values come from.
    pub fn direct(&self) -> impl Iterator<Item = (&TableColumn, How)> {
        // The strongest way says most.
        self.from.iter().filter_map(|(column, ways)| {
            let ways = ways.iter().filter(|how| how.is_direct());
            Some((column, *ways.max()?))
        })
    }

    /// The columns that decide something, and how.
    pub fn indirect(&self) -> impl Iterator<Item = (&TableColumn, How)> {
        self.from.iter().flat_map(|(column, ways)| {
            let ways = ways.iter().filter(|how| !how.is_direct());
            ways.map(move |how| (column, *how))
        })
    }
}
