// A small Debian to install packages into, and running commands in it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** A Debian in a folder. Its /proc is mounted only while a command runs. */
export class DebianRoot implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one with these packages. @throws Error with mmdebstrap's words */
  static make(packages: readonly string[]): DebianRoot {
    const work = mkdtempSync(join(tmpdir(), "hvguest-debian-"));
    const path = join(work, "root");
    const made = Bun.spawnSync([
      "mmdebstrap",
      "--mode=root",
      "--variant=minbase",
      '--aptopt=APT::Install-Recommends "false"',
      "--dpkgopt=force-unsafe-io",
      `--include=${packages.join(",")}`,
      "bookworm",
      path,
      sources(work),
    ]);
    if (made.exitCode !== 0) {
      rmSync(work, { recursive: true, force: true });
      throw new Error(`mmdebstrap: ${made.stderr.toString().slice(-2000)}`);
    }
    return new DebianRoot(path);
  }

  /** Runs a shell command in it. */
  run(command: string): Ran {
    const script = 'mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "exec 2>&1; $2"';
    const ran = Bun.spawnSync(["unshare", "-m", "sh", "-c", script, "sh", this.path, command], {
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        DEBIAN_FRONTEND: "noninteractive",
        LC_ALL: "C",
      },
    });
    return { code: ran.exitCode, output: `${ran.stdout.toString()}${ran.stderr.toString()}` };
  }

  /** Every file and link of the system, without what package managers and ld.so note. */
  tree(): string[] {
    const skipped =
      "./(proc|run|var/(lib/(dpkg|apt|rpm)|cache|log)|usr/lib/sysimage|etc/ld.so.cache|root/.rpmdb)";
    const { output } = this.run(
      `cd / && find . -regextype egrep -regex '${skipped}(/.*)?' -prune -o -printf '%p %y %m %l\\n'`,
    );
    return output.trimEnd().split("\n").sort();
  }

  [Symbol.dispose](): void {
    rmSync(join(this.path, ".."), { recursive: true, force: true });
  }
}

/** apt's own mirrors, as lines of a sources.list. */
function sources(work: string): string {
  const asked = Bun.spawnSync([
    "apt-get",
    "indextargets",
    "--format",
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(REPO_URI) $(CODENAME) main",
    "Created-By: Packages",
  ]);
  const lines = asked.stdout.toString().split("\n");
  const path = join(work, "sources.list");
  const wanted = lines.filter((line) => / bookworm(-security|-updates)? main$/.test(line));
  writeFileSync(path, `${[...new Set(wanted)].join("\n")}\n`);
  return path;
}
