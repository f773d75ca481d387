//! The contract of the hub, generated from `placehub/v1/*.proto`: messages, clients and servers.
//! Nothing here is written by hand but this file, and nothing here decides anything.

/// Version 1 of the contract.
#[expect(
    clippy::large_enum_variant,
    reason = "generated: one signal of a watch is larger than a tombstone"
)]
pub mod v1 {
    tonic::include_proto!("placehub.v1");
}

/// The compiled contract (a `google.protobuf.FileDescriptorSet`), for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/placehub.bin"));
