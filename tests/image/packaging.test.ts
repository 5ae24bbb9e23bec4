import { expect, test } from "bun:test";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { daemonServices } from "../../src/agent/daemon-names.ts";
import { daemonRuntime } from "../../src/cli/daemon-runtime.ts";
import { putCopy } from "../../src/image/file-state.ts";
import { executablePath } from "../../src/image/layout.ts";
import { pathsFrom } from "../../src/platform/paths.ts";

const packaging = join(import.meta.dir, "../../packaging");
const files = readdirSync(packaging, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(packaging.length + 1));

function text(path: string): string {
  return readFileSync(join(packaging, path), "utf8");
}

/** Units in which our executable runs. */
const units = files.filter((path) => path.endsWith(".service") && /\/sbin\/h/.test(text(path)));

test.each(files.filter((path) => text(path).startsWith("#!")))(
  "%s is a script that a shell can read",
  (path) => {
    const shell = text(path).startsWith("#!/bin/bash") ? "bash" : "sh";
    const { exitCode, stderr } = Bun.spawnSync([shell, "-n", join(packaging, path)]);
    expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: "" });
  },
);

test.each(units)("%s cleans the environment of what the runtime obeys, and starts in /", (path) => {
  const unset = /^UnsetEnvironment=(.*)$/m.exec(text(path))?.[1]?.split(" ");
  expect(unset).toContain("BUN_OPTIONS");
  expect(unset).toContain("BUN_BE_BUN");
  expect(unset).toContain("BUN_INSPECT");
  expect(text(path)).toContain("\nWorkingDirectory=/\n");
  expect(text(path)).toContain("\nNoNewPrivileges=yes\n");
});

test.each(units)(
  "%s executes the program, not a name of it that another package may have",
  (path) => {
    const [, at, program, first = ""] = /^ExecStart=-?(@?)(\S+) (\S+)/m.exec(text(path)) ?? [];
    expect(program).toBe(executablePath);
    // systemd.service(5): with @ the word after the program is its argv[0].
    expect(daemonServices.has(first)).toBe(at === "@");
  },
);

test.each(units.filter((path) => /daemon|hvguest run/.test(text(path))))(
  "%s waits for nothing on other machines, and lets no memory be written and run",
  (path) => {
    expect(text(path)).toContain("\nConditionVirtualization=microsoft\n");
    expect(text(path)).toMatch(/^ConditionPathExistsGlob=\|.*VM\[Bb\]/m);
    expect(text(path)).not.toContain("BindsTo=");
    expect(text(path)).toContain("\nMemoryDenyWriteExecute=yes\n");
    expect(text(path)).toContain("\nRestartPreventExitStatus=2 69 78\n");
  },
);

test.each(units.filter((path) => /daemon|hvguest run/.test(text(path))))(
  "%s gives the runtime what it would execute itself again for",
  (path) => {
    const given = /^Environment=(.*)$/m.exec(text(path))?.[1];
    const wanted = Object.entries(daemonRuntime).map(([name, value]) => `${name}=${value}`);
    expect(given).toBe(wanted.join(" "));
  },
);

test.each(["systemd/hvguest.service", "systemd/hvguest-fcopy.service"])(
  "%s lets a file from the host have the set-id bits of the one that it replaces",
  (path) => {
    expect(text(path)).not.toMatch(/^RestrictSUIDSGID=/m);
    // Without it the kernel takes the bit of a group that root is not in (setattr_prepare).
    expect(text(path)).toMatch(/^CapabilityBoundingSet=.*\bCAP_FSETID\b/m);
  },
);

test("the documented drop-in leaves the agent the folders that it writes into", () => {
  const page = readFileSync(join(packaging, "../docs/distro-packaging.md"), "utf8");
  const writable = /^ReadWritePaths=(.*)$/m.exec(page)?.[1]?.split(" ") ?? [];
  const { run, pools } = pathsFrom({});
  // /run/hvguest need not be there when systemd starts the agent, which makes it.
  expect(writable).toContain(dirname(run));
  expect(writable).toContain(`-${pools}`);
});

test("the System V script knows the agent whose program was replaced by an upgrade", () => {
  const folder = mkdtempSync(`${tmpdir()}/hvguest-init-`);
  const [daemon, script, pidFile] = [`${folder}/hvguest`, `${folder}/init`, `${folder}/pid`];
  copyFileSync("/bin/sleep", daemon);
  const ours = text("sysvinit/hvguest.init")
    .replace(/^daemon=.*$/m, `daemon=${daemon}`)
    .replace(/^pidfile=.*$/m, `pidfile=${pidFile}`);
  writeFileSync(script, ours);
  const agent = Bun.spawn([daemon, "600"]);
  try {
    writeFileSync(pidFile, `${agent.pid}\n`);
    putCopy(daemon, "/bin/true", 0o755);
    expect(readlinkSync(`/proc/${agent.pid}/exe`)).toEndWith(" (deleted)");
    const { exitCode, stdout } = Bun.spawnSync(["sh", script, "status"]);
    expect([exitCode, stdout.toString()]).toEqual([0, `hvguest is running (${agent.pid})\n`]);
  } finally {
    agent.kill();
    rmSync(folder, { recursive: true });
  }
});
