//! Prints the matrix for people: one block an agreement, one an asker, one line a kind. Never decides.

use std::fmt;

use super::{Cell, Matrix, Row};
use crate::model::{ConsentFact, SubjectSort};

const PREFACE: &str = "\
# Who may see what, by the agreements of this folder. Generated: `placehub policy matrix DIR`.
#
# For each asker stands what may be asked about; then kind by kind the level that is shown: `detail`, `headline`,
# `existence` or nothing. In brackets stands what a level takes beyond that; what does not reach it may reach the next.
# Three columns: with the person's consent; where the person has said nothing; after they refused or withdrew.
# Signals are of the sensitivity that the catalogue gives their kind; the base forbids more of restricted ones.
# All of it is about the living; of people who have died the base forbids more.
";
/// Where what is shown begins, and how long a line of names may be.
const NAME: usize = 42;
const LINE: usize = 118;

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFACE)?;
        let asks = |row: &Row| (row.agreement.clone(), row.gateway.clone());
        for block in self.rows.chunk_by(|a, b| asks(a) == asks(b)) {
            if let Some(first) = block.first() {
                let consent = first.gateway == crate::model::GatewayId::none();
                let law = if consent {
                    "consent alone".to_owned()
                } else {
                    first.gateway.to_string()
                };
                write!(f, "\n{}: for {}, relying on {law}\n", first.agreement, first.purpose)?;
            }
            for asker in block.chunk_by(|a, b| (&a.agency, &a.role) == (&b.agency, &b.role)) {
                self.asker(f, asker)?;
            }
        }
        Ok(())
    }
}

impl Matrix {
    fn asker(&self, f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let asks = first.asks.iter().map(|(subject, needs)| {
            let subject = match subject {
                SubjectSort::Person => "a person",
                SubjectSort::Address => "an address",
                SubjectSort::Area => "an area",
            };
            bracketed(subject, needs)
        });
        let asks: Vec<String> = asks.collect();
        write!(f, "\n  {} of {}, on {}\n", first.role, first.agency, asks.join(", "))?;
        let (shown, hidden): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.shows());
        let width = |column: usize| {
            let lengths = shown
                .iter()
                .filter_map(|row| row.columns().get(column).map(String::len));
            lengths.max().unwrap_or_default() + 2
        };
        let (given, none) = (width(0), width(1));
        for row in &shown {
            let name = format!("    {}", self.name(row));
            let told = match row.columns().as_slice() {
                [with, without, after] => format!("{with:<given$}{without:<none$}{after}"),
                whatever => format!("{}, whatever was said", whatever.concat()),
            };
            writeln!(f, "{name:<NAME$}{told}")?;
        }
        let hidden: Vec<String> = hidden.into_iter().map(|row| self.name(row)).collect();
        let mut line = "    nothing of".to_owned();
        for (index, name) in hidden.iter().enumerate() {
            if line.len() + name.len() > LINE {
                writeln!(f, "{line}")?;
                line = "      ".to_owned();
            }
            let mark = if index + 1 == hidden.len() { "" } else { "," };
            line.push_str(&format!(" {name}{mark}"));
        }
        match hidden.is_empty() {
            true => Ok(()),
            false => writeln!(f, "{line}"),
        }
    }

    /// The kind, with its owner where several parties own it.
    fn name(&self, row: &Row) -> String {
        let other = |one: &Row| (&one.agreement, &one.kind) == (&row.agreement, &row.kind) && one.owner != row.owner;
        match self.rows.iter().any(other) {
            true => format!("{} of {}", row.kind, row.owner),
            false => row.kind.to_string(),
        }
    }
}

impl Row {
    /// Whether anything is shown, whatever was said.
    pub fn shows(&self) -> bool {
        self.cells.iter().any(|cell| cell.most().is_some())
    }

    /// What is shown: with consent, where nothing was said, and after a no; in one text if it is all the same.
    pub fn columns(&self) -> Vec<String> {
        let cell = |fact: ConsentFact| {
            let cell = self.cells.iter().find(|cell| cell.consent == fact);
            cell.map(ToString::to_string).unwrap_or_default()
        };
        let (given, none) = (cell(ConsentFact::Given), cell(ConsentFact::None));
        let after = match (cell(ConsentFact::Refused), cell(ConsentFact::Withdrawn)) {
            (refused, withdrawn) if refused == withdrawn => refused,
            (refused, withdrawn) => format!("{refused}, or if withdrawn {withdrawn}"),
        };
        match given == none && none == after {
            true => vec![given],
            false => vec![given, none, after],
        }
    }
}

fn bracketed(word: &str, needs: &[String]) -> String {
    match needs.is_empty() {
        true => word.to_owned(),
        false => format!("{word} ({})", needs.join(", ")),
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.levels.is_empty() && self.raised.is_none() {
            return f.write_str("nothing");
        }
        for (index, (level, needs)) in self.levels.iter().enumerate() {
            let link = if index == 0 { "" } else { ", else " };
            write!(f, "{link}{}", bracketed(level.word(), needs))?;
        }
        match &self.raised {
            Some((sensitivity, level)) => write!(f, ", {} if {}", level.word(), sensitivity.word()),
            None => Ok(()),
        }
    }
}
