//! What the place's files must be like, and what is read from them.

use std::fs;

use super::*;

const AREAS: &str = "code,kind,name,vintage\n\
    E01000001,lsoa,Sample 001A,2021\n\
    E01000002,lsoa,Sample 001B,2021\n\
    E02000001,msoa,Sample 001,2021\n\
    E05000001,ward,\"Sample, East\",2023\n\
    central,footprint,Central,2024\n";
const LSOAS: &str = "lsoa,msoa,ward,footprint\n\
    E01000001,E02000001,E05000001,central\n\
    E01000002,E02000001,E05000001,central\n";
const ADDRESSES: &str = "uprn,lsoa\n\
    999000000101,E01000001\n\
    999000000102,E01000002\n";

fn load(areas: &str, lsoas: &str, addresses: &str) -> Result<Places, Error> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("areas.csv", areas), ("lsoas.csv", lsoas), ("addresses.csv", addresses)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    Places::load(dir.path())
}

fn code(text: &str) -> AreaCode {
    text.parse().unwrap()
}

/// What an error says after the folder's name.
fn complaint(areas: &str, lsoas: &str, addresses: &str) -> String {
    let error = load(areas, lsoas, addresses).unwrap_err().to_string();
    error.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn an_address_lies_in_its_lsoa_and_in_all_that_is_around() {
    let places = load(AREAS, LSOAS, ADDRESSES).unwrap();
    let lsoa = places.area_of("999000000101".parse().unwrap()).unwrap();
    assert_eq!(*lsoa, code("E01000001"));
    let around = ["E01000001", "E02000001", "E05000001", "central"].map(code);
    assert_eq!(*places.around(lsoa), around);
    assert_eq!(places.kind(lsoa), Some(AreaKind::Lsoa));
    assert_eq!(places.name(&code("E05000001")), Some("Sample, East"));
    assert_eq!(places.vintage(&code("E05000001")), Some("2023"));
    assert_eq!((places.area_count(), places.address_count()), (5, 2));
}

#[test]
fn around_any_other_area_is_itself_alone() {
    let places = load(AREAS, LSOAS, ADDRESSES).unwrap();
    for text in ["E02000001", "E05000001", "central"] {
        assert_eq!(*places.around(&code(text)), [code(text)]);
    }
}

#[test]
fn what_is_not_of_the_place_is_unknown() {
    let places = load(AREAS, LSOAS, ADDRESSES).unwrap();
    assert_eq!(places.area_of("7".parse().unwrap()), None);
    assert!(!places.knows(&code("leigh")));
    assert!(places.around(&code("leigh")).is_empty());
    assert_eq!(places.kind(&code("leigh")), None);
}

#[test]
fn a_mark_of_byte_order_and_line_ends_of_windows_are_taken() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let places = load(&windows(AREAS), &windows(LSOAS), &windows(ADDRESSES)).unwrap();
    assert_eq!((places.area_count(), places.address_count()), (5, 2));
    let broken = windows(&AREAS.replace("E05000001,ward", "E05000001,parish"));
    assert!(complaint(&broken, LSOAS, ADDRESSES).starts_with("areas.csv, line 5, column `kind`"));
}

#[test]
fn the_digest_changes_with_any_file() {
    let digest = |areas: &str, lsoas: &str, addresses: &str| load(areas, lsoas, addresses).unwrap().digest().to_owned();
    let first = digest(AREAS, LSOAS, ADDRESSES);
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest(AREAS, LSOAS, ADDRESSES));
    assert_ne!(first, digest(&AREAS.replace("001A", "001C"), LSOAS, ADDRESSES));
    assert_ne!(first, digest(AREAS, LSOAS, &ADDRESSES.replace("0101", "0103")));
}

#[test]
fn a_mistake_is_named_by_file_line_column_and_rule() {
    for (from, to, expected) in [
        (
            "code,kind",
            "kind,code",
            "areas.csv, line 1: the header is `code,kind,name,vintage`",
        ),
        (
            "E02000001,msoa",
            "E02000001,msoa,x",
            "areas.csv, line 4: a line has 4 fields",
        ),
        (
            "E02000001,msoa",
            "E0200 001,msoa",
            "areas.csv, line 4, column `code`: a code is 1 to 64 letters, digits, dots, hyphens or underscores",
        ),
        (
            "E02000001,msoa",
            "E01000001,msoa",
            "areas.csv, line 4, column `code`: a code stands in one line only",
        ),
        (
            "footprint,Central",
            "patch,Central",
            "areas.csv, line 6, column `kind`: a kind is lsoa, msoa, ward or footprint",
        ),
        (
            "footprint,Central",
            "footprint,",
            "areas.csv, line 6, column `name`: an area has a name",
        ),
        (
            "2024",
            "24",
            "areas.csv, line 6, column `vintage`: a vintage is a year of four digits",
        ),
        (
            "E05000001,ward",
            "E05000002,ward",
            "lsoas.csv, line 2, column `ward`: a code is declared in areas.csv",
        ),
        (
            "E05000001,ward",
            "E05000001,msoa",
            "lsoas.csv, line 2, column `ward`: areas.csv declares the code as another kind",
        ),
        (
            "central,",
            "E01000003,lsoa,Sample 001C,2021\ncentral,",
            "areas.csv, line 6, column `code`: an LSOA has a line in lsoas.csv",
        ),
    ] {
        assert_eq!(complaint(&AREAS.replacen(from, to, 1), LSOAS, ADDRESSES), expected);
    }
    let twice = LSOAS.replace("E01000002", "E01000001");
    assert_eq!(
        complaint(AREAS, &twice, ADDRESSES),
        "lsoas.csv, line 3, column `lsoa`: an LSOA stands in one line only"
    );
    for (from, to, expected) in [
        (
            "999000000102",
            "no number",
            "addresses.csv, line 3, column `uprn`: a UPRN has 1 to 12 digits and is not zero",
        ),
        (
            "999000000102",
            "999000000101",
            "addresses.csv, line 3, column `uprn`: a UPRN stands in one line only",
        ),
        (
            "102,E01000002",
            "102,central",
            "addresses.csv, line 3, column `lsoa`: areas.csv declares the code as another kind",
        ),
        (
            "\n999000000102",
            "\n\n\n999000000101",
            "addresses.csv, line 5, column `uprn`: a UPRN stands in one line only",
        ),
    ] {
        assert_eq!(complaint(AREAS, LSOAS, &ADDRESSES.replacen(from, to, 1)), expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Places::load(dir.path()), Err(Error::Read { path, .. }) if path.ends_with("areas.csv")));
}

#[test]
fn the_sample_place_loads() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("program/sample/places");
    if !sample.exists() {
        eprintln!("skipped: there is no sample place beside the program");
        return;
    }
    let places = Places::load(&sample).unwrap();
    assert!(places.knows(&code("central")) && places.knows(&code("leigh")));
    for (digits, footprint) in [("999000000101", "central"), ("999000000112", "leigh")] {
        let lsoa = places.area_of(digits.parse().unwrap()).unwrap();
        assert!(places.around(lsoa).contains(&code(footprint)));
    }
}
