// The agent on a machine whose host offers nothing. VSS stays out of it: a test must
// never come near the file systems of the machine that it runs on.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Agent, type AgentOptions } from "../../src/agent/agent.ts";
import { Logger } from "../../src/log.ts";
import { pathsFrom } from "../../src/platform/paths.ts";
import { defaultSettings, type Settings } from "../../src/services/settings.ts";
import { type DatagramSocket, datagramSocket } from "../support/datagram-socket.ts";
import { temporaryRoot } from "../support/temporary-root.ts";
import { until } from "../support/until.ts";

function settings(kvp: boolean, fcopy: boolean): Settings {
  const defaults = defaultSettings();
  return {
    ...defaults,
    kvp: { ...defaults.kvp, enabled: kvp },
    fcopy: { ...defaults.fcopy, enabled: fcopy },
    vss: { ...defaults.vss, enabled: false },
  };
}

interface Running {
  readonly agent: Agent;
  readonly started: string[];
  readonly socket: DatagramSocket;
}

function idle(changes: Partial<AgentOptions> = {}): Running {
  const root = temporaryRoot();
  mkdirSync(join(root, "dev"));
  const socket = datagramSocket();
  const started: string[] = [];
  const agent = new Agent({
    services: "all",
    paths: pathsFrom({ HVGUEST_ROOT: root, HVGUEST_KERNEL_ROOT: root }),
    logger: new Logger({ sink: () => undefined, level: "error", journal: false }),
    version: "1.2.3",
    environment: { NOTIFY_SOCKET: socket.path },
    settings: settings(true, false),
    firstFaultEnds: false,
    onStarted: (states) =>
      started.push([...states].map(([name, { phase }]) => `${name} ${phase}`).join(", ")),
    ...changes,
  });
  return { agent, started, socket };
}

/** The next texts of the socket, until one of them satisfies `isLast`. */
async function heard(socket: DatagramSocket, isLast: (text: string) => boolean) {
  const texts: string[] = [];
  await until(() => {
    texts.push(...socket.waiting());
    return texts.some(isLast);
  });
  return texts;
}

const is = (wanted: string) => (text: string) => text === wanted;

test("is ready once every service is registered or waits for the host, and says so once", async () => {
  const { agent, started, socket } = idle({ settings: settings(true, true) });
  await agent.start();
  const texts = await heard(socket, is("READY=1"));
  expect(started).toEqual(["kvp waiting, fcopy waiting"]);
  expect(texts).toContain("STATUS=kvp: not offered by the host; fcopy: not offered by the host");
  await agent.stop();
  const last = await heard(socket, is("STOPPING=1"));
  expect([...texts, ...last].filter(is("READY=1"))).toHaveLength(1);
  expect(started).toHaveLength(1);
  socket.close();
});

test("a service that the configuration switches off does not run, unless it is asked for", async () => {
  const quiet = idle({ settings: settings(false, false), services: ["kvp"] });
  await quiet.agent.start();
  await heard(quiet.socket, is("READY=1"));
  expect(quiet.started).toEqual(["kvp waiting"]);
  await quiet.agent.stop();
  quiet.socket.close();
});

test("a reload starts and stops services, between RELOADING and READY", async () => {
  const { agent, socket } = idle();
  await agent.start();
  await heard(socket, is("READY=1"));
  await agent.reload(settings(false, true));
  const texts = await heard(socket, is("STATUS=fcopy: not offered by the host"));
  const reloading = texts.findIndex((text) => text.startsWith("RELOADING=1\n"));
  expect(reloading).toBeGreaterThanOrEqual(0);
  expect(texts.findIndex(is("READY=1"))).toBeGreaterThan(reloading);
  await agent.stop();
  socket.close();
});

test("reloads that come at once are done one after the other", async () => {
  const { agent, socket } = idle();
  void agent.start();
  const reloads = [settings(false, true), settings(true, true), settings(true, false)];
  await Promise.all(reloads.map((to) => agent.reload(to)));
  socket.waiting();
  await agent.reload(settings(true, false));
  const texts = await heard(socket, is("STATUS=kvp: not offered by the host"));
  expect(texts.filter((text) => text.includes("fcopy"))).toEqual([]);
  await agent.stop();
  socket.close();
});

test("after a stop nothing starts any more", async () => {
  const { agent, socket } = idle();
  await agent.start();
  const stopped = agent.stop();
  await agent.reload(settings(true, true));
  await stopped;
  await agent.stop();
  const texts = socket.waiting();
  expect(texts.filter(is("STOPPING=1"))).toHaveLength(1);
  expect(texts.some((text) => text.startsWith("RELOADING=1"))).toBe(false);
  socket.close();
});
