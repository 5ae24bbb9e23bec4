// Status codes on the wire: HRESULTs (include/uapi/linux/hyperv.h).

export const Status = {
  ok: 0,
  /** HV_E_FAIL */
  fail: 0x80004005,
  /** HV_S_CONT: no such key, no more items */
  noMoreItems: 0x80070103,
  /** HV_ERROR_NOT_SUPPORTED */
  notSupported: 0x80070032,
  /** HV_ERROR_MACHINE_LOCKED */
  machineLocked: 0x800704f7,
  /** HV_ERROR_DEVICE_NOT_CONNECTED */
  deviceNotConnected: 0x8007048f,
  /** HV_INVALIDARG */
  invalidArgument: 0x80070057,
  /** HV_GUID_NOTFOUND: no such network adapter */
  guidNotFound: 0x80041002,
  /** HV_ERROR_ALREADY_EXISTS */
  alreadyExists: 0x80070050,
  /** HV_ERROR_DISK_FULL */
  diskFull: 0x80070070,
  /** E_ACCESSDENIED: the configuration forbids it */
  accessDenied: 0x80070005,
  /** HRESULT_FROM_WIN32(ERROR_FILE_TOO_LARGE) */
  fileTooLarge: 0x800700df,
} as const;

export type Status = (typeof Status)[keyof typeof Status];

/** `0x80070103`, as hosts and their event logs print a status. */
export function statusText(status: number): string {
  return `0x${(status >>> 0).toString(16).padStart(8, "0")}`;
}

/** A legitimate "no" to the host: it carries its answer. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: Status;

  constructor(status: Status, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
