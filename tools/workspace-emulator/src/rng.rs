//! A small deterministic generator (SplitMix64): the same parts give the same draws on every machine and version.

/// A stream of draws that depends on nothing but the parts it was made of.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Makes a stream out of `parts`, for example `[seed, user, message, purpose]`.
    pub fn of(parts: &[u64]) -> Self {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        for part in parts {
            state = mix(state ^ mix(part.wrapping_add(0xA076_1D64_78BD_642F)));
        }
        Self(state)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next_u64() % bound as u64) as usize }
    }

    /// True in `percent` of a hundred draws.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

/// Hashes bytes into 64 bits (FNV-1a, then mixed): for etags and page-token checks, not for secrets.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in bytes {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    }
    mix(state)
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_parts_same_draws() {
        let (mut a, mut b, mut c) = (Rng::of(&[1, 2]), Rng::of(&[1, 2]), Rng::of(&[2, 1]));
        let first = a.next_u64();
        assert_eq!(first, b.next_u64());
        assert_ne!(first, c.next_u64());
        // Pinned: a changed generator would silently change every seeded world.
        assert_eq!(first, 0x32B7_6F82_0F79_D6AC);
        assert_eq!(hash(b"abc"), 0x0DD4_9049_0804_B508);
        assert!((0..1000).all(|_| a.unit() < 1.0 && a.below(7) < 7));
    }
}
