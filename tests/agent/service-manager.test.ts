import { expect, test } from "bun:test";
import { ServiceManager } from "../../src/agent/service-manager.ts";
import { datagramSocket } from "../support/datagram-socket.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { until } from "../support/until.ts";

function manager(environment: Record<string, string>) {
  const [log, lines] = recordedLog("agent");
  return { manager: new ServiceManager(environment, log), lines };
}

test("says what systemd wants to know, one datagram each", () => {
  const socket = datagramSocket();
  const { manager: systemd } = manager({ NOTIFY_SOCKET: socket.path });
  systemd.status("kvp: registered");
  systemd.ready();
  systemd.stopping();
  expect(socket.waiting()).toEqual(["STATUS=kvp: registered", "READY=1", "STOPPING=1"]);
  socket.close();
});

test("a reload is announced with the time of the monotonic clock", () => {
  const socket = datagramSocket();
  const { manager: systemd } = manager({ NOTIFY_SOCKET: socket.path });
  const microseconds = () => Number(process.hrtime.bigint() / 1000n);
  const before = microseconds();
  systemd.reloading();
  const [text = ""] = socket.waiting();
  const [, given] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(text) ?? [];
  expect(Number(given)).toBeGreaterThanOrEqual(before);
  expect(Number(given)).toBeLessThanOrEqual(microseconds());
  socket.close();
});

test("an abstract socket is reached by its name", () => {
  const socket = datagramSocket(`@hvguest-test-${process.pid}`);
  manager({ NOTIFY_SOCKET: socket.path }).manager.ready();
  expect(socket.waiting()).toEqual(["READY=1"]);
  socket.close();
});

test("a status is one assignment, whatever is in its text", () => {
  const socket = datagramSocket();
  manager({ NOTIFY_SOCKET: socket.path }).manager.status("failed: a\nREADY=1\u001b");
  expect(socket.waiting()).toEqual(["STATUS=failed: a\\x0aREADY=1\\x1b"]);
  socket.close();
});

test("without a service manager nothing is said, and nothing fails", () => {
  const { manager: nobody, lines } = manager({ WATCHDOG_USEC: "1000" });
  nobody.ready();
  nobody.status("text");
  nobody.stopping();
  expect(lines).toEqual([]);
});

test("a socket that is gone is noted for the curious, and nothing fails", () => {
  const { manager: systemd, lines } = manager({ NOTIFY_SOCKET: "/nonexistent/socket" });
  systemd.ready();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith("debug: agent: send to '/nonexistent/socket': ");
  expect(lines[0]).toEndWith(", ignoring");
});

test("the watchdog is fed until the end, from the event loop", async () => {
  const socket = datagramSocket();
  const { manager: systemd } = manager({
    NOTIFY_SOCKET: socket.path,
    WATCHDOG_USEC: "20000",
    WATCHDOG_PID: String(process.pid),
  });
  const heard: string[] = [];
  await until(() => heard.push(...socket.waiting()) >= 3);
  expect(new Set(heard)).toEqual(new Set(["WATCHDOG=1"]));
  systemd.stopping();
  expect(socket.waiting().at(-1)).toBe("STOPPING=1");
  socket.close();
});

test("a watchdog for another process is not ours to feed", async () => {
  const socket = datagramSocket();
  manager({ NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "1", WATCHDOG_PID: "1" });
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 5);
  await promise;
  expect(socket.waiting()).toEqual([]);
  socket.close();
});
