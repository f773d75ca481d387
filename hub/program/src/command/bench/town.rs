//! A made-up town: people, their homes and what agencies say of them, each made from its number when it is needed.
//! Nobody in it is real: NHS numbers are of the range that is never issued.

use jiff::{SignedDuration, Timestamp};
use placehub_proto::v1::{PersonIdentity, SignalDraft};

use super::{
    chance::Chance,
    kinds::{self, Kind, SLOTS},
};
use crate::moment;

/// The quarter about which a question of a week is asked.
pub(super) const MARKET: &str = "market";
/// The quarter that is watched; nothing happens there before.
pub(super) const GREEN: &str = "green";
/// Candidates of a question about the market's last week.
pub(super) const MARKET_SIGNALS: u64 = 1_000;
/// How many of them a housing officer sees: one in five.
pub(super) const MARKET_SEEN: u64 = MARKET_SIGNALS / MARKET_EACH;
/// The purpose of the bench's questions, for which consent is relied on.
pub(super) const PURPOSE: &str = "homelessness-prevention";

const MARKET_EACH: u64 = 5;
const MARKET_PEOPLE: u64 = 400;
const GREEN_PEOPLE: u64 = 50;
/// People who are there to withdraw their consent.
const LEAVERS: u64 = 40;
/// Homes in the market and as many on the green.
pub(super) const QUARTER_HOMES: u64 = 200;
/// The most people: there are as many NHS numbers in the range that is never issued, and some more.
const PEOPLE: u64 = 900_000;
/// UPRNs that no real address has.
const FIRST_UPRN: u64 = 999_100_000_000;

const FAMILIES: [&str; 16] = [
    "Sample",
    "Example",
    "Madeup",
    "Specimen",
    "Makebelieve",
    "Invented",
    "Nobody",
    "Pretend",
    "Fictional",
    "Mockup",
    "Testcase",
    "Imagined",
    "Fabled",
    "Storied",
    "Notional",
    "Supposed",
];
const GIVEN: [&str; 16] = [
    "Alex", "Billie", "Casey", "Drew", "Eden", "Frankie", "Glen", "Harper", "Indy", "Jules", "Kit", "Lee", "Morgan",
    "Noel", "Quinn", "Robin",
];

/// A town of a certain size.
#[derive(Debug, Clone)]
pub(super) struct Town {
    seed: u64,
    now: Timestamp,
    known: u64,
    others: u64,
    wide: u64,
    /// The six digits between `999` and the check digit, person by person.
    numbers: Vec<u32>,
}

/// Someone of the town, by number.
pub(super) type Person = u64;

/// What a person says about sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Gave,
    Refused,
    SaidNothing,
}

impl Town {
    /// A town with about `size` signals, half of them about people of whom 25 are known. Times count back from `now`.
    pub(super) fn new(seed: u64, size: u64, now: Timestamp) -> Self {
        let known = size / (2 * SLOTS);
        let others = (size / 6).min(PEOPLE.saturating_sub(known + LEAVERS + MARKET_PEOPLE + GREEN_PEOPLE));
        let people = known + others + LEAVERS + MARKET_PEOPLE + GREEN_PEOPLE;
        let numbers = (0..1_000_000u32).filter(|body| check_digit(*body) < 10);
        let taken = usize::try_from(people).unwrap_or(usize::MAX);
        Self {
            seed,
            now,
            known,
            others,
            wide: size - known * SLOTS,
            numbers: numbers.take(taken).collect(),
        }
    }

    /// How many signals it has at first. Numbers from here on are for signals that are pushed later.
    pub(super) fn signals(&self) -> u64 {
        self.market_start() + MARKET_SIGNALS
    }

    /// How many homes it has outside the market and the green.
    pub(super) fn homes(&self) -> u64 {
        (self.people() / 2).max(QUARTER_HOMES)
    }

    /// Everyone who says anything about sharing, and what.
    pub(super) fn statements(&self) -> impl Iterator<Item = (Person, Word)> + '_ {
        let all = (0..self.people()).map(|person| (person, self.word(person)));
        all.filter(|(_, word)| *word != Word::SaidNothing)
    }

    /// At most `most` people of whom 25 signals are known and who gave consent, from all over the town.
    pub(super) fn well_known(&self, most: u64) -> Vec<Person> {
        let step = (self.known / most.max(1)).max(1);
        let spread = (0..self.known).filter(|person| self.word(*person) == Word::Gave);
        spread.step_by(usize::try_from(step).unwrap_or(1)).collect()
    }

    /// People of whom 25 signals are known and who gave a consent that they are to withdraw.
    pub(super) fn leavers(&self) -> std::ops::Range<Person> {
        let start = self.known + self.others;
        start..start + LEAVERS
    }

    /// The agency and the draft of a signal of the town.
    pub(super) fn signal(&self, number: u64) -> (&'static str, SignalDraft) {
        let mut chance = Chance::new(self.seed, number);
        let wide = self.known * SLOTS;
        let leavers = wide + self.wide;
        let market = self.market_start();
        if number < wide {
            return self.of_known(number, number / SLOTS, number % SLOTS, &mut chance);
        }
        if (leavers..market).contains(&number) {
            let at = number - leavers;
            return self.of_known(number, self.leavers().start + at / SLOTS, at % SLOTS, &mut chance);
        }
        if (market..market + MARKET_SIGNALS).contains(&number) {
            return self.in_market(number, number - market, &mut chance);
        }
        self.anywhere(number, None, &mut chance)
    }

    /// A signal that an agency pushes later: number 0, 1, 2, … in this run.
    pub(super) fn fresh(&self, agency: &str, number: u64) -> SignalDraft {
        let number = self.signals() + number;
        self.anywhere(number, Some(agency), &mut Chance::new(self.seed, number))
            .1
    }

    /// A signal of the landlord on the green that is pushed later.
    pub(super) fn fresh_on_green(&self, number: u64) -> SignalDraft {
        let number = self.signals() + (1 << 40) + number;
        let mut chance = Chance::new(self.seed, number);
        let start = self.people() - GREEN_PEOPLE;
        let person = start + self.giver(start, chance.below(GREEN_PEOPLE), GREEN_PEOPLE);
        let kind = kinds::drawn(&mut chance, Some("housing"));
        self.draft(number, kind, Some(person), SignedDuration::from_mins(5), &mut chance)
    }

    /// Who a person is.
    pub(super) fn identity(&self, person: Person) -> PersonIdentity {
        let mut chance = Chance::new(!self.seed, person);
        let letters = ["A", "B", "D", "E", "F", "G", "H", "J", "L", "N"];
        let year = 1935 + chance.below(70);
        let (month, day) = (1 + chance.below(12), 1 + chance.below(28));
        PersonIdentity {
            nhs_number: self.nhs_number(person),
            family_name: chance.word(&FAMILIES).into(),
            given_name: chance.word(&GIVEN).into(),
            birth_date: format!("{year}-{month:02}-{day:02}"),
            postcode: format!(
                "WN{} {}{}{}",
                1 + chance.below(8),
                chance.below(10),
                chance.word(&letters),
                chance.word(&letters)
            ),
            uprn: self.home(person).to_string(),
            ..Default::default()
        }
    }

    /// A person's NHS number.
    pub(super) fn nhs_number(&self, person: Person) -> String {
        let at = usize::try_from(person).unwrap_or(usize::MAX);
        let body = self.numbers.get(at).copied().unwrap_or_default();
        format!("999{body:06}{}", check_digit(body))
    }

    fn people(&self) -> u64 {
        self.known + self.others + LEAVERS + MARKET_PEOPLE + GREEN_PEOPLE
    }

    fn market_start(&self) -> u64 {
        (self.known + LEAVERS) * SLOTS + self.wide
    }

    /// Eighteen in twenty give consent, one refuses, one has not been asked.
    fn word(&self, person: Person) -> Word {
        match person % 20 {
            _ if self.leavers().contains(&person) => Word::Gave,
            7 => Word::Refused,
            13 => Word::SaidNothing,
            _ => Word::Gave,
        }
    }

    /// Counted from `start`: the `nth` person, or the next one who gave consent.
    fn giver(&self, start: Person, nth: u64, of: u64) -> u64 {
        let at = (0..of).map(|step| (nth + step) % of);
        at.into_iter()
            .find(|at| self.word(start + at) == Word::Gave)
            .unwrap_or(nth)
    }

    fn home(&self, person: Person) -> u64 {
        let (green, market) = (
            self.people() - GREEN_PEOPLE,
            self.people() - GREEN_PEOPLE - MARKET_PEOPLE,
        );
        let home = match person {
            _ if person >= green => self.homes() + QUARTER_HOMES + (person - green) / 2,
            _ if person >= market => self.homes() + (person - market) / 2,
            _ => person / 2,
        };
        uprn(home)
    }

    fn of_known(&self, number: u64, person: Person, slot: u64, chance: &mut Chance) -> (&'static str, SignalDraft) {
        let kind = kinds::of_slot(slot);
        let age = age(80, chance);
        (kind.agency, self.draft(number, kind, Some(person), age, chance))
    }

    fn in_market(&self, number: u64, at: u64, chance: &mut Chance) -> (&'static str, SignalDraft) {
        let start = self.people() - GREEN_PEOPLE - MARKET_PEOPLE;
        let nth = chance.below(MARKET_PEOPLE);
        // Spread over the 160 hours that end with the last one.
        let age = SignedDuration::from_secs(3_600 + i64::try_from(at * 570).unwrap_or_default());
        if at.is_multiple_of(MARKET_EACH) {
            let seen = |kind: &Kind| kind.agency == "housing" || kind.id == "welfare.crisis-grant";
            let kinds = std::iter::repeat_with(|| kinds::drawn(chance, None));
            let kind = kinds.take(200).find(|kind| seen(kind)).unwrap_or(kinds::of_slot(0));
            let person = start + self.giver(start, nth, MARKET_PEOPLE);
            return (kind.agency, self.draft(number, kind, Some(person), age, chance));
        }
        let agency = chance.word(&["police", "health"]);
        let kind = kinds::drawn(chance, Some(agency));
        (kind.agency, self.draft(number, kind, Some(start + nth), age, chance))
    }

    fn anywhere(&self, number: u64, agency: Option<&str>, chance: &mut Chance) -> (&'static str, SignalDraft) {
        let kind = kinds::drawn(chance, agency);
        let person = self.known + chance.skewed(self.others.max(1));
        let age = age(80, chance);
        // One in eight is about a home and nobody in it.
        let person = (chance.below(8) > 0).then_some(person);
        (kind.agency, self.draft(number, kind, person, age, chance))
    }

    fn draft(
        &self,
        number: u64,
        kind: &Kind,
        person: Option<Person>,
        age: SignedDuration,
        chance: &mut Chance,
    ) -> SignalDraft {
        let occurred_at = self.now.checked_sub(age).unwrap_or(self.now);
        let home = match person {
            Some(person) => self.home(person),
            None => uprn(chance.skewed(self.homes())),
        };
        let noted = chance.word(&[
            "noted by the duty team",
            "taken over from the case system",
            "seen on a visit",
        ]);
        SignalDraft {
            kind: kind.id.into(),
            source_system: "cases".into(),
            source_id: format!("{}-{number}", kind.agency),
            version: 1,
            person: person.map(|person| self.identity(person)),
            uprn: home.to_string(),
            occurred_at: Some(moment::to_wire(occurred_at)),
            severity: 1 + i32::try_from(chance.skewed(4)).unwrap_or_default(),
            summary: format!("Made-up case {number}: {noted}, no further action agreed so far."),
            attributes: kinds::content(kind, occurred_at, chance),
            pointer: format!("https://cases.example/{number}"),
            ..Default::default()
        }
    }
}

/// The UPRN of a home, by its number: first those of the town, then [`QUARTER_HOMES`] each of the market and the green.
pub(super) fn uprn(home: u64) -> u64 {
    FIRST_UPRN + home
}

/// How long ago: at most so many days, recent days far more often.
fn age(days: u64, chance: &mut Chance) -> SignedDuration {
    let seconds = 600 + chance.skewed(days * 86_400);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default())
}

/// The check digit of an NHS number that begins with 999 (modulus 11); 10 if there is no such number.
fn check_digit(body: u32) -> u32 {
    let digits = [9, 9, 9]
        .into_iter()
        .chain((0..6).rev().map(|place| body / 10u32.pow(place) % 10));
    let sum: u32 = digits.zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 11
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town() -> Town {
        Town::new(1, 2_000, "2026-11-20T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_seed_always_makes_the_same_town() {
        for number in [0, 999, 1_500, 2_500, 3_500] {
            assert_eq!(town().signal(number), town().signal(number));
        }
        let other = Town::new(2, 2_000, "2026-11-20T12:00:00Z".parse().unwrap());
        assert_ne!(town().signal(5).1.occurred_at, other.signal(5).1.occurred_at);
    }

    #[test]
    fn nine_in_ten_give_consent() {
        let town = town();
        let gave = town.statements().filter(|(_, word)| *word == Word::Gave).count();
        let all = usize::try_from(town.people()).unwrap();
        assert!((gave * 100 / all).abs_diff(90) <= 1, "{gave} of {all}");
    }

    #[test]
    fn everyone_has_a_number_of_their_own_that_is_never_issued() {
        let town = town();
        let mut numbers: Vec<String> = (0..town.people()).map(|person| town.nhs_number(person)).collect();
        let sound = |number: &String| number.parse::<placehub_hub::model::NhsNumber>().is_ok();
        assert!(numbers.iter().all(|number| number.starts_with("999") && sound(number)));
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len() as u64, town.people());
    }

    #[test]
    fn no_signal_of_the_town_is_older_than_the_shortest_retention() {
        let town = town();
        for number in 0..town.signals() {
            let (_, draft) = town.signal(number);
            let at = moment::of_wire(draft.occurred_at.as_ref()).unwrap();
            assert!(town.now.duration_since(at) < SignedDuration::from_hours(24 * 85));
        }
    }
}
