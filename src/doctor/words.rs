//! Sizes and counts in the words of a finding. Apart from the reports' numbers, which this room does not know.

pub use crate::sources::words::{of, span};

/// Bytes in the largest unit of which there is one or more.
pub fn bytes(bytes: u64) -> String {
    let units = [
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
    ];
    match units.iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
        None => of(bytes, "byte"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::{bytes, span};

    #[test]
    fn sizes_and_spans_are_shown_in_a_unit_that_fits() {
        for (size, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_999_999, "1.9 MB"),
            (5_250_000_000, "5.2 GB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        for (seconds, expected) in [
            (1, "1 second"),
            (119, "119 seconds"),
            (3601, "60 minutes"),
            (-7200, "2 hours"),
            (8 * 86_400 + 60, "8 days"),
        ] {
            assert_eq!(span(Duration::seconds(seconds)), expected);
        }
    }
}
