//! Compiles the contract with protox, so that no `protoc` is needed on the machine.

use std::{env, fs, path::PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=placehub");
    println!("cargo:rerun-if-changed=build.rs");
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files([
        "placehub/v1/catalogue_service.proto",
        "placehub/v1/consent_service.proto",
        "placehub/v1/identity_service.proto",
        "placehub/v1/ledger_service.proto",
        "placehub/v1/policy_service.proto",
        "placehub/v1/signal.proto",
        "placehub/v1/signal_service.proto",
    ])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // The compiler's own bytes keep what a re-encoded prost set would drop.
    fs::write(out.join("placehub.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
