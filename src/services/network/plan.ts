// What a back-end would do to give an interface its configuration: files and
// commands, as data. Nothing here acts; apply-plan.ts does.

/** Back-ends, by the name that the setting `manager` takes. */
export const managerNames = [
  "netplan",
  "NetworkManager",
  "networkd",
  "wicked",
  "ifupdown",
  "ifcfg",
  "script",
] as const;

export type ManagerName = (typeof managerNames)[number];

export interface FileChange {
  readonly path: string;
  /** The new text; undefined removes the file. */
  readonly text: string | undefined;
  /** By default that of the file that is there, 0644 for a new one. */
  readonly mode?: number;
}

/** A program to run. */
export interface Step {
  /** Absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** A failure is not one of the whole. */
  readonly mayFail?: boolean;
}

export interface Plan {
  readonly manager: ManagerName;
  /** The interface's name. */
  readonly interfaceName: string;
  /** Run before the files change, and again before they are put back. */
  readonly before: readonly Step[];
  readonly files: readonly FileChange[];
  /** Run after the files have changed: puts them in force. */
  readonly activate: readonly Step[];
  /** Ends what of `activate` goes on when it is given up; nothing by default. */
  readonly abandon?: readonly Step[];
  /** Run after the files have been put back: puts the old ones in force. */
  readonly reactivate: readonly Step[];
  /** Whether the kernel's state must show the configuration afterwards. */
  readonly isVerified: boolean;
  /** Instead of `activate` when the manager is still to be started; nothing by default. */
  readonly activateLate?: readonly Step[];
  /** The manager is not running yet: its files are all that can be seen to. */
  readonly isLate?: boolean;
}

/** The plan for a manager that will read its files when it is started. */
export function latePlan(plan: Plan): Plan {
  const activate = plan.activateLate ?? [];
  return {
    ...plan,
    before: [],
    activate,
    abandon: [],
    reactivate: activate,
    isVerified: false,
    isLate: true,
  };
}
