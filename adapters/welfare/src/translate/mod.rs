//! Makes a draft of one row of a council's exports.
//! Pure. It never puts a name into a summary.

mod awards;
mod credit;
mod tax;

use placehub_delivery::Untranslatable;
use placehub_proto::v1::SignalDraft;

use crate::format::Row;

/// Makes a draft of one row.
///
/// # Errors
///
/// The field whose value has no place in a signal.
pub(crate) fn draft(row: Row) -> Result<SignalDraft, Untranslatable> {
    match row {
        Row::Arrears(row) => tax::arrears(row),
        Row::Award(row) => awards::award(row),
        Row::Deduction(row) => credit::deduction(row),
        Row::Sanction(row) => credit::sanction(row),
    }
}
