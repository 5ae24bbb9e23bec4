// A request in words, for the log. Values are never shown: secrets travel there.

import type { KvpRequest } from "../../protocol/kvp/request.ts";

/** Such as `set pool=0 key='name'`. */
export function describeRequest(request: KvpRequest): string {
  switch (request.operation) {
    case "enumerate":
      return `enumerate pool=${request.pool} index=${request.index}`;
    case "get":
    case "set":
    case "delete":
      return `${request.operation} pool=${request.pool} key='${request.key}'`;
    case "getIpInfo":
      return `get IP info adapter='${request.adapterId}'`;
    case "setIpInfo":
      return `set IP info adapter='${request.adapterId}'`;
    case "refused":
      return "refuse a request";
  }
}
