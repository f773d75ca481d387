//! Reads a council's CSV exports, told apart by their header: awards, council tax arrears, and notices on universal credit.
//! Pure. It never repeats a value in a refusal, and one bad row never keeps another back.

mod awards;
mod credit;
mod tax;

pub use awards::{Award, Scheme};
pub use credit::{Deduction, Sanction};
pub use tax::Arrears;

use placehub_delivery::{
    FileError, Input, Pieces,
    table::{Layout, Table},
};

/// One row of an export.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// Arrears of council tax.
    Arrears(Arrears),
    /// An award.
    Award(Award),
    /// A deduction from universal credit.
    Deduction(Deduction),
    /// A sanction.
    Sanction(Sanction),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Arrears,
    Awards,
    Deductions,
    Sanctions,
}

const LAYOUTS: &[Layout<Kind>] = &[
    Layout {
        kind: Kind::Awards,
        name: "awards",
        columns: awards::COLUMNS,
    },
    Layout {
        kind: Kind::Arrears,
        name: "council tax arrears",
        columns: tax::COLUMNS,
    },
    Layout {
        kind: Kind::Deductions,
        name: "universal credit deductions",
        columns: credit::DEDUCTIONS,
    },
    Layout {
        kind: Kind::Sanctions,
        name: "universal credit sanctions",
        columns: credit::SANCTIONS,
    },
];

/// Reads an export. Rows carry their numbers, the header being row 1.
///
/// # Errors
///
/// [`FileError`] if nothing at all can be read from the file.
pub fn read(input: Input) -> Result<Pieces<Row>, FileError> {
    let table = Table::read(input)?;
    Ok(match table.layout(LAYOUTS)? {
        Kind::Arrears => Box::new(table.each(|cells| tax::arrears(cells).map(Row::Arrears))),
        Kind::Awards => Box::new(table.each(|cells| awards::award(cells).map(Row::Award))),
        Kind::Deductions => Box::new(table.each(|cells| credit::deduction(cells).map(Row::Deduction))),
        Kind::Sanctions => Box::new(table.each(|cells| credit::sanction(cells).map(Row::Sanction))),
    })
}
