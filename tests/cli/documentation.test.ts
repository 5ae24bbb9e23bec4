import { expect, test } from "bun:test";
import { command, type Command } from "../../src/cli/command.ts";
import { describeCommands } from "../../src/cli/documentation/command-tree.ts";
import { documents } from "../../src/cli/documentation/documents.ts";
import { commands } from "../../src/cli/commands.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

const get = command<{ key: string; json: boolean }>({
  usage: "get <key>",
  description: "Print a value",
  options: (yargs) =>
    yargs
      .positional("key", { type: "string", demandOption: true, describe: "The .key" })
      .option("json", { type: "boolean", default: false, describe: "Print JSON" }),
  run: () => 0,
});
const group: Command = { usage: "kvp", description: "Data exchange", commands: [get] };

/** Runs bash with the completion and tells what it offers after these words. */
function offered(completion: string, words: readonly string[]): string[] {
  const folder = mkdtempSync(`${tmpdir()}/hvguest-completion-`);
  const file = `${folder}/hvguest`;
  writeFileSync(file, completion);
  const script = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hvguest; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = Bun.spawnSync(["bash", "-c", script, "bash", file, "hvguest", ...words]);
  rmSync(folder, { recursive: true });
  return stdout.toString().trim().split("\n");
}

function document(suffix: string, list: readonly Command[] = [group]): string {
  return documents(list, "1.2").find(({ path }) => path.endsWith(suffix))?.text ?? "";
}

test("a command is described with its words, arguments and options", () => {
  expect(describeCommands([group]).slice(1)).toEqual([
    {
      words: "kvp",
      usage: "kvp",
      description: "Data exchange",
      options: [],
      positionals: [],
      group: true,
    },
    {
      words: "kvp get",
      usage: "kvp get <key>",
      description: "Print a value",
      options: [{ names: ["json"], description: "Print JSON", takesValue: false, choices: [] }],
      positionals: [{ names: ["key"], description: "The .key", takesValue: true, choices: [] }],
      group: false,
    },
  ]);
});

test("bash completes commands, then commands of a group, then options", () => {
  const completion = document("completions/hvguest");
  expect(offered(completion, ["k"])).toEqual(["kvp"]);
  expect(offered(completion, ["kvp", ""])).toContain("get");
  expect(offered(completion, ["kvp", "get", "--j"])).toEqual(["--json"]);
});

test.skipIf(Bun.which("groff") === null)("man pages are troff without warnings", () => {
  const pages = documents(commands, "1.2").filter(({ path }) => path.includes("/man/"));
  for (const { path, text } of pages.filter((page) => !page.text.startsWith(".so"))) {
    const page = Bun.spawnSync(["groff", "-man", "-Tutf8", "-ww"], { stdin: Buffer.from(text) });
    expect({ path, said: page.stderr.toString() }).toEqual({ path, said: "" });
  }
  expect(document(".8")).toContain(".B hvguest kvp get <key>");
});
