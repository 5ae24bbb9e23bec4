//! Sets the addon's link flags and keeps it loadable on glibc 2.28.

fn main() {
    napi_build::setup();
    println!("cargo:rerun-if-changed=glibc_compat.c");
    let target = std::env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    if target == "gnu" {
        let objects = cc::Build::new()
            .file("glibc_compat.c")
            .flag("-fno-builtin")
            .compile_intermediates();
        for object in objects {
            println!("cargo:rustc-cdylib-link-arg={}", object.display());
        }
    }
}
