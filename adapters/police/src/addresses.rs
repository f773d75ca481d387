//! Which UPRN an address has, from a file of the place's addresses.
//! It never guesses: an address that stands for two homes, or for none, has no UPRN.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use placehub_delivery::{
    fields,
    settings::Error,
    table::{Layout, Table},
};
use ring::digest::{SHA256, digest};

/// Addresses with their UPRNs, by a digest of the address, so that a long file takes little memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Addresses(HashMap<[u8; 16], Option<u64>>);

const LAYOUT: &[Layout<()>] = &[Layout {
    kind: (),
    name: "addresses",
    columns: &["uprn", "address"],
}];

impl Addresses {
    /// Reads a CSV file with the columns `uprn` and `address`.
    ///
    /// # Errors
    ///
    /// [`Error::Beside`] if the file cannot be read, or a row of it is bad.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let beside = |rule: String| Error::Beside {
            file: file.to_path_buf(),
            rule,
        };
        let open = File::open(file).map_err(|error| beside(error.kind().to_string()))?;
        Self::parse(BufReader::new(open)).map_err(beside)
    }

    /// Reads CSV.
    ///
    /// # Errors
    ///
    /// The row, and what is wrong with it.
    pub fn parse(from: impl Read) -> Result<Self, String> {
        let table = Table::read(from).map_err(|error| error.to_string())?;
        table.layout(LAYOUT).map_err(|error| error.to_string())?;
        let rows = table.each(|cells| {
            let uprn = cells.required("uprn", |text| {
                fields::uprn(text)?.parse::<u64>().map_err(|_| "is not a number")
            })?;
            Ok((key(cells.text("address")), uprn))
        });
        let mut known = HashMap::new();
        for row in rows {
            let row = row.map_err(|error| error.to_string())?;
            let (key, uprn) = row.content.map_err(|why| format!("{}: {why}", row.place))?;
            match known.entry(key) {
                Entry::Vacant(place) => drop(place.insert(Some(uprn))),
                Entry::Occupied(mut known) if *known.get() != Some(uprn) => drop(known.insert(None)),
                Entry::Occupied(_) => {}
            }
        }
        Ok(Self(known))
    }

    /// The UPRN of an address, if it has one of its own.
    pub(crate) fn uprn(&self, address: &str) -> Option<String> {
        let uprn = self.0.get(&key(address)).copied().flatten();
        uprn.map(|uprn| uprn.to_string())
    }
}

/// Letters and digits alone count, and case does not: `Flat 2, 1 High St.` is `FLAT 2 1 HIGH ST`.
fn key(address: &str) -> [u8; 16] {
    let words = address.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).map(str::to_uppercase);
    let text = words.collect::<Vec<_>>().join(" ");
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_however_it_is_punctuated_and_one_of_two_homes_is_not() {
        let file = "uprn,address\n999000000101,\"Flat 2, 1 Example Street\"\n999000000101,FLAT 2 1 EXAMPLE STREET\n\
                    999000000105,The Cottage\n999000000109,the cottage\n";
        let addresses = Addresses::parse(file.as_bytes()).unwrap();
        let found = addresses.uprn("flat 2 1, Example  Street.");
        assert_eq!(found.as_deref(), Some("999000000101"));
        assert_eq!(addresses.uprn("The Cottage"), None);
        assert_eq!(addresses.uprn("Flat 21 Example Street"), None);
    }

    #[test]
    fn a_bad_row_is_named_by_its_number() {
        let refusal = Addresses::parse("uprn,address\n1,a\nx,b\n".as_bytes()).unwrap_err();
        assert_eq!(refusal, "row 3: uprn: is not 1 to 12 digits");
        let refusal = Addresses::parse("address\n".as_bytes()).unwrap_err();
        assert_eq!(refusal, "columns missing for addresses: uprn");
    }
}
