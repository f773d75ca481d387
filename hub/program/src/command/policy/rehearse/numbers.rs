//! Numbers of entries, held in the few bytes that the steps between them take. Knows nothing of entries.

/// Rising numbers, in one run or several.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<Run>);

/// Numbers of which each is higher than the one before: each step in groups of seven bits, the lowest first (LEB128).
#[derive(Debug, Default)]
struct Run {
    steps: Vec<u8>,
    last: u64,
}

impl Numbers {
    /// Takes up a number. One that is not higher than the last begins a run of its own; the last itself is passed over.
    pub(super) fn note(&mut self, number: u64) {
        match self.0.last_mut() {
            Some(run) if run.last == number => {}
            Some(run) if run.last < number => run.push(number),
            _ => {
                let mut run = Run::default();
                run.push(number);
                self.0.push(run);
            }
        }
    }

    /// Adds others, none of which is among these.
    pub(super) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, run by run.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(Run::iter)
    }
}

impl Run {
    fn push(&mut self, number: u64) {
        let mut step = number - self.last;
        self.last = number;
        while step >= 0x80 {
            self.steps.push(step.to_le_bytes()[0] | 0x80);
            step >>= 7;
        }
        self.steps.push(step.to_le_bytes()[0]);
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        let mut steps = self.steps.iter();
        let mut number = 0;
        std::iter::from_fn(move || {
            let (mut step, mut shift) = (0_u64, 0);
            loop {
                let byte = *steps.next()?;
                step |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    number += step;
                    return Some(number);
                }
                shift += 7;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_once() {
        let mut numbers = Numbers::default();
        assert!(numbers.is_empty());
        let rising = [0, 0, 1, 127, 128, 128, 16_511, 1 << 40, u64::MAX];
        rising.into_iter().for_each(|number| numbers.note(number));
        numbers.note(5);
        let mut others = Numbers::default();
        others.note(300);
        numbers.add(others);
        let all: Vec<u64> = numbers.iter().collect();
        assert_eq!(all, [0, 1, 127, 128, 16_511, 1 << 40, u64::MAX, 5, 300]);
    }
}
