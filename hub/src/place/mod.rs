//! The areas of the place and the addresses in them, held in memory. Never knows who lives anywhere.

mod table;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use foldhash::fast::RandomState;
use ring::digest;

use self::table::{Record, Table};
use crate::model::{AreaCode, Uprn};

/// The place: areas and addresses, as read from three files of comma-separated values (RFC 4180) with a header line.
///
/// - `areas.csv`: `code,kind,name,vintage`. Kind is `lsoa`, `msoa`, `ward` or `footprint`; vintage is the year of the
///   boundaries, because the same ground has other codes in another year (ONS: LSOA11CD, LSOA21CD).
/// - `lsoas.csv`: `lsoa,msoa,ward,footprint`, one line for each LSOA: the areas around it. ONS codes do not tell their parents.
/// - `addresses.csv`: `uprn,lsoa`.
#[derive(Debug)]
pub struct Places {
    areas: Areas,
    addresses: HashMap<Uprn, AreaCode>,
    digest: String,
}

/// The sort of an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AreaKind {
    /// The neighbourhood that a team works in: the place's own.
    Footprint,
    /// Lower layer super output area (ONS): 1,000 to 3,000 people.
    Lsoa,
    /// Middle layer super output area (ONS): 5,000 to 15,000 people.
    Msoa,
    /// Electoral ward.
    Ward,
}

/// Why the place could not be read. Names file, line, column and rule, and never what stood there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no table of its columns.
    #[error("{}, line {line}: {rule}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// From 1, the header's.
        line: u64,
        /// The rule that was broken.
        rule: String,
    },
    /// The file cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// A value breaks a rule.
    #[error("{}, line {line}, column `{column}`: {rule}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// From 1, the header's.
        line: u64,
        /// The column's name.
        column: &'static str,
        /// The rule that was broken.
        rule: &'static str,
    },
}

/// Areas by their codes.
type Areas = HashMap<AreaCode, Area, RandomState>;

#[derive(Debug)]
struct Area {
    kind: AreaKind,
    name: String,
    vintage: String,
    /// The area itself, then those around it.
    around: Arc<[AreaCode]>,
    /// The area itself, then those within it.
    within: Arc<[AreaCode]>,
}

impl Places {
    /// Reads the three files of a folder.
    ///
    /// # Errors
    /// If a file cannot be read or breaks a rule: a code that is not declared or declared twice, an LSOA or address that
    /// stands twice, an LSOA without its line in `lsoas.csv`, a value of the wrong form.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        let areas_table = Table::read(dir, "areas.csv", ["code", "kind", "name", "vintage"])?;
        let lsoas_table = Table::read(dir, "lsoas.csv", ["lsoa", "msoa", "ward", "footprint"])?;
        let addresses_table = Table::read(dir, "addresses.csv", ["uprn", "lsoa"])?;

        let mut digest = digest::Context::new(&digest::SHA256);
        areas_table.add_to(&mut digest);
        lsoas_table.add_to(&mut digest);
        addresses_table.add_to(&mut digest);

        let mut areas = read_areas(&areas_table)?;
        read_lsoas(&lsoas_table, &mut areas)?;
        every_lsoa_has_its_line(&areas_table, &areas)?;
        let addresses = read_addresses(&addresses_table, &areas)?;
        Ok(Self {
            areas,
            addresses,
            digest: hex::encode(digest.finish()),
        })
    }

    /// The LSOA that an address lies in, if the address is one of the place's.
    pub fn area_of(&self, uprn: Uprn) -> Option<&AreaCode> {
        self.addresses.get(&uprn)
    }

    /// The area itself and every area around it: for an LSOA its MSOA, ward and footprint; for any other itself alone.
    /// Empty if the place has no such area.
    pub fn around(&self, code: &AreaCode) -> Arc<[AreaCode]> {
        self.areas.get(code).map(|area| area.around.clone()).unwrap_or_default()
    }

    /// The area itself and every LSOA within it. Empty if the place has no such area.
    pub fn within(&self, code: &AreaCode) -> Arc<[AreaCode]> {
        self.areas.get(code).map(|area| area.within.clone()).unwrap_or_default()
    }

    /// The sort of an area, if the place has it.
    pub fn kind(&self, code: &AreaCode) -> Option<AreaKind> {
        self.areas.get(code).map(|area| area.kind)
    }

    /// Whether the place has such an area.
    pub fn knows(&self, code: &AreaCode) -> bool {
        self.areas.contains_key(code)
    }

    /// What people call an area, if the place has it.
    pub fn name(&self, code: &AreaCode) -> Option<&str> {
        self.areas.get(code).map(|area| area.name.as_str())
    }

    /// The year of an area's boundaries, four digits, if the place has it.
    pub fn vintage(&self, code: &AreaCode) -> Option<&str> {
        self.areas.get(code).map(|area| area.vintage.as_str())
    }

    /// How many areas the place has.
    pub fn area_count(&self) -> usize {
        self.areas.len()
    }

    /// How many addresses the place has.
    pub fn address_count(&self) -> usize {
        self.addresses.len()
    }

    /// SHA-256 (64 lower-case hexadecimal digits) of the three files, each with its name and length in front.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl AreaKind {
    /// The word that the files, policies and the ledger use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Footprint => "footprint",
            Self::Lsoa => "lsoa",
            Self::Msoa => "msoa",
            Self::Ward => "ward",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Footprint, Self::Lsoa, Self::Msoa, Self::Ward]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

fn read_areas(table: &Table<4>) -> Result<Areas, Error> {
    let mut areas = HashMap::default();
    for record in table.records()? {
        let record = record?;
        let code = area_code(&record, 0)?;
        let kind = AreaKind::of_word(record.text(1))
            .ok_or_else(|| record.breaks(1, "a kind is lsoa, msoa, ward or footprint"))?;
        let name = record.text(2).to_owned();
        if name.is_empty() {
            return Err(record.breaks(2, "an area has a name"));
        }
        let vintage = record.text(3).to_owned();
        if vintage.len() != 4 || !vintage.bytes().all(|b| b.is_ascii_digit()) {
            return Err(record.breaks(3, "a vintage is a year of four digits"));
        }
        let area = Area {
            kind,
            name,
            vintage,
            around: Arc::from([code.clone()]),
            within: Arc::from([code.clone()]),
        };
        if areas.insert(code, area).is_some() {
            return Err(record.breaks(0, "a code stands in one line only"));
        }
    }
    Ok(areas)
}

fn read_lsoas(table: &Table<4>, areas: &mut Areas) -> Result<(), Error> {
    const KINDS: [AreaKind; 4] = [AreaKind::Lsoa, AreaKind::Msoa, AreaKind::Ward, AreaKind::Footprint];
    let mut seen = HashSet::new();
    let mut within: HashMap<AreaCode, Vec<AreaCode>> = HashMap::new();
    for record in table.records()? {
        let record = record?;
        let mut around = Vec::with_capacity(KINDS.len());
        for (column, kind) in KINDS.into_iter().enumerate() {
            around.push(declared(&record, column, kind, areas)?);
        }
        let Some(lsoa) = around.first().cloned() else {
            continue;
        };
        if !seen.insert(lsoa.clone()) {
            return Err(record.breaks(0, "an LSOA stands in one line only"));
        }
        for code in around.iter().skip(1) {
            within.entry(code.clone()).or_default().push(lsoa.clone());
        }
        if let Some(area) = areas.get_mut(&lsoa) {
            area.around = around.into();
        }
    }
    for (code, lsoas) in within {
        if let Some(area) = areas.get_mut(&code) {
            area.within = area.within.iter().cloned().chain(lsoas).collect();
        }
    }
    Ok(())
}

fn every_lsoa_has_its_line(table: &Table<4>, areas: &Areas) -> Result<(), Error> {
    for record in table.records()? {
        let record = record?;
        let alone = areas
            .get(&area_code(&record, 0)?)
            .is_some_and(|area| area.kind == AreaKind::Lsoa && area.around.len() == 1);
        if alone {
            return Err(record.breaks(0, "an LSOA has a line in lsoas.csv"));
        }
    }
    Ok(())
}

fn read_addresses(table: &Table<2>, areas: &Areas) -> Result<HashMap<Uprn, AreaCode>, Error> {
    let mut addresses = HashMap::new();
    for record in table.records()? {
        let record = record?;
        let uprn: Uprn = record
            .text(0)
            .parse()
            .map_err(|_| record.breaks(0, "a UPRN has 1 to 12 digits and is not zero"))?;
        let lsoa = declared(&record, 1, AreaKind::Lsoa, areas)?;
        if addresses.insert(uprn, lsoa).is_some() {
            return Err(record.breaks(0, "a UPRN stands in one line only"));
        }
    }
    Ok(addresses)
}

/// The code of a column as `areas.csv` declares it, so that every copy of a code shares one text.
fn declared<const N: usize>(
    record: &Record<'_, N>,
    column: usize,
    kind: AreaKind,
    areas: &Areas,
) -> Result<AreaCode, Error> {
    let code = area_code(record, column)?;
    match areas.get_key_value(&code) {
        Some((code, area)) if area.kind == kind => Ok(code.clone()),
        Some(_) => Err(record.breaks(column, "areas.csv declares the code as another kind")),
        None => Err(record.breaks(column, "a code is declared in areas.csv")),
    }
}

fn area_code<const N: usize>(record: &Record<'_, N>, column: usize) -> Result<AreaCode, Error> {
    const RULE: &str = "a code is 1 to 64 letters, digits, dots, hyphens or underscores";
    record.text(column).parse().map_err(|_| record.breaks(column, RULE))
}

#[cfg(test)]
mod tests;
