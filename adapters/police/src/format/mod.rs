//! Reads police CSV files, told apart by their header, and the police API's JSON.
//! Pure. It never repeats a value in a refusal, and one bad row never keeps another back.

mod api;
mod incidents;
mod outcomes;
mod street;

pub use incidents::{Category, Incident, Marker, Party, Role};
pub use street::{Crime, CrimeType};

use std::sync::Arc;

use placehub_delivery::{
    FileError, Input, Pieces, json,
    table::{Layout, Table},
};

use crate::Place;

/// One row of either file.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A street-level crime.
    Crime(Crime),
    /// An incident of the force's own extract.
    Incident(Incident),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Incidents,
    Street,
}

const LAYOUTS: &[Layout<Kind>] = &[
    Layout {
        kind: Kind::Incidents,
        name: "incidents",
        columns: incidents::COLUMNS,
    },
    Layout {
        kind: Kind::Street,
        name: "street-level crimes",
        columns: street::COLUMNS,
    },
];

/// Reads a file. Rows carry their numbers, the header being row 1; records of JSON are numbered from 1. Where a row or record
/// names no area, the polygon that holds its point does; failing that, the area of JSON is the code in the file's name.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(input: Input, name: &str, place: &Arc<Place>) -> Result<Pieces<Row>, FileError> {
    let place = place.clone();
    let (is_json, input) = json::sniff(input)?;
    if is_json {
        let (area, mut ids) = (api::area_in(name), street::Ids::default());
        let read = move |record: &_| api::crime(record, area.as_deref(), &place.polygons, &mut ids).map(Row::Crime);
        return Ok(json::each(input, read));
    }
    let table = Table::read(input)?;
    Ok(match table.layout(LAYOUTS)? {
        Kind::Incidents => {
            Box::new(table.each(move |cells| incidents::incident(cells, &place.addresses).map(Row::Incident)))
        }
        Kind::Street => {
            let mut ids = street::Ids::default();
            Box::new(table.each(move |cells| street::crime(cells, &place.polygons, &mut ids).map(Row::Crime)))
        }
    })
}

/// Whether this is a GSS code, such as `E01000001`.
pub(crate) fn is_area_code(text: &str) -> bool {
    street::area_code(text).is_ok()
}
