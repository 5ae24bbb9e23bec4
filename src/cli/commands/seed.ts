// hvguest seed: cloud-init's or Ignition's configuration out of the KVP pools.

import { existsSync } from "node:fs";
import { noCloudSeed, type SeedPool } from "../../image/seed/nocloud.ts";
import { SeedError, seedText, type SeedText } from "../../image/seed/parts.ts";
import { deleteKeys, readSeedPools, waitForSeed } from "../../image/seed/pools.ts";
import { writeSecret, writeSeedFolder } from "../../image/seed/seed-folder.ts";
import { NativeError } from "../../native/native-error.ts";
import { virtualMachineId } from "../../platform/machine-id.ts";
import { type Paths, pathsFrom } from "../../platform/paths.ts";
import { PoolError } from "../../services/kvp/pool-record.ts";
import { command, CommandError, type CommandContext, ExitStatus } from "../command.ts";

interface SeedArguments {
  readonly format: "nocloud" | "ignition";
  readonly output: string | undefined;
  readonly wait: number;
  readonly boot: boolean;
  readonly delete: boolean;
  readonly json: boolean;
}

/** The key of Ignition's configuration, as libhvee writes it. */
const ignitionKey = "ignition.config";

export const seed = command<SeedArguments>({
  usage: "seed",
  description: "Make cloud-init's or Ignition's configuration out of the host's KVP items",
  options: (yargs) =>
    yargs
      .option("format", {
        choices: ["nocloud", "ignition"] as const,
        default: "nocloud" as const,
        describe: "cloud-init's NoCloud seed, or Ignition's configuration",
      })
      .option("output", {
        type: "string",
        describe:
          "The folder of the seed (/var/lib/cloud/seed/nocloud), or the file of Ignition's configuration (standard output)",
      })
      .option("wait", {
        type: "number",
        default: 0,
        describe: "Wait so many seconds for the host to put it there",
      })
      .option("boot", {
        type: "boolean",
        default: false,
        describe: "Wait only before cloud-init's first run; no seed is no failure",
      })
      .option("delete", {
        type: "boolean",
        default: false,
        describe: "Delete the keys from the guest's pools when the configuration is written",
      })
      .option("json", {
        type: "boolean",
        default: false,
        describe: "Print one JSON object; never a value of a key",
      }),
  run: async (args, context) => {
    try {
      return args.format === "ignition"
        ? await ignition(args, context)
        : await noCloud(args, context);
    } catch (error) {
      if (error instanceof SeedError || error instanceof PoolError) {
        throw new CommandError(error.message, ExitStatus.failed, { cause: error });
      }
      if (error instanceof Error && "code" in error && !(error instanceof NativeError)) {
        throw new CommandError(`write the seed: ${error.message}`, ExitStatus.failed, {
          cause: error,
        });
      }
      throw error;
    }
  },
});

async function noCloud(args: SeedArguments, context: CommandContext): Promise<ExitStatus> {
  const { environment, print } = context;
  const paths = pathsFrom(environment);
  const cloud = `${environment["HVGUEST_ROOT"] ?? ""}/var/lib/cloud`;
  const folder = args.output ?? `${cloud}/seed/nocloud`;
  const isFirstRun = !existsSync(`${cloud}/instance`);
  const wait = args.boot && !isFirstRun ? 0 : args.wait;
  const machineId = virtualMachineId(paths) ?? "";
  const found = await look(paths, wait, context.signal, (pools) => noCloudSeed(pools, machineId));
  if (found === undefined) {
    print(args.json ? '{"found":false}\n' : "no seed in the pools\n");
    return args.boot ? ExitStatus.done : ExitStatus.failed;
  }
  const isChanged = writeSeedFolder(folder, found.files);
  deleteUsed(args, paths, found.keys);
  const files = Object.entries(found.files).flatMap(([name, bytes]) =>
    bytes === undefined ? [] : [{ name, bytes: bytes.length }],
  );
  const told = { found: true, changed: isChanged, folder, instance_id: found.instanceId, files };
  const words = isChanged ? "wrote" : "unchanged";
  print(
    args.json
      ? `${JSON.stringify(told)}\n`
      : `${words} '${folder}': instance ${found.instanceId}, ${files
          .map(({ name, bytes }) => `${name} ${bytes} bytes`)
          .join(", ")}\n`,
  );
  return ExitStatus.done;
}

async function ignition(args: SeedArguments, context: CommandContext): Promise<ExitStatus> {
  const paths = pathsFrom(context.environment);
  const found = await look(paths, args.wait, context.signal, ignitionIn);
  if (found === undefined) {
    context.complain(`there is no '${ignitionKey}' in the pools`);
    return args.boot ? ExitStatus.done : ExitStatus.failed;
  }
  if (args.output === undefined) {
    context.print(Buffer.from(found.text.bytes).toString());
  } else {
    writeSecret(args.output, found.text.bytes);
    const told = { found: true, file: args.output, bytes: found.text.bytes.length };
    context.print(
      args.json ? `${JSON.stringify(told)}\n` : `wrote '${told.file}': ${told.bytes} bytes\n`,
    );
  }
  deleteUsed(args, paths, new Map([[found.pool, found.text.keys]]));
  return ExitStatus.done;
}

function ignitionIn(pools: readonly SeedPool[]): { pool: number; text: SeedText } | undefined {
  for (const { number, records } of pools) {
    const text = seedText(records, ignitionKey);
    if (text !== undefined) {
      return { pool: number, text };
    }
  }
  return undefined;
}

function look<T>(
  paths: Paths,
  wait: number,
  signal: AbortSignal,
  find: (pools: readonly SeedPool[]) => T | undefined,
): Promise<T | undefined> {
  return wait > 0
    ? waitForSeed(paths.pools, wait, signal, find)
    : Promise.resolve(find(readSeedPools(paths.pools)));
}

function deleteUsed(
  args: SeedArguments,
  paths: Paths,
  keys: ReadonlyMap<number, readonly string[]>,
): void {
  if (args.delete) {
    for (const [pool, used] of keys) {
      deleteKeys(paths.pools, pool, used);
    }
  }
}
