//! The one way to write an entry: compact JSON, fields in declared order, empty ones left out.
//! Never checks what it writes. What entries share is encoded once, and not once an entry.

use std::cell::Cell;

use serde::Serialize;
use serde_json::{Result, to_writer};

use super::{
    Class, Entry, Shown,
    text::{Moment, print_signal},
};

/// A thread's room is cut to this after each encoding, whether it came to an end or not, so that a long one does not
/// keep it large.
const ROOM: usize = 64 * 1024;

thread_local! {
    /// Where encodings are made: what is kept of one is as long as it is, and no longer.
    static MADE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A JSON object in the making.
struct Object<'m>(&'m mut Vec<u8>);

/// The canonical encoding.
///
/// # Errors
/// If a time has a year that is not of four digits.
pub(super) fn encode(entry: &Entry) -> Result<Vec<u8>> {
    let mut made = MADE.take();
    let written = write(entry, Object(&mut made)).map(|()| made.as_slice().to_vec());
    made.clear();
    made.shrink_to(ROOM);
    MADE.set(made);
    written
}

fn write(entry: &Entry, mut to: Object<'_>) -> Result<()> {
    let Entry {
        v,
        at,
        action,
        agency,
        sector,
        workload,
        certificate,
        practitioner,
        roles,
        teams,
        areas,
        subject,
        reach,
        purpose,
        gateway,
        case_reference,
        level,
        since,
        until,
        kinds,
        near,
        sought,
        allowed,
        refusal,
        policy,
        policy_version,
        agreements,
        rules,
        shown,
        hidden,
        classes,
        remainder,
        touched,
        change,
        swept,
        withheld,
    } = entry;
    to.0.push(b'{');
    to.field("v", v)?;
    to.field("at", &Moment(*at))?;
    to.field("action", action)?;
    to.optional("agency", agency)?;
    to.optional("sector", sector)?;
    to.unless(workload.is_empty(), "workload", workload)?;
    to.optional("certificate", certificate)?;
    to.unless(practitioner.is_empty(), "practitioner", practitioner)?;
    to.unless(roles.is_empty(), "roles", roles)?;
    to.unless(teams.is_empty(), "teams", teams)?;
    to.unless(areas.is_empty(), "areas", areas)?;
    to.optional("subject", subject)?;
    to.unless(reach.is_empty(), "reach", reach)?;
    to.optional("purpose", purpose)?;
    to.optional("gateway", gateway)?;
    to.unless(case_reference.is_empty(), "case_reference", case_reference)?;
    to.optional("level", level)?;
    to.optional("since", &since.map(Moment))?;
    to.optional("until", &until.map(Moment))?;
    to.unless(kinds.is_empty(), "kinds", kinds)?;
    to.unless(near.is_unknown(), "near", near)?;
    to.unless(sought.is_empty(), "sought", sought)?;
    to.field("allowed", allowed)?;
    to.optional("refusal", refusal)?;
    to.optional("policy", policy)?;
    to.optional("policy_version", policy_version)?;
    to.unless(agreements.is_empty(), "agreements", agreements)?;
    to.unless(rules.is_empty(), "rules", rules)?;
    to.list("shown", shown, write_shown)?;
    to.unless(hidden.is_empty(), "hidden", hidden)?;
    to.list("classes", classes, write_class)?;
    to.unless(remainder.is_empty(), "remainder", remainder)?;
    to.optional("touched", touched)?;
    to.optional("change", change)?;
    to.unless(swept.is_empty(), "swept", swept)?;
    to.unless(*withheld == 0, "withheld", withheld)?;
    to.0.push(b'}');
    Ok(())
}

impl Object<'_> {
    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn field<T: Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.name(name);
        to_writer(&mut *self.0, value)
    }

    fn unless<T: Serialize>(&mut self, empty: bool, name: &str, value: &T) -> Result<()> {
        match empty {
            true => Ok(()),
            false => self.field(name, value),
        }
    }

    fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) -> Result<()> {
        value.as_ref().map_or(Ok(()), |value| self.field(name, value))
    }

    /// A list of parts of which an entry may have many, unless it is empty.
    fn list<T>(&mut self, name: &str, parts: &[T], write: fn(&mut Vec<u8>, &T) -> Result<()>) -> Result<()> {
        let Some((first, rest)) = parts.split_first() else {
            return Ok(());
        };
        self.name(name);
        self.0.push(b'[');
        write(self.0, first)?;
        for part in rest {
            self.0.push(b',');
            write(self.0, part)?;
        }
        self.0.push(b']');
        Ok(())
    }
}

fn write_shown(to: &mut Vec<u8>, Shown { signal, level, version }: &Shown) -> Result<()> {
    to.extend_from_slice(b"{\"signal\":\"");
    to.extend_from_slice(print_signal(signal, &mut [0; 36]).as_bytes());
    to.extend_from_slice(b"\",\"level\":\"");
    to.extend_from_slice(level.word().as_bytes());
    to.extend_from_slice(b"\",\"version\":");
    to_writer(&mut *to, version)?;
    to.push(b'}');
    Ok(())
}

fn write_class(to: &mut Vec<u8>, class: &Class) -> Result<()> {
    to.extend_from_slice(class.text()?.as_bytes());
    to.extend_from_slice(b",\"count\":");
    to_writer(&mut *to, &class.count)?;
    to.push(b'}');
    Ok(())
}
