//! Seeded chance for tests and simulations. A crate's generator may give other numbers in its next version; recorded seeds and
//! published figures would then mean something else.

/// splitmix64: small, seeded, the same everywhere. Not for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// With this seed it always falls the same.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to `sides`, without it; 0 when there are none.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides.max(1)
    }

    /// At least 0 and less than 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Whether something of that probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// How many arrive where so many do on average (Poisson).
    pub fn arrivals(&mut self, mean: f64) -> u64 {
        // The product of so many shares falls below e^-mean; in parts, because that is 0 for a large mean.
        let (mut count, mut left) = (0, mean.clamp(0.0, 1e9));
        while left > 0.0 {
            let part = left.min(30.0);
            let (floor, mut product) = ((-part).exp(), self.share());
            while product > floor {
                count += 1;
                product *= self.share();
            }
            left -= part;
        }
        count
    }

    /// How many of `count` things of that probability happen (binomial).
    pub fn of(&mut self, count: u64, probability: f64) -> u64 {
        if probability <= 0.0 {
            return 0;
        }
        if probability >= 1.0 {
            return count;
        }
        // From one that happens to the next: few numbers where little happens.
        let (mut happened, mut at, fails) = (0, 0.0, (1.0 - probability).ln());
        loop {
            at += ((1.0 - self.share()).ln() / fails).floor() + 1.0;
            if at > count as f64 {
                return happened;
            }
            happened += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(n: u64, mut draw: impl FnMut() -> u64) -> f64 {
        (0..n).map(|_| draw()).sum::<u64>() as f64 / n as f64
    }

    #[test]
    fn it_falls_as_often_as_it_should() {
        let mut dice = Dice::new(7);
        // Four standard errors of 20,000 draws.
        for wanted in [0.05, 3.0, 80.0] {
            let found = mean(20_000, || dice.arrivals(wanted));
            assert!((found - wanted).abs() < 4.0 * (wanted / 20_000.0).sqrt(), "{wanted}: {found}");
        }
        for (count, probability) in [(1, 0.3), (100, 0.005), (40, 0.9)] {
            let wanted = count as f64 * probability;
            let found = mean(20_000, || dice.of(count, probability));
            assert!(
                (found - wanted).abs() < 4.0 * (wanted * (1.0 - probability) / 20_000.0).sqrt(),
                "{wanted}: {found}"
            );
        }
        assert_eq!((dice.of(9, 0.0), dice.of(9, 1.0), dice.of(0, 0.5), dice.arrivals(0.0)), (0, 9, 0, 0));
    }

    #[test]
    fn the_same_seed_falls_the_same() {
        let falls = |mut dice: Dice| [(); 5].map(|()| dice.roll(1_000));
        assert_eq!(falls(Dice::new(3)), falls(Dice::new(3)));
        assert_ne!(falls(Dice::new(3)), falls(Dice::new(4)));
        assert_eq!(Dice::new(0).next(), 0xe220_a839_7b1d_cdaf, "the first number of splitmix64");
        assert_eq!(Dice::new(1).roll(0), 0);
    }
}
