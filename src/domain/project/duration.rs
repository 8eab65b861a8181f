//! Lengths of time as people write them.

/// Milliseconds of `90s`, `10m` or `1h30m`: whole numbers, units from large to small, each at most once.
/// `None` when it is not written so or is longer than a hundred days.
pub fn duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut smallest = i64::MAX;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok().filter(|n| *n <= 8_640_000)?;
        let unit = match rest.as_bytes().get(digits)? {
            b'h' => 3_600_000,
            b'm' => 60_000,
            b's' => 1000,
            _ => return None,
        };
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?;
    }
    (smallest < i64::MAX && total <= 100 * 24 * 3_600_000).then_some(total)
}
