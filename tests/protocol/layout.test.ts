// Holds our structs and numbers against the kernel's header, of which
// scripts/dump-layout.c made tests/vectors/layout.json.

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fcopy from "../../src/protocol/fcopy/messages.ts";
import { icHeader } from "../../src/protocol/ic/header.ts";
import * as kvp from "../../src/protocol/kvp/messages.ts";
import { Status } from "../../src/protocol/status.ts";
import { VssOperation } from "../../src/protocol/vss/messages.ts";
import type { Struct } from "../../src/protocol/wire/struct.ts";
import layout from "../vectors/layout.json";

type AnyStruct = Struct<Record<string, never>>;

interface CStruct {
  readonly size: number;
  readonly members: Readonly<Record<string, readonly number[]>>;
}

const repository = join(import.meta.dir, "../..");
const kernelStructs: Readonly<Record<string, CStruct>> = layout.structs;
const constants: Readonly<Record<string, number>> = layout.constants;

/** Members that we call by a better word than the header does. */
const renamed: Readonly<Record<string, string>> = {
  addressFamilies: "addr_family",
  addresses: "ip_addr",
  subnets: "sub_net",
  gateways: "gate_way",
  dnsServers: "dns_addr",
};

/** Messages for which the header declares no struct. */
const undeclared: readonly string[] = ["vss_register1 answer"];

const ours = (
  await Promise.all(
    [...new Bun.Glob("src/protocol/*/messages.ts").scanSync(repository)].map(
      async (path) => Object.values(await import(join(repository, path))) as unknown[],
    ),
  )
)
  .flat()
  .filter(isStruct)
  .filter(({ name }) => !undeclared.includes(name));

function isStruct(value: unknown): value is AnyStruct {
  return typeof value === "object" && value !== null && "offsets" in value && "decode" in value;
}

function snakeCase(name: string): string {
  return renamed[name] ?? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Bytes of ours before the kernel's struct: we declare the bodies of KVP with their header. */
function bytesBefore(struct: AnyStruct, kernel: CStruct): number {
  const [, second] = Object.values(struct.offsets);
  return "_header" in struct.offsets && !("hdr" in kernel.members) ? (second ?? 0) : 0;
}

test("there are structs to compare", () => {
  expect(ours.length).toBeGreaterThan(5);
});

test.each(ours.map((struct) => [struct.name, struct] as const))(
  "%s lies in memory as the kernel's header says",
  (name, struct) => {
    const kernel = kernelStructs[name];
    if (kernel === undefined) {
      throw new Error(`${name} is not in tests/vectors/layout.json: add it to dump-layout.c`);
    }
    const before = bytesBefore(struct, kernel);
    // Where the data at the end are read without a struct, ours ends where they begin.
    const ends = [kernel.size, ...Object.values(kernel.members).map(([offset]) => offset)];
    expect(ends).toContain(struct.size - before);
    const members = Object.entries(struct.offsets).filter(([member]) => !member.startsWith("_"));
    expect(members.map(([member, offset]) => [snakeCase(member), offset - before])).toEqual(
      members.map(([member]) => [snakeCase(member), kernel.members[snakeCase(member)]?.[0] ?? -1]),
    );
  },
);

test("a KVP message is as long as the kernel's", () => {
  expect(kvp.kvpMessageBytes).toBe(kernelStructs["hv_kvp_msg"]?.size ?? 0);
  expect(kvp.maxKeyBytes).toBe(constants["HV_KVP_EXCHANGE_MAX_KEY_SIZE"] ?? 0);
  expect(kvp.maxValueBytes).toBe(constants["HV_KVP_EXCHANGE_MAX_VALUE_SIZE"] ?? 0);
  expect(kvp.poolCount).toBe(constants["KVP_POOL_COUNT"] ?? 0);
  expect(kvp.registryString).toBe(constants["REG_SZ"] ?? 0);
});

test("statuses, operations and pools have the kernel's numbers", () => {
  const numbers: Record<string, number> = {
    HV_S_OK: Status.ok,
    HV_E_FAIL: Status.fail,
    HV_S_CONT: Status.noMoreItems,
    HV_ERROR_NOT_SUPPORTED: Status.notSupported,
    HV_ERROR_MACHINE_LOCKED: Status.machineLocked,
    HV_ERROR_DEVICE_NOT_CONNECTED: Status.deviceNotConnected,
    HV_INVALIDARG: Status.invalidArgument,
    HV_GUID_NOTFOUND: Status.guidNotFound,
    HV_ERROR_ALREADY_EXISTS: Status.alreadyExists,
    HV_ERROR_DISK_FULL: Status.diskFull,
    KVP_OP_GET: kvp.KvpOperation.get,
    KVP_OP_SET: kvp.KvpOperation.set,
    KVP_OP_DELETE: kvp.KvpOperation.delete,
    KVP_OP_ENUMERATE: kvp.KvpOperation.enumerate,
    KVP_OP_GET_IP_INFO: kvp.KvpOperation.getIpInfo,
    KVP_OP_SET_IP_INFO: kvp.KvpOperation.setIpInfo,
    KVP_OP_REGISTER1: kvp.KvpOperation.register1,
    KVP_POOL_EXTERNAL: kvp.KvpPool.external,
    KVP_POOL_GUEST: kvp.KvpPool.guest,
    KVP_POOL_AUTO: kvp.KvpPool.auto,
    KVP_POOL_AUTO_EXTERNAL: kvp.KvpPool.autoExternal,
    KVP_POOL_AUTO_INTERNAL: kvp.KvpPool.autoInternal,
    VSS_OP_HOT_BACKUP: VssOperation.hotBackup,
    VSS_OP_FREEZE: VssOperation.freeze,
    VSS_OP_THAW: VssOperation.thaw,
    VSS_OP_REGISTER1: VssOperation.register1,
    START_FILE_COPY: fcopy.FcopyOperation.start,
    WRITE_TO_FILE: fcopy.FcopyOperation.write,
    COMPLETE_FCOPY: fcopy.FcopyOperation.complete,
    CANCEL_FCOPY: fcopy.FcopyOperation.cancel,
    OVER_WRITE: fcopy.FcopyFlag.overWrite,
    CREATE_PATH: fcopy.FcopyFlag.createPath,
    FCOPY_VERSION_1: fcopy.fcopyVersion1,
    DATA_FRAGMENT: fcopy.fragmentBytes,
  };
  const kernel = Object.keys(numbers).map((name) => [name, constants[name]]);
  expect(numbers).toEqual(Object.fromEntries(kernel));
});

const compiler = Bun.which("cc");

test.skipIf(compiler === null || !existsSync("/usr/include/linux/hyperv.h"))(
  "the vectors are what this machine's header gives",
  () => {
    const program = join(mkdtempSync(join(tmpdir(), "hvguest-layout-")), "dump-layout");
    const options = { cwd: repository, stdout: "pipe", stderr: "pipe" } as const;
    const built = Bun.spawnSync(["cc", "-o", program, "scripts/dump-layout.c"], options);
    expect(built.stderr.toString()).toBe("");
    const printed = Bun.spawnSync([program], options).stdout.toString();
    expect(JSON.parse(printed)).toEqual(layout);
  },
);

test("the header of a ring's message lies as in tools/hv/vmbus_bufring.h", () => {
  expect(icHeader.offsets).toEqual({
    pipeFlags: 0,
    pipeBytes: 4,
    frameworkMajor: 8,
    frameworkMinor: 10,
    type: 12,
    messageMajor: 14,
    messageMinor: 16,
    bodyBytes: 18,
    status: 20,
    transactionId: 24,
    flags: 25,
    _reserved: 26,
  });
  expect(icHeader.size).toBe(28);
});
