//! The ways in which columns are used, in the words of people.

use std::collections::BTreeSet;

use crate::engine::{How, Sources};

/// Behind a column's name: how it is used by what stands above it. Nothing if it is passed on as it is.
pub(super) fn suffix(ways: &BTreeSet<How>) -> String {
    let strongest = ways.iter().rfind(|how| how.is_direct());
    let deciding = ways.iter().filter(|how| !how.is_direct());
    let words: Vec<_> = strongest
        .into_iter()
        .chain(deciding)
        .filter_map(|how| word(*how))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("  ({})", words.join(", "))
    }
}

fn word(how: How) -> Option<&'static str> {
    Some(match how {
        How::Identity => return None,
        How::Transformation => "computed",
        How::Aggregation => "aggregated",
        How::Join => "decides: join",
        How::Filter => "decides: filter",
        How::GroupBy => "decides: group",
        How::Sort => "decides: order",
        How::Window => "decides: window",
        How::Conditional => "decides: condition",
    })
}

/// What stands before the columns that are used like `how`.
pub(super) fn lead(how: How) -> &'static str {
    match how {
        How::Identity => "",
        How::Transformation => "computed from ",
        How::Aggregation => "aggregated from ",
        How::Join => "joined by ",
        How::Filter => "filtered by ",
        How::GroupBy => "grouped by ",
        How::Sort => "ordered by ",
        How::Window => "in the window of ",
        How::Conditional => "decided by ",
    }
}

/// The ways in the order in which they are told.
pub(super) const WAYS: [How; 9] = [
    How::Identity,
    How::Transformation,
    How::Aggregation,
    How::Conditional,
    How::Window,
    How::Join,
    How::Filter,
    How::GroupBy,
    How::Sort,
];

/// What something is made of: one phrase per way.
pub(crate) fn phrases(sources: &Sources) -> Vec<String> {
    let used = |wanted: How| {
        let direct = sources.direct().chain(sources.indirect());
        let columns: Vec<_> = direct
            .filter(|(_, how)| *how == wanted)
            .map(|(column, _)| column.to_string())
            .collect();
        (!columns.is_empty()).then(|| format!("{}{}", lead(wanted), columns.join(", ")))
    };
    let unknown = sources.unknown.iter();
    let unknown = unknown.map(|what| format!("unknown: {what} cannot be followed"));
    WAYS.into_iter().filter_map(used).chain(unknown).collect()
}
