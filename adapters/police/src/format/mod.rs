//! Reads police CSV files, told apart by their header.
//! Pure. It never repeats a value in a refusal, and one bad row never keeps another back.

mod incidents;
mod street;

pub use incidents::{Incident, IncidentType};
pub use street::{Crime, CrimeType};

use placehub_delivery::{
    FileError, Input, Pieces,
    table::{Layout, Table},
};

/// One row of either file.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A street-level crime.
    Crime(Crime),
    /// An incident of the force's own export.
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

/// Reads a file. Rows carry their numbers, the header being row 1.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(input: Input) -> Result<Pieces<Row>, FileError> {
    let table = Table::read(input)?;
    Ok(match table.layout(LAYOUTS)? {
        Kind::Incidents => Box::new(table.each(|cells| incidents::incident(cells).map(Row::Incident))),
        Kind::Street => {
            let mut ids = street::Ids::default();
            Box::new(table.each(move |cells| street::crime(cells, &mut ids).map(Row::Crime)))
        }
    })
}
