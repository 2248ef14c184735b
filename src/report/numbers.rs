//! Numbers as people read them: grouped digits, units, durations, sizes. One place, so that all reports
//! write them alike.

use crate::run::record::Figure;

/// The value of a figure with its unit.
pub fn shown(figure: &Figure) -> String {
    figure
        .value
        .map_or_else(|| "unknown".to_owned(), |value| amount(value, &figure.unit))
}

/// A value with its unit: `count`, `percent` or `money`.
pub fn amount(value: f64, unit: &str) -> String {
    match unit {
        "percent" => format!("{value:.1} %"),
        "money" => decimal(value, 2),
        _ if value.fract() == 0.0 => decimal(value, 0),
        _ => decimal(value, 2),
    }
}

/// How `now` differs from `before`, as a person would say it.
pub fn change(now: f64, before: f64, unit: &str) -> String {
    let difference = now - before;
    let size = match unit {
        "percent" => format!("{:.1}", difference.abs()),
        _ => amount(difference.abs(), unit),
    };
    if size.chars().all(|character| matches!(character, '0' | '.')) {
        return "same".to_owned();
    }
    let sign = if difference < 0.0 { '−' } else { '+' };
    format!("{sign}{size}")
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// A number and what it counts: `1 row`, `2 rows`.
pub fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", grouped(count)),
    }
}

/// A list's length and what it counts.
pub fn counted_list<T>(list: &[T], what: &str) -> String {
    counted(list.len() as u64, what)
}

/// How long a run or a step took.
pub fn duration(seconds: f64) -> String {
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let seconds = seconds.round();
    let minutes = (seconds / 60.0).floor();
    if minutes < 60.0 {
        return format!("{minutes} min {} s", seconds % 60.0);
    }
    format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0)
}

/// How long something small took.
pub fn moment(seconds: f64) -> String {
    if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        duration(seconds)
    }
}

/// A size in bytes.
pub fn bytes(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 999.5 {
            let digits = usize::from(unit != "B" && size < 9.95);
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

/// A count as a length: exact up to 2⁵³, which no picture can tell apart.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn length(count: u64) -> f64 {
    count as f64
}

/// How many there are, as a length.
pub fn size(count: usize) -> f64 {
    length(count as u64)
}

fn decimal(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let point = if fraction.is_empty() { "" } else { "." };
    let is_negative = value < 0.0 && text.contains(|digit| matches!(digit, '1'..='9'));
    let sign = if is_negative { "-" } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::{amount, bytes, change, counted, duration, grouped, moment};

    #[test]
    fn numbers_are_shown_in_groups_with_their_unit() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(1_000, "row"), "1,000 rows");
        assert_eq!(amount(497.0, "count"), "497");
        assert_eq!(amount(-3.0, "count"), "-3");
        assert_eq!(amount(2.5, "count"), "2.50");
        assert_eq!(amount(89.87, "percent"), "89.9 %");
        assert_eq!(amount(-1234.5, "money"), "-1,234.50");
        assert_eq!(amount(-0.001, "money"), "0.00");
    }

    #[test]
    fn a_change_has_a_sign_and_none_if_nobody_would_see_it() {
        assert_eq!(change(500.0, 497.0, "count"), "+3");
        assert_eq!(change(1_497.0, 3_000.0, "count"), "−1,503");
        assert_eq!(change(89.9, 89.92, "percent"), "same");
        assert_eq!(change(89.0, 90.5, "percent"), "−1.5");
        assert_eq!(change(10.0, 10.0, "money"), "same");
    }

    #[test]
    fn times_and_sizes_are_as_long_as_they_need() {
        assert_eq!(duration(4.24), "4.2 s");
        assert_eq!(duration(59.99), "1 min 0 s");
        assert_eq!(duration(200.0), "3 min 20 s");
        assert_eq!(duration(3_700.0), "1 h 1 min");
        assert_eq!(moment(0.0184), "18 ms");
        assert_eq!(moment(1.84), "1.8 s");
        assert_eq!(bytes(7), "7 B");
        assert_eq!(bytes(2_161), "2.2 kB");
        assert_eq!(bytes(68_891), "69 kB");
        assert_eq!(bytes(161_329_152), "161 MB");
        assert_eq!(bytes(2_000_000_000), "2.0 GB");
    }
}
