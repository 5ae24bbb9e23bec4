// cloud-init's NoCloud seed out of what the host put into the KVP pools.

import { createHash } from "node:crypto";
import { parse, stringify, YAMLError } from "yaml";
import { type Records, SeedError, seedText } from "./parts.ts";

/** Files of a seed; those that are not `needed` may be absent. */
const fileNames = ["meta-data", "user-data", "vendor-data", "network-config"] as const;

type FileName = (typeof fileNames)[number];

/** The key of each: `cloud-init.user-data`. */
const keyPrefix = "cloud-init.";

/** A pool that may hold a part of the seed. */
export interface SeedPool {
  readonly number: number;
  readonly records: Records;
}

export interface NoCloudSeed {
  readonly instanceId: string;
  /** Undefined: the file must not be there. */
  readonly files: Readonly<Record<FileName, Uint8Array | undefined>>;
  /** The keys that were used, by pool. */
  readonly keys: ReadonlyMap<number, readonly string[]>;
}

/**
 * The seed in these pools, or undefined when no pool has user-data or meta-data.
 * Each file comes from the first pool that has it. Without an instance-id in the
 * host's meta-data it is made out of all files and of `machineId`: a changed seed
 * and a copied machine are new instances.
 * @throws SeedError
 */
export function noCloudSeed(
  pools: readonly SeedPool[],
  machineId: string,
): NoCloudSeed | undefined {
  const keys = new Map<number, string[]>();
  const texts: Partial<Record<FileName, Uint8Array>> = {};
  for (const name of fileNames) {
    for (const { number, records } of pools) {
      const text = seedText(records, `${keyPrefix}${name}`);
      if (text !== undefined) {
        texts[name] = text.bytes;
        keys.set(number, [...(keys.get(number) ?? []), ...text.keys]);
        break;
      }
    }
  }
  if (texts["user-data"] === undefined && texts["meta-data"] === undefined) {
    return undefined;
  }
  const { instanceId, metaData } = withInstanceId(texts, machineId);
  return {
    instanceId,
    keys,
    files: {
      "meta-data": metaData,
      "user-data": texts["user-data"] ?? new Uint8Array(),
      "vendor-data": texts["vendor-data"],
      "network-config": texts["network-config"],
    },
  };
}

function withInstanceId(
  texts: Readonly<Partial<Record<FileName, Uint8Array>>>,
  machineId: string,
): { instanceId: string; metaData: Uint8Array } {
  const given = texts["meta-data"] ?? new Uint8Array();
  const values = metaDataValues(given);
  const known = values["instance-id"];
  if (typeof known === "string" || typeof known === "number") {
    return { instanceId: String(known), metaData: given };
  }
  const hash = createHash("sha256").update(machineId);
  for (const name of fileNames) {
    hash.update(`\0${name}\0`).update(texts[name] ?? new Uint8Array());
  }
  const instanceId = `hvguest-${hash.digest("hex").slice(0, 32)}`;
  const metaData = stringify({ "instance-id": instanceId, ...values });
  return { instanceId, metaData: Buffer.from(metaData) };
}

function metaDataValues(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = parse(Buffer.from(bytes).toString());
  } catch (error) {
    if (error instanceof YAMLError) {
      // Its message shows the text around the fault, which may be secret.
      throw new SeedError(`'${keyPrefix}meta-data' is not YAML`, { cause: error });
    }
    throw error;
  }
  if (value === null) {
    return {};
  }
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new SeedError(`'${keyPrefix}meta-data' is not a mapping`);
  }
  return value as Record<string, unknown>;
}
