import { expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { constants } from "node:os";
import { markerText } from "../../../src/services/vss/freezer.ts";
import { thawLeftBehind } from "../../../src/services/vss/left-behind.ts";
import { hvguest } from "../../support/hvguest-source.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

const { ELOOP } = constants.errno;

/**
 * A marker that a dead agent has left: a mount point that cannot be opened, one that is
 * gone, and one below a file.
 */
function left(): { root: string; marker: string; stuck: string; gone: readonly string[] } {
  const root = temporaryRoot({ "run/hvguest/vss-frozen": "", file: "" });
  const stuck = `${root}/stuck`;
  symlinkSync(stuck, stuck);
  const marker = `${root}/run/hvguest/vss-frozen`;
  return { root, marker, stuck, gone: [`${root}/gone`, `${root}/file/below`] };
}

test("what could not be thawed stays in the marker and is told; a mount point that is gone does not", async () => {
  const { marker, stuck, gone } = left();
  await Bun.write(marker, markerText([...gone, stuck]));
  const [log, lines] = recordedLog("vss");
  expect(await thawLeftBehind(marker, log)).toEqual({
    thawed: [],
    failures: [{ act: "thaw", path: stuck, errno: ELOOP }],
  });
  expect(readFileSync(marker, "utf8")).toBe(markerText([stuck]));
  expect(lines.join()).toContain(`error: vss: thaw '${stuck}', which may have been left frozen`);
});

test("a marker is emptied when nothing is left of what it names", async () => {
  const { marker, gone } = left();
  await Bun.write(marker, markerText(gone));
  const [log] = recordedLog("vss");
  expect(await thawLeftBehind(marker, log)).toEqual({ thawed: [], failures: [] });
  expect(readFileSync(marker, "utf8")).toBe("");
});

test("`vss thaw` that cannot thaw what was left frozen says so, and does again", async () => {
  const { root, marker, stuck } = left();
  await Bun.write(marker, markerText([stuck]));
  const reason = "too many symbolic links encountered (ELOOP)";
  const json = hvguest(["vss", "thaw", "--json"], { HVGUEST_ROOT: root });
  expect(json.status).toBe(1);
  expect(JSON.parse(json.stdout)).toEqual({ mount_point: stuck, thawed: false, reason });
  const text = hvguest(["vss", "thaw"], { HVGUEST_ROOT: root });
  expect(text.status).toBe(1);
  expect(text.stdout).toBe(`${stuck}: ${reason}\n`);
});
