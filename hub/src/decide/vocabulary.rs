//! The words of the policies: the schema, which belongs to the hub and not to whoever writes rules.
//! Never takes another one: what a hierarchy of actions, a type of another name or one more sort of principal would open,
//! neither signatures nor bounds nor matrix could tell.

use cedar_policy::{Schema, SchemaFragment};

use super::{Error, depth::shallow, files::line_at, reader::line};

const FILE: &str = "placehub.cedarschema";
/// The schema that requests are built by and that rules are read by.
const OWN: &str = include_str!("../../../policies/placehub.cedarschema");

/// The schema of a folder, which must say what the hub's own says. Comments and blanks may differ.
///
/// # Errors
/// If it does not parse or says anything else: names the line.
pub(super) fn schema(source: &str) -> Result<Schema, Error> {
    shallow(FILE, source)?;
    let (schema, _) =
        Schema::from_cedarschema_str(source).map_err(|why| Error::at(FILE, line(&why, source), why.to_string()))?;
    let meaning = |text: &str| {
        let fragment = SchemaFragment::from_cedarschema_str(text).map(|(fragment, _)| fragment);
        let fragment = fragment.map_err(|why| Error::at(FILE, 1, why.to_string()))?;
        fragment
            .to_json_value()
            .map_err(|why| Error::at(FILE, 1, why.to_string()))
    };
    if meaning(source)? != meaning(OWN)? {
        let what = "it differs from the schema that this hub was built with, and no other can be used";
        return Err(Error::at(FILE, first_difference(source), what));
    }
    Ok(schema)
}

/// The first line that says something which the hub's own schema does not say at the same place.
fn first_difference(source: &str) -> usize {
    let mut own = said(OWN).map(|(_, words)| words);
    let differs = said(source).find(|(_, words)| own.next() != Some(*words));
    differs.map_or_else(|| line_at(source, source.len()), |(line, _)| line)
}

/// The lines that say something, by number, without comments and blanks.
fn said(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines());
    let stripped = lines.map(|(number, line)| (number, line.split("//").next().unwrap_or_default().trim()));
    stripped.filter(|(_, words)| !words.is_empty())
}
