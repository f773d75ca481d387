//! Any bytes as HL7 v2: as a file of messages, and as what follows a head that is in order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = placehub_nhs::translate(bytes, "x.hl7");
    for trigger in ["A01", "A03", "A11", "A40"] {
        let mut message = format!("MSH|^~\\&|A|B|C|D|20261121||ADT^{trigger}|1|P|2.4\r").into_bytes();
        message.extend_from_slice(bytes);
        let _ = placehub_nhs::translate(&message, "x.hl7");
    }
});
