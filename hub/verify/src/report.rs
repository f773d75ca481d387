//! How a check came out, in words or as JSON. It checks nothing itself.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use placehub_ledger::{
    VerifierKey,
    tree::Hash,
    verify::{Fault, Verified},
};
use serde_json::{Value, json};

/// How a check came out.
pub(crate) struct Outcome {
    origin: String,
    found: Result<Found, Wrong>,
}

/// What is right.
pub(crate) enum Found {
    /// An entry, in a tree.
    Entry {
        /// Its number.
        number: u64,
        /// How many entries the tree has.
        size: u64,
        /// The tree's root.
        root: Hash,
        /// Which of the known witnesses have cosigned the head, and when.
        witnessed: Vec<(String, String)>,
    },
    /// A whole ledger.
    Ledger(Box<Verified>),
}

/// What is wrong.
struct Wrong {
    /// The first entry that is wrong.
    first: Option<u64>,
    /// The first and the last of those among which it is, if no more can be told.
    among: Option<(u64, u64)>,
    why: String,
}

impl Outcome {
    /// Of a whole ledger.
    pub(crate) fn of(key: &VerifierKey, found: Result<Found, Fault>) -> Self {
        Self {
            origin: key.name().to_owned(),
            found: found.map_err(|fault| Wrong {
                first: fault.number(),
                among: fault.among(),
                why: format!("{:#}", anyhow::Error::from(fault)),
            }),
        }
    }

    /// Of the proof of an entry.
    pub(crate) fn of_proof(key: &VerifierKey, number: u64, found: anyhow::Result<Found>) -> Self {
        Self {
            origin: key.name().to_owned(),
            found: found.map_err(|error| Wrong {
                first: Some(number),
                among: None,
                why: format!("{error:#}"),
            }),
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        self.found.is_ok()
    }

    /// Prints it.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn print(&self, as_json: bool) -> io::Result<()> {
        let text = if as_json {
            format!("{:#}", self.json())
        } else {
            self.words()
        };
        writeln!(io::stdout().lock(), "{text}")
    }

    fn json(&self) -> Value {
        let origin = &self.origin;
        match &self.found {
            Ok(Found::Entry {
                number,
                size,
                root,
                witnessed,
            }) => json!({
                "schema": 1,
                "ok": true,
                "origin": origin,
                "entry": number,
                "size": size,
                "root": hex::encode(root),
                "witnesses": witnesses(witnessed),
            }),
            Ok(Found::Ledger(verified)) => json!({
                "schema": 1,
                "ok": true,
                "origin": origin,
                "size": verified.size,
                "root": hex::encode(verified.root),
                "first_at": verified.first_at.map(|at| at.to_string()),
                "last_at": verified.last_at.map(|at| at.to_string()),
                "changes_of_key": verified.rotations,
                "witnesses": witnesses(&verified.witnessed),
            }),
            Err(Wrong { first, among, why }) => json!({
                "schema": 1,
                "ok": false,
                "origin": origin,
                "first_wrong_entry": first,
                "wrong_among": among.map(|(first, last)| json!({ "first": first, "last": last })),
                "fault": why,
            }),
        }
    }

    fn words(&self) -> String {
        let origin = &self.origin;
        match &self.found {
            Ok(Found::Entry {
                number,
                size,
                root,
                witnessed,
            }) => format!(
                "Entry {number} is in the ledger of {origin}, as it was signed with {size} entries.\nRoot {}{}",
                hex::encode(root),
                cosigned(witnessed)
            ),
            Ok(Found::Ledger(verified)) => {
                let mut words = format!("The ledger of {origin} is as it was signed: {} entries", verified.size);
                if let (Some(first), Some(last)) = (verified.first_at, verified.last_at) {
                    words.push_str(&format!(", from {first} to {last}"));
                }
                words.push_str(&format!(".\nRoot {}", hex::encode(verified.root)));
                if verified.rotations > 0 {
                    words.push_str(&format!("\nIts key was changed {} times.", verified.rotations));
                }
                words.push_str(&cosigned(&verified.witnessed));
                words
            }
            Err(Wrong { why, .. }) => format!("The ledger of {origin} is WRONG: {why}."),
        }
    }
}

fn witnesses(witnessed: &[(String, impl Display)]) -> Vec<Value> {
    let each = witnessed.iter();
    each.map(|(name, at)| json!({ "name": name, "cosigned_at": at.to_string() }))
        .collect()
}

fn cosigned(witnessed: &[(String, impl Display)]) -> String {
    let each = witnessed.iter();
    each.map(|(name, at)| format!("\nCosigned by {name} at {at}."))
        .collect()
}
