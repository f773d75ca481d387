//! Reads a record of the police API's street-level crimes (<https://data.police.uk/docs/method/crime-street/>).
//! Pure. It never leaves two records with one id, and never takes the point of a crime for an address.
//!
//! The API differs from the CSV files: words for categories, coordinates as strings, no area. The area is that of the polygon
//! that holds the point, or else the one that was asked about, which the file's name must hold.

use placehub_delivery::{Untranslatable, fields, json};
use serde_json::Value;

use super::street::{self, Crime, Ids};
use crate::polygons::Polygons;

/// The area code (GSS) that a file's name holds, e.g. `E05000060` in `crime_2018-06_E05000060.json`.
pub(super) fn area_in(name: &str) -> Option<String> {
    let parts = name.split(|character: char| !character.is_ascii_alphanumeric());
    parts
        .map(str::to_ascii_uppercase)
        .find(|part| street::area_code(part).is_ok())
}

pub(super) fn crime(
    record: &Value,
    area: Option<&str>,
    polygons: &Polygons,
    ids: &mut Ids,
) -> Result<Crime, Untranslatable> {
    // Made before anything can be refused, so that a bad record does not shift the ids of those that are like it.
    let id = id(record, ids)?;
    let latitude = json::optional(record, "/location/latitude", street::latitude)?;
    let longitude = json::optional(record, "/location/longitude", street::longitude)?;
    let within = longitude.zip(latitude).and_then(|point| polygons.area(point));
    let category = json::required(record, "/category", fields::phrase)?;
    Ok(Crime {
        id,
        month: json::required(record, "/month", fields::month)?,
        lsoa: within.or(area).map(str::to_owned).ok_or_else(|| {
            let rule = match polygons.is_empty() {
                true => "holds no area code, such as E05000060",
                false => "holds no area code, and no polygon of the place holds the point",
            };
            Untranslatable::new("file name", rule)
        })?,
        location: json::optional(record, "/location/street/name", fields::phrase)?,
        crime_type: street::crime_type(&name(&category)),
        crime_type_name: name(&category),
        outcome: json::optional(record, "/outcome_status/category", fields::phrase)?,
    })
}

/// The publisher's id of the crime, which may come more than once; where it has none, a digest of what is published. The
/// member `id` belongs to the interface alone and may change, so it has no part in it.
fn id(record: &Value, ids: &mut Ids) -> Result<String, Untranslatable> {
    let persistent = json::optional(record, "/persistent_id", fields::label)?;
    if let Some(persistent) = persistent {
        return ids.tell_apart(persistent);
    }
    let parts = [
        "/category",
        "/month",
        "/location/latitude",
        "/location/longitude",
        "/location/street/id",
        "/location/street/name",
        "/context",
    ];
    ids.give(parts.map(|pointer| json::text(record, pointer)))
}

/// The words of the CSV files for a category of the API, as far as a kind depends on them.
fn name(category: &str) -> String {
    match category {
        "anti-social-behaviour" => "Anti-social behaviour".to_owned(),
        "criminal-damage-arson" => "Criminal damage and arson".to_owned(),
        "violent-crime" => "Violence and sexual offences".to_owned(),
        other => {
            let words = other.replace('-', " ");
            let mut characters = words.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_found_in_the_name_of_the_file() {
        let found = area_in("crime_month_2018_06_area_E05000060_0.json");
        assert_eq!(found.as_deref(), Some("E05000060"));
        assert_eq!(area_in("crimes-w01000001.json").as_deref(), Some("W01000001"));
        assert_eq!(area_in("crimes.json"), None);
    }
}
