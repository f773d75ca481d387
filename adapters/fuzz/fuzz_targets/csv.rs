//! Any bytes as a CSV or JSON file of the police, of housing and of welfare: each row is read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = placehub_police::translate(bytes, "E01000001.csv");
    let _ = placehub_housing::translate(bytes, "x.csv");
    let _ = placehub_welfare::translate(bytes, "x.csv");
});
