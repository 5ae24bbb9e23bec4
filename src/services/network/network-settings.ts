// The section [network] of the configuration.

import { boolean, oneOf, type Section, textList } from "../setting.ts";
import { managerNames } from "./plan.ts";

export const networkSettings = {
  accept_settings: boolean(true, "Whether the host may set addresses (SET_IP_INFO)."),
  manager: oneOf(
    ["auto", ...managerNames],
    "auto",
    "Who puts addresses in force; auto asks who manages the interface.",
  ),
  ignore_interfaces: textList(
    ["docker*", "br-*", "virbr*", "veth*", "cni*", "flannel*", "cali*", "lxc*", "lxd*", "podman*"],
    "Interfaces whose addresses are not told to the host unless it asks for them; * stands for any text.",
  ),
} satisfies Section;
