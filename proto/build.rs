//! Compiles the .proto files without a system `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // `compile_fds` works from descriptors and cannot know the files they came from.
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(
        ["stampede/v1/fleet.proto", "stampede/v1/journal.proto", "stampede/v1/watch.proto"],
        ["proto"],
    )?;
    let bytes = tonic_prost_build::configure()
        .bytes(".stampede.v1.AssetChunk")
        .bytes(".stampede.v1.Times")
        .bytes(".stampede.v1.ViewFrame");
    bytes.compile_fds(descriptors)?;
    Ok(())
}
