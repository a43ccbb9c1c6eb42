//! How long to wait before trying again.

use std::time::Duration;

/// The wait before attempt `attempt` (0 is the first retry): doubles from `base` up to `cap`, then a fifth is
/// taken off or added by `seed`, so that a hundred gateways do not come back in the same second.
pub fn wait(attempt: u32, base: Duration, cap: Duration, seed: u64) -> Duration {
    let doubled = base.saturating_mul(1u32.checked_shl(attempt.min(20)).unwrap_or(u32::MAX)).min(cap);
    // A full-period mix (splitmix64): neighbouring seeds give unrelated waits.
    let mut mixed = seed.wrapping_add(u64::from(attempt)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let spread = 0.8 + 0.4 * ((mixed >> 40) as f64 / (1u64 << 24) as f64);
    doubled.mul_f64(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_cap_and_stays_near_it() {
        let (base, cap) = (Duration::from_millis(250), Duration::from_secs(5));
        for seed in 0..200 {
            let first = wait(0, base, cap, seed);
            assert!(first >= Duration::from_millis(200) && first <= Duration::from_millis(300), "{first:?}");
            let last = wait(40, base, cap, seed);
            assert!(last >= Duration::from_secs(4) && last <= Duration::from_secs(6), "{last:?}");
        }
    }
}
