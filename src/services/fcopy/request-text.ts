// Requests in words, for the log.

import type { FcopyRequest } from "../../protocol/fcopy/request.ts";

/** One line that tells a request from others of its kind. */
export function describeRequest(request: FcopyRequest): string {
  switch (request.operation) {
    case "start": {
      const flags = [request.overWrite && "overwrite", request.createPath && "create path"]
        .filter((flag) => flag !== false)
        .map((flag) => `, ${flag}`)
        .join("");
      const { pathName, fileName, fileSize } = request;
      return `start of '${fileName}' to '${pathName}', ${fileSize} bytes${flags}`;
    }
    case "write":
      return `${request.data.length} bytes at ${request.offset}`;
    case "complete":
      return "end of a file";
    case "cancel":
      return "cancellation of a file";
    case "refused":
      return request.isStart ? "start of a file" : "a request that cannot be done";
  }
}
