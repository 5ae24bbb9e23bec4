// Where the services learn of the network: the kernel, or a test's.

import { native, type NativeNetworkWatch, type NetworkRecords } from "../../native/binding.ts";
import { callNative } from "../../native/native-error.ts";

export interface NetworkSource {
  /** @throws NativeError */
  read(): NetworkRecords;
  /** @throws NativeError */
  watch(onChange: () => void): NativeNetworkWatch;
}

export const kernelSource: NetworkSource = {
  read: () => callNative(() => native().readNetwork()),
  watch: (onChange) => callNative(() => new (native().NetworkWatch)(onChange)),
};
