// The host's side of a backup over the fake driver.

import { replyOf } from "./host-answer.ts";
import { VSS_MESSAGE_BYTES, type VssDriver, VssOperation } from "./vss-driver.ts";

export class VssHost {
  readonly #driver: VssDriver;

  constructor(driver: VssDriver) {
    this.#driver = driver;
  }

  /** Whether the guest can be backed up: the status of HOT_BACKUP. */
  check(): Promise<number> {
    return this.operation(VssOperation.hotBackup);
  }

  freeze(): Promise<number> {
    return this.operation(VssOperation.freeze);
  }

  thaw(): Promise<number> {
    return this.operation(VssOperation.thaw);
  }

  /** The daemon's status for any operation. @throws NoAnswer */
  async operation(operation: number): Promise<number> {
    const message = Buffer.alloc(VSS_MESSAGE_BYTES);
    message[0] = operation;
    return (await this.exchange(message)).readUInt32LE(0);
  }

  /** @throws NoAnswer */
  async exchange(message: Buffer): Promise<Buffer> {
    return replyOf(await this.#driver.request(message));
  }
}
