import type { PoolImage } from "../../../services/kvp/pool-image.ts";
import { decodeKey, decodeValue, type PoolRecord } from "../../../services/kvp/pool-record.ts";
import { type CommandContext, ExitStatus } from "../../command.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { jsonLine, recordLines } from "./record-text.ts";

export const listCommand = poolCommand({
  usage: "list",
  description: "Print each key with its value, as the host gets them",
  run: (args, context) => {
    const records = currentRecords(new ChosenPool(args, context).image());
    context.print(args.json ? records.map(jsonLine).join("") : recordLines(records));
    return ExitStatus.done;
  },
});

export const dumpCommand = poolCommand({
  usage: "dump",
  description: "Print every record of the file, also those that a later one supersedes",
  run: (args, context) => {
    const records = everyRecord(new ChosenPool(args, context).image());
    return printed(records, args.json ? records : undefined, context);
  },
});

export const entriesCommand = poolCommand({
  usage: "entries",
  description: "Print each key with its value, sorted by key",
  run: (args, context) => {
    const records = currentRecords(new ChosenPool(args, context).image()).toSorted((a, b) =>
      a.key < b.key ? -1 : 1,
    );
    const object = Object.fromEntries(records.map(({ key, value }) => [key, value]));
    return printed(records, args.json ? object : undefined, context);
  },
});

/** Each key once, with the value of its last record. */
export function currentRecords(image: PoolImage): PoolRecord[] {
  return image.entries.map((entry) => image.decode(entry));
}

function everyRecord(image: PoolImage): PoolRecord[] {
  return Array.from({ length: image.count }, (_, slot) => ({
    key: decodeKey(image.at(slot)),
    value: decodeValue(image.at(slot)),
  })).filter(({ key }) => key !== "");
}

function printed(
  records: readonly PoolRecord[],
  json: unknown,
  { print }: CommandContext,
): ExitStatus {
  print(json === undefined ? recordLines(records) : jsonLine(json));
  return ExitStatus.done;
}
