//! The form of stored values: one byte of schema version, then the value in postcard form.
//! Never knows which room a value belongs to.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::Error;

/// The version that this hub writes. A value of another version is refused, never guessed at.
pub const VERSION: u8 = 3;

/// Most values are no longer, in bytes, and so are made in one go.
const ROOM: usize = 256;

/// The bytes of a value.
///
/// # Errors
/// If the value cannot be encoded; `table` names it in the error.
pub fn encode<T: Serialize>(table: u8, value: &T) -> Result<Vec<u8>, Error> {
    let mut made = Vec::with_capacity(ROOM);
    made.push(VERSION);
    let mut made = postcard::to_extend(value, made).map_err(|_| Error::Corrupt {
        table: char::from(table),
        why: "it cannot be encoded",
    })?;
    // Many are kept in memory for long.
    made.shrink_to_fit();
    Ok(made)
}

/// The value that bytes begin with, which may borrow from them, and the bytes behind it.
///
/// # Errors
/// As for [`decode`].
pub fn split<'b, T: Deserialize<'b>>(table: u8, bytes: &'b [u8]) -> Result<(T, &'b [u8]), Error> {
    let corrupt = |why| Error::Corrupt {
        table: char::from(table),
        why,
    };
    match bytes.split_first() {
        Some((&VERSION, rest)) => {
            postcard::take_from_bytes(rest).map_err(|_| corrupt("it is not a value of this table"))
        }
        Some(_) => Err(corrupt("it was written by another version of the hub")),
        None => Err(corrupt("it is empty")),
    }
}

/// The value of bytes.
///
/// # Errors
/// If the bytes are of another schema version or are not such a value; `table` names it in the error.
pub fn decode<T: DeserializeOwned>(table: u8, bytes: &[u8]) -> Result<T, Error> {
    split(table, bytes).map(|(value, _)| value)
}
