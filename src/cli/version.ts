// What `--version` says.

/** Version, commit, Bun, and the protocol versions that the kernel or we speak. */
export function versionText(): string {
  return [
    `hvguest ${HVGUEST_VERSION} (${HVGUEST_COMMIT})`,
    `Bun ${Bun.version}`,
    "KVP 1 (through the kernel: 4.0, 3.0, 1.0), VSS 1 (through the kernel: 5.0),",
    "file copy 1 (through the kernel) and 1.1 (UIO), framework 3.0",
    "",
  ].join("\n");
}
