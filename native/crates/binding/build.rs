//! Tells the linker where Node's own symbols come from.

fn main() {
    napi_build::setup();
}
