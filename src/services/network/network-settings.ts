// The section [network] of the configuration.

import { boolean, type Section, textList } from "../setting.ts";

export const networkSettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
  ignore_interfaces: textList(
    ["docker*", "br-*", "virbr*", "veth*", "cni*", "flannel*", "cali*", "lxc*", "lxd*", "podman*"],
    "Interfaces whose addresses are not told to the host unless it asks for them; * stands for any text.",
  ),
} satisfies Section;
