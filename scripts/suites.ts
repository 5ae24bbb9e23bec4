// The suites of the project's tests, in the order in which they run.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildExecutable } from "./build.ts";
import { repository } from "./process.ts";
import { type Counts, countBun, countCargo, countClosingLine, countExit } from "./test-counts.ts";

export interface Suite {
  readonly name: string;
  readonly description: string;
  /** Packages of Debian that it needs. */
  readonly packages: readonly string[];
  readonly steps: readonly Step[];
  /** Its steps run at the same time; what each one prints is shown when it has ended. */
  readonly isParallel?: boolean;
}

/** A program to run, and how to count what it tested; or an act of ours. */
export type Step = ProgramStep | { readonly title: string; readonly act: () => void };

interface ProgramStep {
  readonly title: string;
  readonly argv: readonly string[];
  readonly count: (output: string, exitCode: number) => Counts;
  readonly environment?: Readonly<Record<string, string>>;
}

const bun = process.execPath;
const tool = (name: string) => join(repository, "node_modules/.bin", name);

const check = (title: string, argv: readonly string[]): Step => ({
  title,
  argv,
  count: countExit,
});

const bunTests = (title: string, folders: readonly string[], seconds: number): ProgramStep => ({
  title,
  argv: [
    bun,
    "test",
    `--timeout=${seconds * 1000}`,
    ...folders
      .map((folder) => `./tests/${folder}`)
      .filter((path) => existsSync(join(repository, path))),
  ],
  count: countBun,
});

/** The step on a machine of its own, with a fake kernel's /dev and no disk to harm. */
const onPrivateMachine = (step: ProgramStep): Step => ({
  ...step,
  argv: ["sh", "tests/fake-kernel/private-machine.sh", ...step.argv],
});

export const suites: readonly Suite[] = [
  {
    name: "check",
    description: "types, lint, format",
    packages: [],
    steps: [
      { title: "native module", act: () => buildExecutable() },
      check("tsc", [tool("tsc"), "-p", "tsconfig.json"]),
      check("oxlint", [tool("oxlint"), "--type-aware", "--deny-warnings"]),
      check("biome format", [tool("biome"), "format"]),
      check("cargo fmt", ["cargo", "fmt", "--check"]),
      check("cargo clippy", [
        "cargo",
        "clippy",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
      ]),
    ],
  },
  {
    name: "unit",
    description: "TypeScript and Rust by themselves",
    packages: [],
    steps: [
      { title: "cargo test", argv: ["cargo", "test", "--locked"], count: countCargo },
      bunTests(
        "unit tests",
        [
          "agent",
          "architecture",
          "cli",
          "image",
          "lab",
          "log.test.ts",
          "native",
          "platform",
          "protocol",
          "scripts",
          "services",
          "transport",
        ],
        60,
      ),
    ],
  },
  {
    name: "executable",
    description: "the compiled program",
    packages: [],
    steps: [onPrivateMachine(bunTests("executable", ["executable"], 300))],
  },
  {
    name: "contract",
    description: "ours and Debian's daemons on the fake kernel",
    packages: ["hyperv-daemons"],
    steps: [onPrivateMachine(bunTests("contract", ["contract"], 120))],
  },
  {
    name: "freeze",
    description: "backups of real file systems on a machine of their own",
    packages: ["btrfs-progs", "xfsprogs", "postgresql", "mariadb-server"],
    steps: [
      {
        title: "freeze",
        argv: [
          "sh",
          "tests/fake-kernel/private-machine.sh",
          bun,
          "test",
          "--timeout=60000",
          "./tests/freeze/",
        ],
        count: countBun,
      },
    ],
  },
  {
    name: "system",
    description: "real network managers, databases and packages",
    packages: ["python3", "mmdebstrap", "rpm", "rpmlint", "lintian"],
    // An emulated guest has one processor, and the other tests mostly wait.
    isParallel: true,
    steps: [
      bunTests("a guest with systemd", ["systemd-guest"], 600),
      bunTests("this machine", ["system"], 600),
    ],
  },
  {
    name: "lab",
    description: "real kernels and a simulated host",
    packages: [],
    steps: [{ title: "lab", argv: [bun, "tests/lab/main.ts"], count: countClosingLine }],
  },
];
