//! The form of stored values: one byte of schema version, then the value in postcard form.
//! Never knows which room a value belongs to.

use serde::{Serialize, de::DeserializeOwned};

use super::Error;

/// The version that this hub writes. A value of another version is refused, never guessed at.
const VERSION: u8 = 1;

/// The bytes of a value.
///
/// # Errors
/// If the value cannot be encoded; `table` names it in the error.
pub fn encode<T: Serialize>(table: u8, value: &T) -> Result<Vec<u8>, Error> {
    postcard::to_extend(value, vec![VERSION]).map_err(|_| Error::Corrupt {
        table: char::from(table),
        why: "it cannot be encoded",
    })
}

/// The value of bytes.
///
/// # Errors
/// If the bytes are of another schema version or are not such a value; `table` names it in the error.
pub fn decode<T: DeserializeOwned>(table: u8, bytes: &[u8]) -> Result<T, Error> {
    let corrupt = |why| Error::Corrupt {
        table: char::from(table),
        why,
    };
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| corrupt("it is not a value of this table")),
        Some(_) => Err(corrupt("it was written by another version of the hub")),
        None => Err(corrupt("it is empty")),
    }
}
