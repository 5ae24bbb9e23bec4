import { expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { status } from "../../../src/cli/commands/status.ts";
import { statusText } from "../../../src/cli/status/status-text.ts";
import { systemStatus } from "../../../src/cli/status/system-status.ts";
import { FakeMachine } from "./fake-machine.ts";

function text(machine: FakeMachine): string {
  return statusText(systemStatus(machine.environment));
}

test("the machine's generation, firmware, Secure Boot and TPM are told", () => {
  using machine = new FakeMachine();
  machine.put("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n");
  machine.put("/sys/class/dmi/id/product_name", "Virtual Machine\n");
  expect(text(machine)).toContain("Microsoft Corporation Virtual Machine, generation 1");
  expect(text(machine)).toContain("BIOS, no TPM");
  machine.put(
    "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
    Buffer.from([6, 0, 0, 0, 1]),
  );
  machine.put("/sys/class/tpm/tpm0/tpm_version_major", "2\n");
  expect(text(machine)).toContain("generation 2");
  expect(text(machine)).toContain("UEFI, Secure Boot on, TPM 2");
});

test("a served service shows its device, its counters and its last error", () => {
  using machine = new FakeMachine();
  machine.offer("kvp");
  machine.put("/dev/vmbus/hv_kvp", "");
  machine.report({ last_error: { at: "2026-01-01T00:00:00.000Z", text: "boom" } });
  const line = text(machine)
    .split("\n")
    .find((row) => row.startsWith("kvp "));
  expect(line).toContain(`${machine.root}/dev/vmbus/hv_kvp, registered, 3 requests`);
  expect(line).toContain("last error at 2026-01-01T00:00:00.000Z: boom");
});

test("text of the host, or of a program, is one line without an effect on the terminal", () => {
  using machine = new FakeMachine();
  machine.offer("fcopy");
  machine.put("/dev/vmbus/hv_fcopy", "");
  machine.report({
    service: "fcopy",
    status: "receiving '/tmp/\u001b[2J\nx', 0 of 1 bytes",
    last_error: { at: "2026-01-01T00:00:00.000Z", text: "boom\u0007" },
  });
  machine.put("/proc/42/comm", "\u001b[31mred\n");
  machine.put("/proc/42/fd/.keep", "");
  symlinkSync(`${machine.root}/dev/vmbus/hv_fcopy`, `${machine.root}/proc/42/fd/3`);
  expect(text(machine)).not.toMatch(/[^\n\u0020-\u007e]/);
  expect(text(machine)).toMatch(
    /^fcopy .*receiving '\/tmp\/\\x1b\[2J\\x0ax', .*\\x1b\[31mred \(42\).*: boom\\x07$/m,
  );
});

test("a service that is not offered is disabled on the host, or never offered to a confidential VM", () => {
  using machine = new FakeMachine();
  expect(text(machine)).toMatch(/^vss +service disabled on host$/m);
  machine.put("/proc/cpuinfo", "flags\t\t: fpu tdx_guest sse\n");
  expect(text(machine)).toMatch(/^vss +confidential VM: not offered$/m);
});

test("the report of a process that has ended counts for nothing", () => {
  using machine = new FakeMachine();
  machine.offer("kvp");
  machine.put("/dev/vmbus/hv_kvp", "");
  const child = Bun.spawnSync(["/bin/true"]);
  machine.report({ pid: child.pid });
  expect(text(machine)).toContain("served by no hvguest");
});

test("file copy over UIO shows its node, the kernel's services their driver", () => {
  using machine = new FakeMachine();
  machine.offer("fcopy", "uio_hv_generic");
  mkdirSync(`${machine.root}/sys/bus/vmbus/devices/device-1/uio/uio0`, { recursive: true });
  machine.offer("heartbeat");
  expect(text(machine)).toContain("/dev/uio0, served by no hvguest");
  expect(text(machine)).toMatch(/^heartbeat +in the kernel, hv_utils$/m);
});

test("chrony's use of the host's clock is told", () => {
  using machine = new FakeMachine();
  machine.put("/sys/class/ptp/ptp0/clock_name", "hyperv\n");
  expect(text(machine)).toMatch(/^host clock +\S+\/dev\/ptp0$/m);
  machine.put("/etc/chrony/chrony.conf", "# refclock PHC /dev/ptp_hyperv\n");
  expect(text(machine)).toContain("/dev/ptp0, chrony does not use it");
  machine.put("/etc/chrony/conf.d/hyperv.conf", "refclock PHC /dev/ptp_hyperv poll 3\n");
  expect(text(machine)).toContain("/dev/ptp0, chrony uses it");
});

test("the running agent is asked for its counters", async () => {
  using machine = new FakeMachine();
  machine.offer("kvp");
  machine.put("/dev/vmbus/hv_kvp", "");
  machine.report({});
  const answer = () => machine.report({ status: "registered, 9 requests", written: "later" });
  process.once("SIGUSR1", answer);
  expect((await machine.run(status, { json: false })).printed).toContain("9 requests");
});

test("JSON has stable names; without a VMBus the exit status is 69", async () => {
  using machine = new FakeMachine();
  machine.offer("kvp");
  const { status: code, printed } = await machine.run(status, { json: true });
  expect(code).toBe(0);
  expect(JSON.parse(printed)).toMatchObject({
    vmbus: true,
    machine: { generation: 1, uefi: false, confidential: false },
    services: [
      { name: "kvp", offered: true, registered: false, users: [] },
      { name: "vss", offered: false },
      { name: "fcopy", offered: false },
    ],
  });
  rmSync(`${machine.root}/sys`, { recursive: true });
  expect((await machine.run(status, { json: true })).status).toBe(69);
  expect(machine.run(status, { json: false })).rejects.toThrow("no VMBus");
});
