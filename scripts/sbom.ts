// The bill of materials of the executable, as CycloneDX 1.5: the runtime, the npm
// packages and the crates that are in it, out of the lock files.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./process.ts";

interface Component {
  readonly type: "library" | "framework";
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

interface NpmLock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly dev?: boolean }>
  >;
}

/** The JSON text; the same for the same lock files. */
export function billOfMaterials(version: string): string {
  const components = [...npmPackages(), ...crates()].toSorted((a, b) => (a.purl < b.purl ? -1 : 1));
  const bom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        type: "application",
        name: "hvguest",
        version,
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: [runtime(), ...components],
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

function runtime(): Component {
  const { version } = Bun;
  return { type: "framework", name: "bun", version, purl: `pkg:npm/bun@${version}` };
}

function npmPackages(): Component[] {
  const lock = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8")) as NpmLock;
  return Object.entries(lock.packages).flatMap(([path, { version, dev }]) => {
    const name = path.split("node_modules/").at(-1) ?? "";
    return path === "" || dev === true || version === undefined
      ? []
      : [{ type: "library" as const, name, version, purl: `pkg:npm/${name}@${version}` }];
  });
}

/** Crates from the registry: build dependencies are listed too, the lock file does not tell. */
function crates(): Component[] {
  const lock = Bun.TOML.parse(readFileSync(join(repository, "Cargo.lock"), "utf8")) as {
    readonly package: readonly { name: string; version: string; source?: string }[];
  };
  return lock.package
    .filter(({ source }) => source !== undefined)
    .map(({ name, version }) => ({
      type: "library",
      name,
      version,
      purl: `pkg:cargo/${name}@${version}`,
    }));
}
