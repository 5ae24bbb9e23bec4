import { expect, test } from "bun:test";
import { rmSync, symlinkSync } from "node:fs";
import { doctor } from "../../../src/cli/commands/doctor.ts";
import type { Finding } from "../../../src/cli/status/checks.ts";
import { FakeMachine } from "./fake-machine.ts";

async function diagnose(machine: FakeMachine): Promise<{ code: number; found: Finding[] }> {
  const { status, printed } = await machine.run(doctor, { json: true, all: true });
  return { code: status, found: (JSON.parse(printed) as { findings: Finding[] }).findings };
}

function finding(found: readonly Finding[], check: string): Finding | undefined {
  return found.find((candidate) => candidate.check === check);
}

/** A machine whose three services are served, with pools. */
function healthy(): FakeMachine {
  const machine = new FakeMachine();
  for (const service of ["kvp", "vss", "fcopy"] as const) {
    machine.offer(service);
    machine.put(`/dev/vmbus/hv_${service}`, "");
    machine.report({ service });
  }
  for (let pool = 0; pool < 5; pool += 1) {
    machine.put(`/var/lib/hyperv/.kvp_pool_${pool}`, "");
  }
  return machine;
}

test("a healthy guest has no failure and exit status 0", async () => {
  using machine = healthy();
  const { code, found } = await diagnose(machine);
  expect(found.filter(({ result }) => result === "failure" || result === "warning")).toEqual([]);
  expect(code).toBe(0);
  const { printed } = await machine.run(doctor, { json: false, all: false });
  expect(printed).toContain("note     kernel shutdown: service disabled on host");
});

test("a service that nobody serves is a failure with what to do", async () => {
  using machine = healthy();
  rmSync(`${machine.root}/run/hvguest/agent-vss.json`);
  const { code, found } = await diagnose(machine);
  expect(code).toBe(1);
  expect(finding(found, "service vss")).toMatchObject({
    result: "failure",
    advice: "systemctl start hvguest; journalctl -u hvguest",
  });
  expect((await machine.run(doctor, { json: false, all: false })).printed).toContain(
    "failure  service vss: ",
  );
});

test("another program that has the device is named", async () => {
  using machine = healthy();
  machine.put("/proc/42/comm", "hv_kvp_daemon\n");
  machine.put("/proc/42/fd/.keep", "");
  symlinkSync(`${machine.root}/dev/vmbus/hv_kvp`, `${machine.root}/proc/42/fd/3`);
  const { found } = await diagnose(machine);
  expect(finding(found, "service kvp")?.text).toContain("is open in hv_kvp_daemon (process 42)");
  machine.put("/proc/42/comm", "\u001b]0;title\n");
  const { printed } = await machine.run(doctor, { json: false, all: false });
  expect(printed).toContain("is open in \\x1b]0;title (process 42)");
});

test("an offered service without a device or driver is a failure", async () => {
  using machine = healthy();
  rmSync(`${machine.root}/dev/vmbus/hv_kvp`);
  machine.offer("heartbeat", null);
  const { found } = await diagnose(machine);
  expect(finding(found, "service kvp")?.text).toContain("shows no device");
  expect(finding(found, "kernel heartbeat")).toMatchObject({
    result: "failure",
    advice: "load hv_utils",
  });
});

test("a wrong configuration and a torn pool are told", async () => {
  using machine = healthy();
  machine.put("/etc/hvguest/hvguest.toml", "[kvp]\nenabled = 3\n");
  machine.put("/var/lib/hyperv/.kvp_pool_1", "torn");
  const { found } = await diagnose(machine);
  expect(finding(found, "configuration")?.text).toContain("hvguest.toml' line 2");
  expect(found.find(({ text }) => text.includes("kvp_pool_1"))?.result).toBe("warning");
});

test("an agent without the right to freeze is a failure", async () => {
  using machine = healthy();
  machine.put(`/proc/${process.pid}/status`, "Name:\tx\nCapEff:\t0000000000000002\n");
  const { found } = await diagnose(machine);
  const lacking = found.filter(({ text }) => text.includes("lacks CAP_"));
  expect(lacking.map(({ check, text }) => [check, text])).toEqual([
    ["service vss", `process ${process.pid} lacks CAP_SYS_ADMIN`],
  ]);
});

test("what SELinux has denied us is told where it enforces", async () => {
  using machine = healthy();
  const denial = 'type=AVC msg=audit(1:2): avc:  denied  { write } for pid=1 comm="hv_kvp_daemon"';
  machine.put("/var/log/audit/audit.log", `type=AVC avc: denied comm="other"\n${denial}\n`);
  machine.put("/sys/fs/selinux/enforce", "0");
  expect(finding((await diagnose(machine)).found, "selinux")).toBeUndefined();
  machine.put("/sys/fs/selinux/enforce", "1");
  expect(finding((await diagnose(machine)).found, "selinux")?.text).toBe(
    `SELinux has denied 1 times, the last: ${denial}`,
  );
});

test("a machine without VMBus has exit status 69", async () => {
  using machine = new FakeMachine();
  rmSync(`${machine.root}/sys`, { recursive: true });
  expect((await diagnose(machine)).code).toBe(69);
});
