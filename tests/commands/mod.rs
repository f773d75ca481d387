//! The program at the wall, as a newcomer and as a script meet it: command lines, exit codes, printed lines.
//! It never asks a hub anything except through the program.

mod checks;
mod demo;
mod doctor;
mod endings;
mod json;
mod policy;
mod readme;
mod rehearsal;
mod serving;

/// The NHS number of Alex Sample, as people write it.
pub(crate) const ALEX: &str = "999 000 1006";
/// What Alex speaks of.
const PURPOSE: &str = "homelessness-prevention";

/// Rent arrears of Alex, to push with `--agency housing`.
pub(crate) const ARREARS: [&str; 16] = [
    "push",
    "--agency",
    "housing",
    "--kind",
    "housing.rent-arrears",
    "--system",
    "rents",
    "--id",
    "T-1",
    "--nhs",
    ALEX,
    "--uprn",
    "999000000101",
    "--summary",
    "9 weeks of rent arrears",
    "--attr=weeks=9",
];

/// Alex's consent.
pub(crate) const CONSENT: [&str; 8] = [
    "consent",
    "give",
    "--as",
    "officer-42",
    "--person",
    ALEX,
    "--purpose",
    PURPOSE,
];

/// A question of a practitioner about Alex.
pub(crate) fn ask(subject: &str) -> [&str; 7] {
    ["ask", "--as", subject, "--person", ALEX, "--purpose", PURPOSE]
}
