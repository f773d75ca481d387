//! The police adapter: a force's own incident extract and data.police.uk's street-level crimes, as CSV or as JSON, made into drafts of signals.
//! It never pushes by itself and never reads what it does not need.

pub mod addresses;
pub mod format;
pub mod polygons;
mod translate;

#[cfg(test)]
mod tests;

use std::{io::Cursor, path::PathBuf, sync::Arc};

use placehub_delivery::{
    FileError, Input, Rows, Translated,
    catalogue::Need,
    draft,
    program::Opened,
    settings::{self, Formats},
};
use serde::Deserialize;

use addresses::Addresses;
use polygons::Polygons;

/// Samples for a demonstration, by file name: made-up people at made-up addresses.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("incidents.csv", include_bytes!("../samples/incidents.csv")),
    ("street.csv", include_bytes!("../samples/street.csv")),
    (
        "street-E01006370.json",
        include_bytes!("../samples/street-E01006370.json"),
    ),
];

/// The kinds that it may push.
pub const KINDS: &[Need] = &[
    Need::of("police.asb-incident"),
    Need::of("police.crime-report"),
    Need::of("police.criminal-damage"),
    Need::of("police.domestic-abuse-incident"),
    Need::of("police.mental-health-detention"),
    Need::of("police.missing-person"),
    Need::of("police.violence-incident"),
    Need::of("police.vulnerable-adult"),
];

/// What `init` writes on its formats.
pub const FORMATS: &str = "
[formats]
# The outlines of the place's small areas as GeoJSON, and the property that holds their codes: they say where a crime
# happened of which only a point is published.
# polygons = \"lsoa.geojson\"
# polygon_code = \"LSOA21CD\"
# The place's addresses, as CSV with the columns `uprn` and `address`: they say where an incident was of which the address
# is written out.
# addresses = \"addresses.csv\"
";

/// What is known of the place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// They decide the area where only a point is given.
    pub polygons: Polygons,
    /// They decide the UPRN where only an address is given.
    pub addresses: Addresses,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    addresses: Option<PathBuf>,
    polygons: Option<PathBuf>,
    polygon_code: Option<String>,
}

/// Gets the formats ready, as the table `[formats]` asks.
///
/// # Errors
///
/// [`settings::Error`] with the file that is at fault.
pub fn open(formats: &Formats) -> Result<Opened, settings::Error> {
    let written: Written = formats.parse()?;
    let code = written.polygon_code.as_deref().unwrap_or("LSOA21CD");
    let polygons = written.polygons.map(|file| Polygons::load(&formats.path(&file), code));
    let addresses = written.addresses.map(|file| Addresses::load(&formats.path(&file)));
    let place = Arc::new(Place {
        polygons: polygons.transpose()?.unwrap_or_default(),
        addresses: addresses.transpose()?.unwrap_or_default(),
    });
    Ok(Opened::files(KINDS, move |input, name| rows(input, name, &place)))
}

/// Says what the hub is to be told of each row of a file as it is read, or why nothing. `name` is the file's name, for origins.
///
/// # Errors
///
/// [`FileError`] if nothing can be read from the file: not UTF-8, no CSV, or a header that is not known here.
pub fn rows(input: Input, name: &str, place: &Arc<Place>) -> Result<Rows, FileError> {
    let pieces = format::read(input, name, place)?;
    Ok(draft::translated_to_many(pieces, name, translate::contents))
}

/// As [`rows`], for a small file that is in memory already, and without anything known of the place.
///
/// # Errors
///
/// [`FileError`] if any of the file cannot be read.
pub fn translate(bytes: &[u8], name: &str) -> Result<Vec<Translated>, FileError> {
    rows(Box::new(Cursor::new(bytes.to_vec())), name, &Arc::default())?.collect()
}
