// Which unit our udev rules start for a device, by a reading of the few words of
// udev(7) that they use.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const packaging = join(import.meta.dir, "../../packaging");
const rules = readFileSync(join(packaging, "udev/60-hvguest.rules"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) =>
    [...line.matchAll(/(\w+(?:\{\w+\})?)(==|!=|\+=|=)"([^"]*)"(?:, |$)/g)].map(
      ([, key = "", operator = "", value = ""]) => ({ key, operator, value }),
    ),
  );

const devices = {
  kvp: { SUBSYSTEM: "misc", KERNEL: "vmbus/hv_kvp" },
  vss: { SUBSYSTEM: "misc", KERNEL: "vmbus/hv_vss" },
  "fcopy before Linux 6.10": { SUBSYSTEM: "misc", KERNEL: "vmbus/hv_fcopy" },
  fcopy: { SUBSYSTEM: "vmbus", "ATTR{class_id}": "{34d14be3-dee4-41c8-9ae7-6b174977c192}" },
} as const;

/** The units that the event starts while these units are enabled. */
function wanted(event: Readonly<Record<string, string>>, enabled: readonly string[]): string[] {
  const files = enabled.flatMap(enableLinks);
  const units: string[] = [];
  let label: string | undefined;
  for (const rule of rules) {
    const of = (key: string) => rule.find((word) => word.key === key)?.value;
    const matches = rule
      .filter(({ operator }) => operator === "==" || operator === "!=")
      .every(({ key, operator, value }) => {
        const holds =
          key === "TEST" ? files.includes(value) : value.split("|").includes(event[key] ?? "");
        return holds === (operator === "==");
      });
    if (label !== undefined) {
      label = of("LABEL") === label ? undefined : label;
    } else if (matches) {
      label = of("GOTO");
      const unit = of("ENV{SYSTEMD_WANTS}");
      units.push(...(unit === undefined ? [] : [unit]));
    }
  }
  expect(label).toBeUndefined();
  return units;
}

/** What `systemctl enable` makes. */
function enableLinks(unit: string): string[] {
  const text = readFileSync(join(packaging, "systemd", unit), "utf8");
  const target = /^WantedBy=(.*)$/m.exec(text)?.[1];
  return [`/etc/systemd/system/${target}.wants/${unit}`];
}

test.each(Object.entries(devices))("%s: its device starts the agent", (_, device) => {
  expect(wanted({ ACTION: "add", ...device }, ["hvguest.service"])).toEqual(["hvguest.service"]);
  expect(wanted({ ACTION: "add", ...device }, [])).toEqual(["hvguest.service"]);
  expect(wanted({ ACTION: "remove", ...device }, [])).toEqual([]);
});

test.each(Object.entries(devices))(
  "%s: its device starts the enabled unit of the service, and not the one that ends it",
  (name, device) => {
    const unit = (service: string) => `hvguest-${service.split(" ")[0]}.service`;
    const all = ["kvp", "vss", "fcopy"].map(unit);
    expect(wanted({ ACTION: "add", ...device }, all)).toEqual([unit(name)]);
    const others = all.filter((other) => other !== unit(name));
    expect(wanted({ ACTION: "add", ...device }, others)).toEqual([]);
  },
);

test("other devices start nothing", () => {
  expect(wanted({ ACTION: "add", SUBSYSTEM: "misc", KERNEL: "fuse" }, [])).toEqual([]);
  expect(wanted({ ACTION: "add", SUBSYSTEM: "ptp" }, [])).toEqual([]);
});
