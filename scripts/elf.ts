// The little of an ELF file that the build checks.

const machines = new Map([
  [62, "x64"],
  [183, "arm64"],
]);

/** Node's name of the machine that an ELF file is for. @throws Error when it is not ELF. */
export function readElfMachine(image: Uint8Array): string {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (image.length < 20 || view.getUint32(0) !== 0x7f454c46) {
    throw new Error("not an ELF file");
  }
  const machine = view.getUint16(18, true);
  return machines.get(machine) ?? `machine ${machine}`;
}

/** The newest `GLIBC_…` symbol version named in the file, as numbers: [2, 28]. */
export function newestGlibcVersion(image: Uint8Array): number[] {
  const names = new TextDecoder("latin1").decode(image).matchAll(/GLIBC_(\d+)\.(\d+)/g);
  let newest: [number, number] = [0, 0];
  for (const [, major, minor] of names) {
    const version: [number, number] = [Number(major), Number(minor)];
    if (version[0] > newest[0] || (version[0] === newest[0] && version[1] > newest[1])) {
      newest = version;
    }
  }
  return newest;
}
