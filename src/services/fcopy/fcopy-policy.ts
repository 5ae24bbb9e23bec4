// The settings as the service uses them.

import { groupId, userId } from "../../platform/accounts.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import type { ValuesOf } from "../setting.ts";
import type { Ownership } from "./arriving-file.ts";
import type { fcopySettings } from "./fcopy-settings.ts";
import type { Policy } from "./policy.ts";

type FcopyValues = ValuesOf<typeof fcopySettings>;

const mebibyte = 1n << 20n;
/** More than any file can have. */
const unlimited = 1n << 64n;

export function policyOf(settings: FcopyValues): Policy {
  return {
    allowed: settings.allowed_directories,
    denied: settings.denied_directories,
    largestFile:
      settings.largest_file_mib === 0 ? unlimited : BigInt(settings.largest_file_mib) * mebibyte,
  };
}

/** @throws RequestError when the owner or group does not exist (any more). */
export function ownershipOf({ mode, owner, group }: FcopyValues): Ownership {
  return {
    mode: mode === "" ? undefined : Number.parseInt(mode, 8),
    uid: owner === "" ? undefined : existing(userId(owner), `user '${owner}'`),
    gid: group === "" ? undefined : existing(groupId(group), `group '${group}'`),
  };
}

function existing(id: number | undefined, what: string): number {
  if (id === undefined) {
    throw new RequestError(Status.fail, `${what} does not exist`);
  }
  return id;
}
