//! Rows laid over something that can be scanned: what they put hides what lies under it, and what they delete is not there.
//! Holds nothing and copies nothing.

use std::ops::ControlFlow;

use super::{Error, Visit};

/// Visits what is under `rows`, and the rows, in ascending byte order: of a key that both have, the row alone, and nothing
/// if the row deletes it. `rows` come in ascending byte order, and `under` scans the same range.
///
/// # Errors
/// Those of `under`.
pub(super) fn laid_over<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    rows: impl Iterator<Item = (K, Option<V>)>,
    under: impl FnOnce(&mut Visit<'_>) -> Result<(), Error>,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let mut rows = rows.peekable();
    let mut ended = false;
    under(&mut |key, value| {
        while let Some((before, put)) = rows.next_if(|(row, _)| row.as_ref() < key) {
            if let Some(put) = put
                && visit(before.as_ref(), put.as_ref()).is_break()
            {
                ended = true;
                return ControlFlow::Break(());
            }
        }
        let flow = match rows.next_if(|(row, _)| row.as_ref() == key) {
            Some((_, Some(put))) => visit(key, put.as_ref()),
            Some((_, None)) => ControlFlow::Continue(()),
            None => visit(key, value),
        };
        ended = flow.is_break();
        flow
    })?;
    for (behind, put) in rows {
        if ended {
            break;
        }
        if let Some(put) = put {
            ended = visit(behind.as_ref(), put.as_ref()).is_break();
        }
    }
    Ok(())
}
