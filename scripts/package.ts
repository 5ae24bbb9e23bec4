// Makes the packages in dist/packages: a .deb, an .rpm, a tarball, their checksums
// and a bill of materials. The executable must have been built (npm run build).
//   sh scripts/run.sh scripts/package.ts [--fast] [deb] [rpm] [tar]
// --fast compresses little, for tests.

import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executablePath } from "./build.ts";
import { repository, run } from "./process.ts";
import { billOfMaterials } from "./sbom.ts";

const packagesPath = join(repository, "dist/packages");
const packaging = join(repository, "packaging");

const kinds = ["deb", "rpm", "tar"] as const;
type Kind = (typeof kinds)[number];

interface Build {
  readonly version: string;
  /** Seconds since 1970 of the sources, for reproducible archives. */
  readonly epoch: string;
  readonly fast: boolean;
  /** Where the packages go. */
  readonly output: string;
}

const debianArchitectures = { x64: "amd64", arm64: "arm64" } as const;
const machineNames = { x64: "x86_64", arm64: "aarch64" } as const;

/**
 * Builds these packages into a folder, which holds nothing else then, and returns
 * their paths. @throws Error when a step fails
 */
export function buildPackages(
  chosen: readonly Kind[],
  fast: boolean,
  output = packagesPath,
): string[] {
  const build = { version: version(), epoch: sourceEpoch(), fast, output };
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const makers = { deb: buildDeb, rpm: buildRpm, tar: buildTarball };
  const made = chosen.map((kind) => inStage((stage) => makers[kind](stage, build)));
  const bom = join(output, `hvguest-${build.version}.cdx.json`);
  writeFileSync(bom, billOfMaterials(build.version));
  const sums = [...made, bom].map((path) => `${sha256(path)}  ${path.slice(output.length + 1)}\n`);
  writeFileSync(join(output, "SHA256SUMS"), sums.join(""));
  return made;
}

/** A folder with the installed files, as packages have them: nothing is enabled. */
function inStage(act: (stage: string) => string): string {
  const stage = mkdtempSync(join(tmpdir(), "hvguest-package-"));
  try {
    chmodSync(stage, 0o755);
    run([executablePath, "install", "--root", stage, "--init", "systemd"], { quiet: true });
    // What package managers and tmpfiles do themselves.
    for (const path of ["etc/systemd", "var", "usr/lib/hvguest/installed.json"]) {
      rmSync(join(stage, path), { recursive: true });
    }
    return act(stage);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function buildDeb(stage: string, { version: upstream, epoch, fast, output }: Build): string {
  writeFileSync(join(stage, "usr/lib/hvguest/packaged"), "deb\n");
  compressManPages(stage);
  const documents = join(stage, "usr/share/doc/hvguest");
  mkdirSync(documents, { recursive: true });
  cpSync(join(packaging, "debian/copyright"), join(documents, "copyright"));
  const changelog = join(documents, "changelog.Debian");
  writeFileSync(changelog, debianChangelog(upstream, epoch));
  run(["gzip", "-9n", changelog]);
  const overrides = join(stage, "usr/share/lintian/overrides");
  mkdirSync(overrides, { recursive: true });
  cpSync(join(packaging, "debian/lintian-overrides"), join(overrides, "hvguest"));
  const architecture = debianArchitectures[process.arch as keyof typeof debianArchitectures];
  const control = join(stage, "DEBIAN");
  const size = run(["du", "-k", "-s", stage], { quiet: true }).split("\t")[0] ?? "0";
  mkdirSync(control);
  writeFileSync(
    join(control, "control"),
    filled("debian/control", { VERSION: upstream, ARCH: architecture, SIZE: size }),
  );
  writeFileSync(join(control, "conffiles"), "/etc/hvguest/hvguest.toml\n");
  writeFileSync(join(control, "md5sums"), md5sums(stage));
  for (const script of ["preinst", "postinst", "prerm", "postrm"]) {
    cpSync(join(packaging, "debian", script), join(control, script));
    chmodSync(join(control, script), 0o755);
  }
  openModes(stage);
  const path = join(output, `hvguest_${upstream}-1_${architecture}.deb`);
  const compression = fast ? ["-Zgzip", "-z1"] : ["-Zxz"];
  run(["dpkg-deb", "--root-owner-group", ...compression, "--build", stage, path], {
    environment: { SOURCE_DATE_EPOCH: epoch },
    quiet: true,
  });
  return path;
}

function buildRpm(stage: string, { version: upstream, epoch, fast, output }: Build): string {
  writeFileSync(join(stage, "usr/lib/hvguest/packaged"), "rpm\n");
  compressManPages(stage);
  const preset = join(stage, "usr/lib/systemd/system-preset");
  mkdirSync(preset, { recursive: true });
  cpSync(join(packaging, "systemd/85-hvguest.preset"), join(preset, "85-hvguest.preset"));
  openModes(stage);
  const machine = machineNames[process.arch as keyof typeof machineNames];
  const work = mkdtempSync(join(tmpdir(), "hvguest-rpm-"));
  try {
    const spec = join(work, "hvguest.spec");
    const date = new Date(Number(epoch) * 1000).toUTCString();
    const [, weekday, day, month, year] = /^(\w+), (\d+) (\w+) (\d+)/.exec(date) ?? [];
    const text = filled("rpm/hvguest.spec", {
      VERSION: upstream,
      DATE: `${weekday} ${month} ${day} ${year}`,
      FILES: rpmFiles(stage),
    });
    writeFileSync(spec, text);
    const definitions = {
      _topdir: work,
      _binary_payload: fast ? "w1.gzdio" : "w19.zstdio",
      use_source_date_epoch_as_buildtime: "1",
      clamp_mtime_to_source_date_epoch: "1",
      _buildhost: "localhost",
    };
    run(
      [
        "rpmbuild",
        "-bb",
        "--noclean",
        "--target",
        machine,
        "--buildroot",
        stage,
        ...Object.entries(definitions).flatMap(([name, value]) => ["--define", `${name} ${value}`]),
        spec,
      ],
      { environment: { SOURCE_DATE_EPOCH: epoch }, quiet: true },
    );
    const name = `hvguest-${upstream}-1.${machine}.rpm`;
    cpSync(join(work, "RPMS", machine, name), join(output, name));
    return join(output, name);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function buildTarball(stage: string, { version: upstream, epoch, fast, output }: Build): string {
  openModes(stage);
  const machine = machineNames[process.arch as keyof typeof machineNames];
  const name = `hvguest-${upstream}-${machine}.tar.${fast ? "gz" : "xz"}`;
  const path = join(output, name);
  const compress = fast ? "gzip -1n" : "xz -6 -T0";
  const reproducible = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner"];
  run([
    "tar",
    ...reproducible,
    `--mtime=@${epoch}`,
    `--use-compress-program=${compress}`,
    "-cf",
    `${path}.new`,
    "-C",
    stage,
    ".",
  ]);
  renameSync(`${path}.new`, path);
  return path;
}

function compressManPages(stage: string): void {
  const pages = join(stage, "usr/share/man");
  for (const entry of readdirSync(pages, { recursive: true, encoding: "utf8" })) {
    const path = join(pages, entry);
    if (statSync(path).isFile()) {
      run(["gzip", "-9n", path]);
    }
  }
}

/** Modes do not depend on the umask of whoever builds. */
function openModes(stage: string): void {
  run(["chmod", "-R", "u+rwX,go+rX,go-w", stage]);
}

/** `%files` with every file, and the folders that no distribution has. */
function rpmFiles(stage: string): string {
  const own = [
    "/etc/hvguest",
    "/etc/hvguest/hvguest.toml.d",
    "/usr/lib/hvguest",
    "/usr/lib/dracut/modules.d/90hvguest",
  ];
  const files = readdirSync(stage, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(stage.length))
    .map((path) => (path.startsWith("/etc/") ? `%config(noreplace) ${path}` : path));
  return ["%defattr(-,root,root,-)", ...own.map((path) => `%dir ${path}`), ...files.sort()].join(
    "\n",
  );
}

function md5sums(stage: string): string {
  return run(["find", "usr", "-type", "f", "-exec", "md5sum", "{}", "+"], {
    cwd: stage,
    quiet: true,
  });
}

function debianChangelog(upstream: string, epoch: string): string {
  const date = new Date(Number(epoch) * 1000).toUTCString().replace("GMT", "+0000");
  return `hvguest (${upstream}-1) unstable; urgency=medium

  * New version, see CHANGELOG.md.

 -- hvguest developers <hvguest@example.org>  ${date}
`;
}

function filled(template: string, values: Readonly<Record<string, string>>): string {
  const text = readFileSync(join(packaging, template), "utf8");
  return text.replaceAll(/@([A-Z]+)@/g, (whole, name: string) => values[name] ?? whole);
}

function version(): string {
  const text = readFileSync(join(repository, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The time of the commit; without git, of the executable. */
function sourceEpoch(): string {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined) {
    return given;
  }
  const git = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: repository });
  return git.exitCode === 0
    ? git.stdout.toString().trim()
    : String(Math.floor(statSync(executablePath).mtimeMs / 1000));
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const named = kinds.filter((kind) => words.includes(kind));
  const made = buildPackages(named.length === 0 ? kinds : named, words.includes("--fast"));
  for (const path of made) {
    console.log(
      `${path.slice(repository.length + 1)}, ${(statSync(path).size / 1e6).toFixed(1)} MB`,
    );
  }
}
