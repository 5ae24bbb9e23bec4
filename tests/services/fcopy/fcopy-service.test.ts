import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Logger } from "../../../src/log.ts";
import { pathsFrom } from "../../../src/platform/paths.ts";
import { VmbusClass } from "../../../src/protocol/vmbus-class.ts";
import { FcopyService } from "../../../src/services/fcopy/fcopy-service.ts";
import {
  type FcopyReport,
  readReport,
  writeReport,
} from "../../../src/services/fcopy/transfer-report.ts";
import { FreezeState } from "../../../src/services/freeze-state.ts";
import { defaultSettings } from "../../../src/services/settings.ts";
import { fcopyKernel } from "../../support/fcopy-kernel.ts";
import { connectedChannel } from "../../support/memory-channel.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

/** A service of a machine of its own; `report` is what an agent before it has left. */
function machine(report?: Partial<FcopyReport>) {
  const root = temporaryRoot();
  const paths = pathsFrom({ HVGUEST_ROOT: root, HVGUEST_KERNEL_ROOT: root });
  const directory = join(root, "srv");
  mkdirSync(directory);
  const lines: string[] = [];
  const logger = new Logger({
    sink: (line) => lines.push(line.trimEnd()),
    level: "info",
    journal: false,
  });
  const freezeState = new FreezeState();
  if (report !== undefined) {
    writeReport(paths, report as FcopyReport);
  }
  const context = {
    paths,
    log: logger.log("fcopy"),
    logger,
    freezeState,
    settings: () => ({
      ...defaultSettings(),
      fcopy: { ...defaultSettings().fcopy, denied_directories: [join(directory, "denied")] },
    }),
    statusChanged: () => undefined,
  };
  return { directory, paths, lines, freezeState, service: () => new FcopyService(context) };
}

/** A service that is registered with a kernel. */
async function registered() {
  const parts = machine();
  const service = parts.service();
  const [channel, far] = connectedChannel();
  const ready = Promise.withResolvers<void>();
  const stop = new AbortController();
  const ended = service.serve(channel, ready.resolve, stop.signal).catch(String);
  const kernel = fcopyKernel(far);
  await kernel.register();
  await ready.promise;
  return { ...parts, service, kernel, far, stop, ended };
}

/** Everything that could be done at once has been done after this. */
function whatCanBeDone(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("a file is received, told in the journal, and remembered", async () => {
  const { kernel, directory, lines, paths, service } = await registered();
  expect(await kernel.start(directory, "file", 5)).toBe(0);
  expect(service.status()).toStartWith(`receiving '${directory}/file', 0 of 5 bytes (0 %)`);
  expect(readReport(paths)?.transfer?.path).toBe(`${directory}/file`);
  expect(await kernel.write(0, "hello")).toBe(0);
  expect(await kernel.complete()).toBe(0);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("hello");
  expect(lines.at(-1)).toStartWith(`notice: fcopy: received '${directory}/file', 5 bytes in `);
  expect(readReport(paths)).toMatchObject({
    transport: "device",
    version: "1.1",
    transfer: null,
    last: [{ path: `${directory}/file`, bytes: 5 }],
  });
  expect(service.status()).toBe("registered, 1 of the last 1 files received");
});

test("a refusal is one line with its status, and the host gets the status", async () => {
  const { kernel, directory, lines, paths } = await registered();
  mkdirSync(join(directory, "denied"));
  expect(await kernel.start(join(directory, "denied"), "x", 1)).toBe(0x80070005);
  expect(lines.filter((line) => line.startsWith("warning"))).toEqual([
    `warning: fcopy: start of 'x' to '${directory}/denied', 1 bytes: ` +
      `'${directory}/denied' is a denied directory (0x80070005)`,
  ]);
  expect(readReport(paths)).toMatchObject({ refused: 1 });
});

test("a START that is refused drops the file before it: no other data come under its name", async () => {
  const { kernel, directory, lines } = await registered();
  const cut = `${directory}/${"é".repeat(125)}`;
  const starts = [
    () => kernel.start(cut, "second", 5),
    () => kernel.start(directory, "..", 5),
    () => kernel.start(join(directory, "missing/x"), "second", 5),
  ];
  for (const refused of starts) {
    expect(await kernel.start(directory, "first", 5)).toBe(0);
    expect(await refused()).toBe(0x80004005);
    expect(await kernel.write(0, "other")).toBe(0x80004005);
    expect(await kernel.complete()).toBe(0x80004005);
    expect(readdirSync(directory)).toEqual([]);
  }
  expect(lines.some((line) => line.includes("start of a file: path '"))).toBe(true);
});

test("a device that goes takes the unfinished file with it", async () => {
  const { kernel, directory, far, ended, lines } = await registered();
  await kernel.start(`${directory}/a/b/`, "file", 5, 2);
  await kernel.write(0, "hel");
  far.remove();
  expect(await ended).toContain("is gone");
  expect(readdirSync(directory)).toEqual([]);
  expect(lines.at(-1)).toContain("after 3 of 5 bytes: the channel ended");
});

test("a copy during our own freeze waits for the thaw", async () => {
  const { kernel, directory, freezeState } = await registered();
  freezeState.freeze();
  let isAnswered = false;
  const answer = kernel.start(directory, "file", 0).finally(() => {
    isAnswered = true;
  });
  await whatCanBeDone();
  expect(isAnswered).toBe(false);
  freezeState.thaw();
  expect(await answer).toBe(0);
  expect(await kernel.complete()).toBe(0);
});

test("the report of a frozen machine is not written before the thaw", async () => {
  const { far, ended, paths, freezeState } = await registered();
  freezeState.freeze();
  far.remove();
  expect(await ended).toContain("is gone");
  await whatCanBeDone();
  expect(readReport(paths)?.transport).toBe("device");
  freezeState.thaw();
  await whatCanBeDone();
  expect(readReport(paths)).toMatchObject({ transport: null, version: null });
});

test("a ring is opened, with its lock in /run, only when nothing is frozen", async () => {
  const parts = machine();
  const { paths, freezeState } = parts;
  const device = join(paths.sys, "bus/vmbus/devices/1");
  mkdirSync(join(device, "uio/uio0/maps/map0"), { recursive: true });
  writeFileSync(join(device, "class_id"), VmbusClass.fcopy);
  writeFileSync(join(device, "uio/uio0/maps/map0/size"), "0x10000\n");
  freezeState.freeze();
  // Its node is missing: it counts as not there.
  const connected = parts.service().connect();
  await whatCanBeDone();
  expect(existsSync(paths.run)).toBe(false);
  freezeState.thaw();
  expect(await connected).toBeUndefined();
  expect(existsSync(paths.run)).toBe(true);
});

test("an agent that stops drops the file", async () => {
  const { kernel, directory, stop, ended } = await registered();
  await kernel.start(directory, "file", 5);
  stop.abort();
  expect(await ended).toContain("stopped");
  expect(readdirSync(directory)).toEqual([]);
});

test("what a killed agent has left under a hidden name is removed, and nothing else", () => {
  const parts = machine();
  const [hidden, other] = [".hvguest-0123", "precious"].map((name) => join(parts.directory, name));
  for (const [path, pid] of [
    [hidden, 2 ** 30],
    [other, 2 ** 30],
    [hidden, process.pid],
  ] as const) {
    writeFileSync(path ?? "", "x");
    const transfer = { path: "", size: 1, received: 0, bytes_per_second: 0, leftover: path ?? "" };
    writeReport(parts.paths, { pid, transfer } as FcopyReport);
    parts.service();
    expect(existsSync(path ?? "")).toBe(path !== hidden || pid === process.pid);
  }
});

test("what a killed agent has left is removed after the thaw, when something is frozen", async () => {
  const parts = machine();
  const leftover = join(parts.directory, ".hvguest-0123");
  writeFileSync(leftover, "x");
  const transfer = { path: "", size: 1, received: 0, bytes_per_second: 0, leftover };
  writeReport(parts.paths, { pid: 2 ** 30, transfer } as FcopyReport);
  parts.freezeState.freeze();
  parts.service();
  await whatCanBeDone();
  expect(existsSync(leftover)).toBe(true);
  parts.freezeState.thaw();
  await whatCanBeDone();
  expect(existsSync(leftover)).toBe(false);
});
