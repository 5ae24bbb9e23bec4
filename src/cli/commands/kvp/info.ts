import { statSync } from "node:fs";
import { keyArea, recordBytes, safeLimits, valueArea } from "../../../services/kvp/pool-record.ts";
import { ExitStatus } from "../../command.ts";
import { isStale } from "./clear.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { jsonLine } from "./record-text.ts";

export const infoCommand = poolCommand({
  usage: "info",
  description: "Print what is known of the pool file",
  run: (args, context) => {
    const pool = new ChosenPool(args, context);
    const view = pool.view();
    const image = pool.image();
    const wire = args["wire-limits"];
    const stat = statSync(pool.path, { throwIfNoEntry: false });
    const facts = {
      pool: pool.name,
      path: pool.path,
      mode: wire ? "unsafe" : "safe",
      records: image.count - image.blankCount,
      empty: image.entries.length === 0,
      stale: isStale(pool, context),
      max_key_size: wire ? keyArea : safeLimits.keyBytes,
      max_value_size: wire ? valueArea : safeLimits.valueBytes,
      exists: stat !== undefined,
      keys: image.entries.length,
      blank_records: image.blankCount,
      partial_bytes: Number(view?.stamp.size ?? 0n) % recordBytes,
      file_mode: stat && (stat.mode & 0o7777).toString(8).padStart(4, "0"),
      modified: stat?.mtime.toISOString(),
    };
    const lines = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}\n`],
    );
    context.print(args.json ? jsonLine(facts) : lines.join(""));
    return ExitStatus.done;
  },
});
