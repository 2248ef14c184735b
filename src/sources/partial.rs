//! What is told of a source that did not come to its end.

use serde::{Deserialize, Serialize};

/// How much of a source came, how much did not, and why.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Partial {
    /// Why nothing more came.
    pub reason: String,
    /// What the source said to that, if it said anything.
    pub cause: Option<String>,
    /// Pages that came.
    pub pages: u64,
    /// Records that came.
    pub records: u64,
    /// Records that there are, where the source tells.
    pub total: Option<u64>,
    /// Pages that did not come, where the source tells how many records there are.
    pub missing_pages: Option<u64>,
}

impl Partial {
    /// Records that did not come, where the source tells how many there are.
    pub fn missing_records(&self) -> Option<u64> {
        Some(self.total?.saturating_sub(self.records))
    }

    /// What a reader should know of the extract of `source`.
    pub fn words(&self, source: &str) -> String {
        let reason = &self.reason;
        let missing = match (self.missing_records(), self.missing_pages) {
            (Some(records), Some(pages)) => format!(
                "{} missing, about {}",
                are(records, "record"),
                count(pages, "page")
            ),
            (Some(records), None) => format!("{} missing", are(records, "record")),
            (None, _) => "how many are missing is not known".to_owned(),
        };
        format!("the extract of `{source}` is partial: {reason}; {missing}")
    }
}

fn are(number: u64, what: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, what))
}

fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::Partial;

    #[test]
    fn what_is_missing_is_told_as_far_as_it_is_known() {
        let partial = Partial {
            reason: "the API answers 503".to_owned(),
            pages: 1,
            records: 100,
            ..Partial::default()
        };
        assert_eq!(
            partial.words("people"),
            "the extract of `people` is partial: the API answers 503; how many are missing is not known"
        );
        let told = Partial {
            total: Some(350),
            missing_pages: Some(3),
            ..partial
        };
        assert_eq!(
            told.words("people"),
            "the extract of `people` is partial: the API answers 503; 250 records are missing, about 3 pages"
        );
    }
}
