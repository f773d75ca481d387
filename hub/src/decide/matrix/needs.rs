//! Says in words what it takes to be in one part of all that a question and a signal can be. Its words fit that part and
//! nothing else. Never judges what becomes of it.

use std::collections::BTreeSet;

use super::region::{Region, WORDS};

/// One thing that a question and its signal can be: the place of its word in each list of words.
type Spot = [usize; WORDS.len()];

/// What it takes to be in one of these parts and not elsewhere in the whole, in words: all of it, and where there are
/// several ways, all ways in one text.
pub(super) fn needs(parts: &[Region], whole: &[Region]) -> Vec<String> {
    let ways = ways(&spots(parts), &spots(whole), 0);
    match ways.as_slice() {
        [one] => one.clone(),
        several => {
            let several: Vec<String> = several.iter().map(|way| way.join(", ")).collect();
            vec![several.join("; or ")]
        }
    }
}

/// The ways into a part. One, if words for each thing by itself can tell it from the rest of the whole; if not, it is split
/// by the first thing, then by the next.
fn ways(part: &BTreeSet<Spot>, whole: &BTreeSet<Spot>, first: usize) -> Vec<Vec<String>> {
    let places = 0..WORDS.len();
    let reached: Vec<BTreeSet<usize>> = places.map(|place| words(part, place)).collect();
    let fits = |spot: &&Spot| spot.iter().zip(&reached).all(|(word, reached)| reached.contains(word));
    if first >= WORDS.len() || whole.iter().filter(fits).count() == part.len() {
        let short = |(place, reached): (usize, &BTreeSet<usize>)| told(place, reached, whole);
        return vec![reached.iter().enumerate().filter_map(short).collect()];
    }
    let mut alike: Vec<(Vec<Vec<String>>, BTreeSet<usize>)> = Vec::new();
    for word in words(part, first) {
        let of = |set: &BTreeSet<Spot>| -> BTreeSet<Spot> {
            let has = |spot: &&Spot| spot.get(first) == Some(&word);
            set.iter().filter(has).copied().collect()
        };
        let further = ways(&of(part), &of(whole), first + 1);
        match alike.iter_mut().find(|(known, _)| *known == further) {
            Some((_, with)) => _ = with.insert(word),
            None => alike.push((further, BTreeSet::from([word]))),
        }
    }
    let mut found = Vec::new();
    for (further, with) in alike {
        let begins = told(first, &with, whole);
        found.extend(
            further
                .into_iter()
                .map(|way| begins.iter().cloned().chain(way).collect()),
        );
    }
    found
}

/// The words of one thing, unless they are all that the whole has.
fn told(place: usize, reached: &BTreeSet<usize>, whole: &BTreeSet<Spot>) -> Option<String> {
    let all = WORDS.get(place)?;
    let said: Vec<&str> = reached.iter().filter_map(|word| all.get(*word)).copied().collect();
    (reached.len() < words(whole, place).len()).then(|| said.join(" or "))
}

fn words(of: &BTreeSet<Spot>, place: usize) -> BTreeSet<usize> {
    of.iter().filter_map(|spot| spot.get(place)).copied().collect()
}

/// All that regions hold. A question about a person shows what is about them, and nothing else.
fn spots(regions: &[Region]) -> BTreeSet<Spot> {
    let mut found = BTreeSet::from([[0; WORDS.len()]]);
    for (place, words) in WORDS.iter().enumerate() {
        found = found
            .into_iter()
            .flat_map(|spot| {
                (0..words.len()).map(move |word| {
                    let mut spot = spot;
                    spot.get_mut(place).into_iter().for_each(|it| *it = word);
                    spot
                })
            })
            .collect();
    }
    let fits = |region: &Region, spot: &Spot| {
        let mut words = spot.iter().zip(WORDS).enumerate();
        words.all(|(place, (word, words))| words.get(*word).is_some_and(|word| region.fits(place, word)))
    };
    let possible = |spot: &Spot| !matches!(spot, [0, .., about] if *about != 0);
    found.retain(|spot| possible(spot) && regions.iter().any(|region| fits(region, spot)));
    found
}
