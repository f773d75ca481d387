//! What came of a crime, as data.police.uk publishes it, in the order in which a case goes on.
//! Pure. Two outcomes never have one version: the hub would be told two things under one name.

/// From the first word on a case to the last that can be had of it.
const STAGES: [&str; 27] = [
    "under investigation",
    "status update unavailable",
    "suspect charged",
    "suspect charged as part of another case",
    "awaiting court outcome",
    "defendant sent to crown court",
    "court result unavailable",
    "court case unable to proceed",
    "investigation complete; no suspect identified",
    "unable to prosecute suspect",
    "action to be taken by another organisation",
    "further action is not in the public interest",
    "further investigation is not in the public interest",
    "formal action is not in the public interest",
    "local resolution",
    "offender given a caution",
    "offender given a drugs possession warning",
    "offender given a penalty notice",
    "defendant found not guilty",
    "offender given absolute discharge",
    "offender given conditional discharge",
    "offender ordered to pay compensation",
    "offender deprived of property",
    "offender fined",
    "offender given community sentence",
    "offender given suspended prison sentence",
    "offender sent to prison",
];

/// The version of a crime of this outcome: 1 while nothing is said, and rising from stage to stage. An outcome that is not
/// listed counts above all that are, by a digest of its words.
pub(super) fn version(outcome: Option<&str>) -> u64 {
    let Some(outcome) = outcome else { return 1 };
    let outcome = outcome.to_lowercase();
    match STAGES.iter().zip(2..).find(|(stage, _)| **stage == outcome) {
        Some((_, version)) => version,
        None => 1000 + digest(&outcome),
    }
}

/// FNV-1a, cut to 31 bits: told apart well enough for the few outcomes that one crime can have.
fn digest(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_goes_on_has_a_higher_version() {
        let stages = [
            None,
            Some("Under investigation"),
            Some("Awaiting court outcome"),
            Some("Offender fined"),
            Some("Something new"),
        ];
        let versions = stages.map(version);
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
        assert_ne!(version(Some("Something new")), version(Some("Something newer")));
    }
}
