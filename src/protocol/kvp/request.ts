// The requests of a KVP host and their answers, apart from their bytes.

/** The lists of GET_IP_INFO and SET_IP_INFO, each joined by `;`. */
export interface IpLists {
  readonly addresses: string;
  readonly subnets: string;
  readonly gateways: string;
  readonly dnsServers: string;
}

export type KvpRequest =
  | { readonly operation: "enumerate"; readonly pool: number; readonly index: number }
  | { readonly operation: "get"; readonly pool: number; readonly key: string }
  | {
      readonly operation: "set";
      readonly pool: number;
      readonly key: string;
      readonly value: string;
    }
  | { readonly operation: "delete"; readonly pool: number; readonly key: string }
  | {
      readonly operation: "getIpInfo";
      /** A MAC address such as `00:15:5D:01:02:03`. */
      readonly adapterId: string;
    }
  | ({
      readonly operation: "setIpInfo";
      /** A device GUID in braces. */
      readonly adapterId: string;
      /** Bits: 1 IPv4, 2 IPv6. */
      readonly addressFamilies: number;
      readonly dhcpEnabled: boolean;
    } & IpLists)
  /** A request that cannot be served as it stands, with what is wrong with it. */
  | {
      readonly operation: "refused";
      readonly reason: "pool" | "operation" | "text" | "size";
      readonly text: string;
    };

export type KvpReply =
  | { readonly kind: "item"; readonly key: string; readonly value: string }
  | { readonly kind: "value"; readonly value: string }
  | ({
      readonly kind: "ipInfo";
      readonly addressFamilies: number;
      readonly dhcpEnabled: boolean;
    } & IpLists)
  | { readonly kind: "done" };
