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
    let mut contract = compiler.file_descriptor_set();
    tonic_prost_build::configure()
        // In order of their names, so that a signal has one form in bytes.
        .btree_map(".placehub.v1.SignalDetail.attributes")
        .compile_fds(contract.clone())?;
    // SignalService once more, with answers that carry signals as bytes. Whatever else it speaks of is what version 1 has.
    let out = out.join("ready");
    fs::create_dir_all(&out)?;
    let mut ready = tonic_prost_build::configure().build_client(false).out_dir(out);
    for file in contract.file.iter_mut().filter(|file| file.package() == "placehub.v1") {
        file.service.retain(|service| service.name() == "SignalService");
        let messages = file.message_type.iter().map(|message| message.name());
        for name in messages.chain(file.enum_type.iter().map(|one| one.name())) {
            ready = match name {
                "AskSignalsResponse" | "WatchSignalsResponse" => ready,
                "Signal" => ready.extern_path(".placehub.v1.Signal", "crate::Encoded"),
                _ => ready.extern_path(format!(".placehub.v1.{name}"), format!("crate::v1::{name}")),
            };
        }
    }
    ready.compile_fds(contract)?;
    Ok(())
}
