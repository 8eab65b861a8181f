//! What {{ name }} is for.

/// Adds two numbers; `None` when the sum does not fit.
pub fn sum(a: u32, b: u32) -> Option<u32> {
    a.checked_add(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_does_not_fit_is_none() {
        assert_eq!(sum(2, 3), Some(5));
        assert_eq!(sum(u32::MAX, 1), None);
    }
}
