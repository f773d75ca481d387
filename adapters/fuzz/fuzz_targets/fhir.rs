//! Any bytes as FHIR JSON or a notification: whatever is refused is refused with an element and a rule.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Both the text as it is, and as what stands in a Bundle, so that fuzzing gets past the first brace sooner.
    let _ = placehub_nhs::translate(bytes, "x.json");
    let mut bundle = br#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":"#.to_vec();
    bundle.extend_from_slice(bytes);
    bundle.extend_from_slice(b"}]}");
    let _ = placehub_nhs::translate(&bundle, "x.json");
});
