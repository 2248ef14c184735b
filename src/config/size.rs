//! Sizes of memory as people write them: `512MB`, `2GB`, `1GiB`.

/// Reads a size in bytes.
pub fn parse_size(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor: usize = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number
        .parse::<usize>()
        .ok()?
        .checked_mul(factor)
        .filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_read_with_their_unit() {
        for (text, expected) in [
            ("512MB", Some(512_000_000)),
            ("2 GiB", Some(2 << 30)),
            ("64", Some(64)),
            ("0MB", None),
            ("GB", None),
            ("1TB2", None),
            ("99999999999999999999GB", None),
        ] {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }
}
