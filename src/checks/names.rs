//! The names of tables that bad rows can be asked as. A check's name says it all, with brackets and commas; a
//! table's name is what SQL takes without quotes.

use std::collections::BTreeSet;

use crate::model::Project;

/// What tables of bad rows begin with.
pub const PREFIX: &str = "check_";

/// Characters of a name, at most: it is the name of a file as well.
const LONGEST: usize = 100;

/// Gives each name once.
pub struct Names<'a> {
    project: &'a Project,
    given: BTreeSet<String>,
}

impl<'a> Names<'a> {
    /// Names that no model of `project` has.
    pub fn new(project: &'a Project) -> Self {
        let given = BTreeSet::new();
        Self { project, given }
    }

    /// A name for the check `name`, without the prefix.
    pub fn give(&mut self, name: &str) -> String {
        let plain = plain(name);
        let numbered = (2_u32..).map(|number| format!("{plain}_{number}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        let is_free = |name: &String| {
            let table = format!("{PREFIX}{name}");
            !self.given.contains(name) && self.project.model(&table).is_none()
        };
        let free = candidates.find(is_free).unwrap_or(plain);
        self.given.insert(free.clone());
        free
    }
}

/// Letters and digits in lower case; whatever stands between them is one `_`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|one: char| !one.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let mut plain = words.join("_");
    plain.truncate(LONGEST);
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_what_sql_takes_without_quotes() {
        for (name, expected) in [
            ("ambiguous_matches", "ambiguous_matches"),
            ("totals.not_null(customer)", "totals_not_null_customer"),
            ("m.between(score, -1, 0.5)", "m_between_score_1_0_5"),
            ("m.unique(Größe, \"a b\")", "m_unique_gr_e_a_b"),
            ("", ""),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
        assert_eq!(plain(&"ab ".repeat(100)).len(), super::LONGEST);
    }
}
