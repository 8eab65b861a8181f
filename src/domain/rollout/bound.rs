//! How bad a rate can still be, given what was counted: the exact upper bound of Clopper and Pearson.

/// One in twenty: the chance that the true rate is above the bound.
const ALPHA: f64 = 0.05;

/// Whether the 95 % upper bound of a rate, of which `bad` of `total` were seen, is at most `limit`. It is asked at every look, so
/// it is one sum; to find the bound itself would be sixty.
pub fn within(bad: u64, total: u64, limit: f64) -> bool {
    limit >= 1.0
        || (total > 0 && bad < total && limit > bad as f64 / total as f64 && at_most(bad, total, limit) <= ALPHA)
}

/// The fewest of which `bad` may have failed so that the bound is at most `limit`; `None` beyond a million.
pub fn enough_at(bad: u64, limit: f64) -> Option<u64> {
    let mut high = bad.max(1) + 1;
    while !within(bad, high, limit) {
        high = high.checked_mul(2).filter(|high| *high <= 1_000_000)?;
    }
    let mut low = bad;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if within(bad, middle, limit) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The chance of at most `bad` among `total` at rate `p`: the binomial distribution, summed in logarithms. Terms
/// that cannot change the sum any more are left out.
fn at_most(bad: u64, total: u64, p: f64) -> f64 {
    let (n, odds) = (total as f64, (p / (1.0 - p)).ln());
    let mean = n * p;
    if bad as f64 > mean + 40.0 * (mean.max(1.0)).sqrt() {
        return 1.0;
    }
    // From the largest term downwards each is smaller than the one before: bad < mean where it matters.
    let mut term = log_choose(n, bad as f64) + bad as f64 * p.ln() + (n - bad as f64) * (1.0 - p).ln();
    let mut sum = 0.0;
    let mut k = bad;
    loop {
        let value = term.exp();
        sum += value;
        if k == 0 || value <= sum * 1e-12 {
            return sum.min(1.0);
        }
        // C(n, k-1) = C(n, k) * k / (n - k + 1)
        term += (k as f64).ln() - (n - k as f64 + 1.0).ln() - odds;
        k -= 1;
    }
}

fn log_choose(n: f64, k: f64) -> f64 {
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

/// `ln n!`, for whole numbers from 0. Exact for small ones; Stirling's series beyond, whose error there is below 1e-12.
pub fn log_factorial(n: f64) -> f64 {
    if n < 20.0 {
        return (1..=n as u64).map(|k| (k as f64).ln()).sum();
    }
    let x = n + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
        + 1.0 / (1260.0 * x.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 95 % upper bound of a rate of which `bad` of `total` were seen. 1 when nothing was counted.
    fn upper(bad: u64, total: u64) -> f64 {
        if total == 0 || bad >= total {
            return 1.0;
        }
        if bad == 0 {
            return 1.0 - ALPHA.powf(1.0 / total as f64);
        }
        // The bound is the rate at which so few bad ones would be seen once in twenty times.
        let (mut low, mut high) = (bad as f64 / total as f64, 1.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if at_most(bad, total, middle) > ALPHA {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// How many clean requests bound the rate below `d`.
    fn clean_needed(d: f64) -> u64 {
        (ALPHA.ln() / (1.0 - d).ln()).ceil() as u64
    }

    #[test]
    fn clean_requests_bound_the_rate_as_the_table_says() {
        let table = [(0.5, 5), (0.2, 14), (0.1, 29), (0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598)];
        for (d, n) in table {
            assert_eq!(clean_needed(d), n, "{d}");
            assert!(upper(0, n) <= d && upper(0, n - 1) > d, "{d}: {}", upper(0, n));
        }
    }

    #[test]
    fn the_bound_is_the_rate_at_which_so_few_are_seen_once_in_twenty() {
        for (bad, total) in [(1, 10), (3, 59), (5, 100), (40, 1_000), (500, 10_000), (7, 1_000_000)] {
            let bound = upper(bad, total);
            assert!((at_most(bad, total, bound) - 0.05).abs() < 1e-6, "{bad}/{total}: {bound}");
            assert!(bound > bad as f64 / total as f64);
        }
        // 1 of 10: known from tables.
        assert!((upper(1, 10) - 0.394_163).abs() < 1e-5, "{}", upper(1, 10));
        assert_eq!((upper(0, 0), upper(3, 3), upper(4, 3)), (1.0, 1.0, 1.0));
    }

    proptest::proptest! {
        #[test]
        fn within_is_what_the_bound_says(bad in 0u64..300, more in 0u64..5_000, limit in 0.0f64..1.1) {
            let bound = upper(bad, bad + more);
            // Where they touch, the last digits decide.
            proptest::prop_assume!((bound - limit).abs() > 1e-9);
            proptest::prop_assert_eq!(within(bad, bad + more, limit), bound <= limit);
        }

        #[test]
        fn more_bad_ones_never_lower_it(bad in 0u64..200, total in 200u64..5_000) {
            let (one, two) = (upper(bad, total), upper(bad + 1, total));
            proptest::prop_assert!((0.0..=1.0).contains(&one) && two >= one, "{one} {two}");
        }
    }
}
