//! Times as counts in buckets that grow with the time, so that many days, venues and types can be added up and still be asked for
//! percentiles.
//!
//! Promise: a percentile is within 1.6 % of the time that it stands for (exact below 32 ms); adding histograms gives the histogram
//! of all their times. Memory: 6 bytes for each bucket in use, of [`BUCKETS`] at most.

/// Buckets of one width between two powers of two.
const STEPS: u64 = 32;
/// The power of two of [`STEPS`].
const STEPS_POWER: u32 = STEPS.trailing_zeros();
/// The longest time that is told apart, in milliseconds: about 34 years.
const LONGEST_MS: u64 = (1 << 40) - 1;
/// How many buckets there are.
pub const BUCKETS: usize = bucket_of(LONGEST_MS) as usize + 1;

/// The bucket of a time in milliseconds.
pub const fn bucket_of(time_ms: u64) -> u16 {
    let time_ms = if time_ms > LONGEST_MS { LONGEST_MS } else { time_ms };
    if time_ms < STEPS {
        return time_ms as u16;
    }
    let octave = time_ms.ilog2() - STEPS_POWER;
    ((octave as u64 + 1) * STEPS + ((time_ms >> octave) - STEPS)) as u16
}

/// The middle of a bucket, in milliseconds.
pub fn middle_ms(bucket: u16) -> f64 {
    let bucket = u64::from(bucket);
    if bucket < STEPS {
        return bucket as f64;
    }
    let octave = bucket / STEPS - 1;
    let start = (STEPS + bucket % STEPS) << octave;
    let width = 1_u64 << octave;
    start as f64 + (width - 1) as f64 / 2.0
}

/// The times of few: only the buckets in use, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<(u16, u32)>);

impl Histogram {
    /// One that was stored; `None` when its buckets are out of order, empty or none of ours.
    pub fn of(buckets: Vec<(u16, u32)>) -> Option<Self> {
        let ordered = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let ours = buckets.iter().all(|(bucket, count)| usize::from(*bucket) < BUCKETS && *count > 0);
        (ordered && ours).then_some(Self(buckets))
    }

    /// Notes a time in this bucket.
    pub fn add(&mut self, bucket: u16) {
        match self.0.binary_search_by_key(&bucket, |(own, _)| *own) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(1),
            Err(at) => self.0.insert(at, (bucket, 1)),
        }
    }

    /// Takes a time out again; nothing where there is none.
    pub fn remove(&mut self, bucket: u16) {
        if let Ok(at) = self.0.binary_search_by_key(&bucket, |(own, _)| *own) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.remove(at);
            }
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            match self.0.binary_search_by_key(bucket, |(own, _)| *own) {
                Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(*count),
                Err(at) => self.0.insert(at, (*bucket, *count)),
            }
        }
    }

    /// Bucket and count of every bucket in use, in order.
    pub fn buckets(&self) -> &[(u16, u32)] {
        &self.0
    }

    /// Whether there is no time in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The times of many, added up.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    counts: Vec<u64>,
    total: u64,
    /// The first and the last bucket in use.
    used: Option<(usize, usize)>,
}

impl Sum {
    /// Adds a histogram.
    pub fn add(&mut self, histogram: &Histogram) {
        let buckets = histogram.buckets();
        let (Some((first, _)), Some((last, _))) = (buckets.first(), buckets.last()) else { return };
        self.counts.resize(BUCKETS, 0);
        let (first, last) = (usize::from(*first), usize::from(*last));
        self.used = Some(self.used.map_or((first, last), |(low, high)| (low.min(first), high.max(last))));
        for (bucket, count) in buckets {
            self.counts[usize::from(*bucket)] += u64::from(*count);
            self.total += u64::from(*count);
        }
    }

    /// Forgets everything and keeps its memory.
    pub fn clear(&mut self) {
        if let Some((low, high)) = self.used.take() {
            self.counts[low..=high].fill(0);
            self.total = 0;
        }
    }

    /// The median and the ninetieth percentile.
    pub fn percentiles_s(&self) -> [Option<f64>; 2] {
        let Some((low, high)) = self.used else { return [None; 2] };
        let used = (low..).zip(&self.counts[low..=high]);
        percentiles_s(self.total, used.map(|(bucket, count)| (bucket, *count)))
    }
}

impl Histogram {
    /// The median and the ninetieth percentile.
    pub fn percentiles_s(&self) -> [Option<f64>; 2] {
        let total = self.0.iter().map(|(_, count)| u64::from(*count)).sum();
        percentiles_s(total, self.0.iter().map(|(bucket, count)| (usize::from(*bucket), u64::from(*count))))
    }
}

/// The times that half, and nine of ten, of these `total` times do not exceed (nearest rank), in seconds to two decimals; none without any.
fn percentiles_s(total: u64, buckets: impl Iterator<Item = (usize, u64)>) -> [Option<f64>; 2] {
    let ranks = [50, 90].map(|percent: u64| (total * percent).div_ceil(100).max(1));
    let (mut seen, mut found) = (0, [None; 2]);
    for (bucket, count) in buckets {
        seen += count;
        for (rank, found) in ranks.iter().zip(&mut found) {
            if found.is_none() && seen >= *rank {
                *found = u16::try_from(bucket).ok().map(|bucket| (middle_ms(bucket) / 10.0).round() / 100.0);
            }
        }
        if found[1].is_some() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bucket_begins_where_the_one_before_it_ends() {
        let mut last = 0;
        for time_ms in (0..100_000).chain((17..41).flat_map(|power| (1_u64 << power) - 3..(1 << power) + 3)) {
            let bucket = bucket_of(time_ms);
            assert!(bucket >= last || time_ms == 0, "{time_ms}");
            assert!(time_ms >= 100_000 || bucket <= last + 1, "{time_ms}");
            last = bucket;
        }
        assert_eq!((usize::from(bucket_of(u64::MAX)), BUCKETS), (BUCKETS - 1, 1152));
    }

    proptest! {
        #[test]
        fn the_middle_of_a_bucket_is_close_to_its_times(power in 0_u32..40, part: u32) {
            let time_ms = ((1_u64 << power) + (u64::from(part) % (1 << power))).min(LONGEST_MS);
            let error = (middle_ms(bucket_of(time_ms)) - time_ms as f64).abs();
            prop_assert!(error <= time_ms as f64 * 0.016, "{time_ms} is off by {error}");
        }

        #[test]
        fn percentiles_of_sums_are_those_of_all_times(
            parts in prop::collection::vec(prop::collection::vec(0_u64..10_000_000, 0..20), 1..6),
        ) {
            let mut sum = Sum::default();
            for part in &parts {
                let mut histogram = Histogram::default();
                part.iter().for_each(|time_ms| histogram.add(bucket_of(*time_ms)));
                sum.add(&histogram);
            }
            let mut all: Vec<u64> = parts.concat();
            all.sort_unstable();
            for (percent, shown) in [50_usize, 90].into_iter().zip(sum.percentiles_s()) {
                let rank = (all.len() * percent).div_ceil(100).max(1);
                let Some(exact) = all.get(rank - 1) else {
                    prop_assert_eq!(shown, None);
                    continue;
                };
                let (exact_s, shown_s) = (*exact as f64 / 1000.0, shown.unwrap());
                prop_assert!((shown_s - exact_s).abs() <= exact_s * 0.016 + 0.006, "{shown_s} for {exact_s}");
            }
            let mut whole = Histogram::default();
            all.iter().for_each(|time_ms| whole.add(bucket_of(*time_ms)));
            prop_assert_eq!(whole.percentiles_s(), sum.percentiles_s());
            sum.clear();
            prop_assert_eq!(sum.percentiles_s(), [None; 2]);
        }

        #[test]
        fn what_is_taken_out_again_was_never_there(times in prop::collection::vec(0_u64..100_000, 0..30), gone in prop::collection::vec(0_u64..100_000, 0..30)) {
            let (mut with, mut without) = (Histogram::default(), Histogram::default());
            times.iter().for_each(|time_ms| without.add(bucket_of(*time_ms)));
            times.iter().chain(&gone).for_each(|time_ms| with.add(bucket_of(*time_ms)));
            gone.iter().for_each(|time_ms| with.remove(bucket_of(*time_ms)));
            prop_assert_eq!(Histogram::of(with.buckets().to_vec()), Some(without));
        }
    }

    #[test]
    fn stored_buckets_that_cannot_be_are_refused() {
        for wrong in [vec![(5, 1), (4, 1)], vec![(5, 1), (5, 1)], vec![(5, 0)], vec![(u16::MAX, 1)]] {
            assert_eq!(Histogram::of(wrong.clone()), None, "{wrong:?}");
        }
    }
}
