// Installs packages of Debian that tests need and that are missing.

import { run } from "./process.ts";

/** @throws Error when a package is missing and cannot be installed. */
export function ensureDebianPackages(names: readonly string[]): void {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) {
    return;
  }
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", ...missing];
  try {
    run(install, { environment, quiet: true });
  } catch {
    // The lists of packages are missing or old.
    run(["apt-get", "update", "-q"], { environment, quiet: true });
    run(install, { environment, quiet: true });
  }
}

function isInstalled(name: string): boolean {
  const query = Bun.spawnSync(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", name], {
    stdout: "pipe",
    stderr: "ignore",
  });
  return query.exitCode === 0 && query.stdout.toString().startsWith("ii");
}
