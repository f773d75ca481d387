//! Any bytes over a connection: how they are cut into pieces never changes what is found in them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use placehub_nhs::mllp::frames::{Found, Frames};

fuzz_target!(|bytes: &[u8]| {
    let (piece, bytes) = match bytes.split_first() {
        Some((first, rest)) => (usize::from(*first).max(1), rest),
        None => return,
    };
    assert_eq!(found(bytes, piece), found(bytes, usize::MAX));
});

fn found(bytes: &[u8], piece: usize) -> Vec<Found> {
    let mut frames = Frames::new(64 * 1024);
    let mut all = Vec::new();
    for piece in bytes.chunks(piece) {
        frames.end().extend_from_slice(piece);
        all.extend(frames.by_ref());
    }
    all
}
