//! The contract of the hub, generated from `placehub/v1/*.proto`: messages, clients and servers.
//! Nothing is written by hand but this file and the form of a signal that is ready to be sent, and nothing here decides anything.

mod encoded;

pub use encoded::Encoded;

/// Version 1 of the contract.
#[expect(
    clippy::large_enum_variant,
    reason = "generated: one signal of a watch is larger than a tombstone"
)]
pub mod v1 {
    tonic::include_proto!("placehub.v1");
}

/// `SignalService` of version 1 for a server that keeps the bytes of signals which it has sent before: the same on the wire.
/// Its answers carry [`Encoded`] in the place of [`v1::Signal`]; every other type is that of [`v1`].
pub mod ready {
    tonic::include_proto!("ready/placehub.v1");
}

/// The compiled contract (a `google.protobuf.FileDescriptorSet`), for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/placehub.bin"));
