//! Reads a row of data.police.uk's street-level crime files, whose columns <https://data.police.uk/about/> describes.
//! Pure. It never leaves two rows with one id: anti-social behaviour, which has none, gets one from its content.

use std::{collections::HashMap, fmt::Write};

use jiff::civil::Date;
use placehub_delivery::{Untranslatable, fields, table::Cells};
use ring::digest::{SHA256, digest};

use super::outcomes;
use crate::polygons::Polygons;

/// The file's columns.
pub(super) const COLUMNS: &[&str] = &[
    "Crime ID",
    "Month",
    "Reported by",
    "Falls within",
    "Longitude",
    "Latitude",
    "Location",
    "LSOA code",
    "LSOA name",
    "Crime type",
    "Last outcome category",
    "Context",
];

/// A crime, placed on the nearest of the points that the publisher has drawn to protect privacy.
#[derive(Debug, Clone, PartialEq)]
pub struct Crime {
    /// The publisher's id; where it has none, a digest of the row and of how many like it came before.
    pub id: String,
    /// First day of the month, which is all that is published of the date.
    pub month: Date,
    /// LSOA code; from the API, the code of the area that was asked about.
    pub lsoa: String,
    /// The publisher's words for the point, e.g. `On or near High Street`.
    pub location: Option<String>,
    /// What sort of crime.
    pub crime_type: CrimeType,
    /// The publisher's words for the sort of crime.
    pub crime_type_name: String,
    /// What came of it so far.
    pub outcome: Option<String>,
}

impl Crime {
    /// Rises with what came of it, since a crime is published anew, under its id, when that changes.
    pub fn version(&self) -> u64 {
        outcomes::version(self.outcome.as_deref())
    }
}

/// The crime types that have a kind of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrimeType {
    /// "Anti-social behaviour"
    AntiSocialBehaviour,
    /// "Criminal damage and arson"
    CriminalDamage,
    /// All others.
    Other,
    /// "Violence and sexual offences"
    Violence,
}

/// Gives an id to rows that have none, and tells those apart that share one: the same for the same row of the same file,
/// whenever it is read.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// How many rows of each content came before, by a digest of it, so that a long file does not lie in memory.
    alike: HashMap<[u8; 16], u32>,
}

/// How many rows of a file can be told apart, so that they take a bounded memory. A month of the whole country has about
/// half as many.
const MOST: usize = 900_000;

impl Ids {
    /// An id for a row or record that has none, from what is published of it and from how many like it came before.
    pub(super) fn give<T: AsRef<str>>(&mut self, parts: impl IntoIterator<Item = T>) -> Result<String, Untranslatable> {
        // A separator that no cell holds keeps `ab,c` and `a,bc` apart.
        let parts: Vec<T> = parts.into_iter().collect();
        let content = parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("\u{1f}");
        let marked = format!("{content}\u{1f}{}", self.alike_before(&content)?);
        let id = digest(&SHA256, marked.as_bytes())
            .as_ref()
            .iter()
            .fold("row-".to_owned(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        Ok(id)
    }
}

impl Ids {
    /// Marks an id that has come before, as the publisher's ids may.
    pub(super) fn tell_apart(&mut self, id: String) -> Result<String, Untranslatable> {
        Ok(match self.alike_before(&id)? {
            0 => id,
            before => format!("{id}:{}", before + 1),
        })
    }

    /// How many of this content came before this one.
    fn alike_before(&mut self, content: &str) -> Result<u32, Untranslatable> {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(digest(&SHA256, content.as_bytes()).as_ref()) {
            *to = *from;
        }
        if self.alike.len() >= MOST && !self.alike.contains_key(&key) {
            let rule = format!("comes after {MOST} others of its file: divide the file, by month");
            return Err(Untranslatable::new("row", rule));
        }
        let alike = self.alike.entry(key).or_default();
        *alike += 1;
        Ok(*alike - 1)
    }
}

pub(super) fn crime(cells: &Cells<'_>, polygons: &Polygons, ids: &mut Ids) -> Result<Crime, Untranslatable> {
    let id = match cells.optional("Crime ID", fields::label)? {
        Some(id) => ids.tell_apart(id)?,
        None => ids.give(cells.all())?,
    };
    let crime_type_name = cells.required("Crime type", fields::phrase)?;
    Ok(Crime {
        id,
        month: cells.required("Month", fields::month)?,
        lsoa: area(cells, polygons)?,
        location: cells.optional("Location", fields::phrase)?,
        crime_type: crime_type(&crime_type_name),
        crime_type_name,
        outcome: cells.optional("Last outcome category", fields::phrase)?,
    })
}

/// The row's own area, or else that of the polygon that holds its point.
fn area(cells: &Cells<'_>, polygons: &Polygons) -> Result<String, Untranslatable> {
    if let Some(code) = cells.optional("LSOA code", area_code)? {
        return Ok(code);
    }
    let longitude = cells.optional("Longitude", longitude)?;
    let latitude = cells.optional("Latitude", latitude)?;
    let within = longitude.zip(latitude).and_then(|point| polygons.area(point));
    let rule = match polygons.is_empty() {
        true => "is empty",
        false => "is empty, and no polygon of the place holds the point",
    };
    within
        .map(str::to_owned)
        .ok_or_else(|| Untranslatable::new("LSOA code", rule))
}

/// A longitude in degrees; a point is used to find its area, and never passed on.
pub(super) fn longitude(text: &str) -> Result<f64, &'static str> {
    degrees(text, 180.0)
}

/// A latitude in degrees.
pub(super) fn latitude(text: &str) -> Result<f64, &'static str> {
    degrees(text, 90.0)
}

fn degrees(text: &str, most: f64) -> Result<f64, &'static str> {
    let number: Option<f64> = text.trim().parse().ok();
    number
        .filter(|number| number.abs() <= most)
        .ok_or("is not a coordinate")
}

pub(super) fn crime_type(name: &str) -> CrimeType {
    match name.to_ascii_lowercase().as_str() {
        "anti-social behaviour" => CrimeType::AntiSocialBehaviour,
        "criminal damage and arson" => CrimeType::CriminalDamage,
        "violence and sexual offences" => CrimeType::Violence,
        _ => CrimeType::Other,
    }
}

/// ONS: a letter for the country, two digits for the sort of area, six for the area.
pub(super) fn area_code(text: &str) -> Result<String, &'static str> {
    let mut characters = text.chars();
    let country = characters.next().is_some_and(|first| first.is_ascii_uppercase());
    let digits = text.len() == 9 && characters.all(|rest| rest.is_ascii_digit());
    (country && digits).then(|| text.to_owned()).ok_or("is not a GSS code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_more_rows_than_can_be_told_apart_fills_no_memory() {
        let mut ids = Ids::default();
        ids.tell_apart("ab12".into()).unwrap();
        ids.alike.extend((1..MOST as u128).map(|row| (row.to_le_bytes(), 1)));
        assert_eq!(ids.tell_apart("ab12".into()).unwrap(), "ab12:2");
        assert_eq!(ids.tell_apart("another".into()).unwrap_err().field, "row");
        assert_eq!(ids.alike.len(), MOST);
    }
}
