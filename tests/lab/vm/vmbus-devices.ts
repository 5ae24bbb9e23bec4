// The VMBus devices that a guest of the lab sees, by the identifiers that a
// Windows host of generation 2 uses. The instance of file copy is hard wired in
// hv_fcopy_uio_daemon.

export interface VmbusDevice {
  readonly classId: string;
  readonly instanceId: string;
}

export const vmbusDevices = {
  heartbeat: {
    classId: "57164f39-9115-4e78-ab55-382f3bd5422d",
    instanceId: "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0",
  },
  kvp: {
    classId: "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
    instanceId: "242ff919-07db-4180-9c2e-b86cb68c8c55",
  },
  timesync: {
    classId: "9527e630-d0ae-497b-adce-e80ab0175caf",
    instanceId: "2dd1ce17-079e-403c-b352-a1921ee207ee",
  },
  shutdown: {
    classId: "0e0b6031-5213-4934-818b-38d90ced39db",
    instanceId: "b6650ff7-33bc-4840-8048-e0676786f393",
  },
  vss: {
    classId: "35fa2e29-ea23-4236-96ae-3a6ebacba440",
    instanceId: "2450ee40-33bf-4fbd-892e-9fb06e9214cf",
  },
  fcopy: {
    classId: "34d14be3-dee4-41c8-9ae7-6b174977c192",
    instanceId: "eb765408-105f-49b6-b4aa-c123b64d17d4",
  },
} as const satisfies Record<string, VmbusDevice>;

export type ServiceName = keyof typeof vmbusDevices;

export const serviceNames: readonly ServiceName[] = [
  "heartbeat",
  "kvp",
  "timesync",
  "shutdown",
  "vss",
  "fcopy",
];
