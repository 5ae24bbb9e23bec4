// Why our daemon differs from the C daemons, where a host can see it. A difference
// that is not in here makes the lab fail.

import type { Explanation } from "./runner/compatibility.ts";

const kvp: readonly Explanation[] = [
  {
    scenario: "GET answers with the value",
    verdict: "C daemon's fault",
    why: "The kernel takes the value of a GET from where an enumeration has it, and gives the daemon a value size of 0: the C daemon copies nothing and answers with an empty text. hvguest puts the value where the kernel looks. Intrinsic items answer a GET too.",
  },
  {
    scenario: "an empty key is answered",
    verdict: "choice",
    why: "A record without a key cannot be told from a cleared one by the programs that read pool files, so hvguest refuses it.",
  },
  {
    scenario: "halves of surrogate pairs from the host are answered and do no harm",
    verdict: "choice",
    why: "The kernel drops halves of surrogate pairs; of a key that has nothing else an empty one is left, which hvguest refuses.",
  },
  {
    scenario: "one record that is not UTF-8 does not end the host's enumeration",
    verdict: "C daemon's fault",
    why: "The kernel cannot convert such a record, and a host ends its enumeration at the failure: one bad record of any program hides all records behind it. hvguest passes it on with replacement characters; the file stays as it is.",
  },
  {
    scenario: "a record without any terminator is passed on in a safe form",
    verdict: "C daemon's fault",
    why: "The C daemon passes a full record on without a NUL, and the guest's kernel stops in a BUG when it measures the text: any program that can write a pool file can do that. hvguest cuts it on a character.",
  },
  {
    scenario: "a pool above four gets a failure and the next request is served",
    verdict: "C daemon's fault",
    why: "The C daemon uses the pool number as an index without a check and dies; the host gets no answer until another daemon registers.",
  },
  {
    scenario: "an unknown operation gets a failure and the next request is served",
    verdict: "C daemon's fault",
    why: "The C daemon reports success for what it has not done.",
  },
  {
    scenario: "sizes that are not those of the text get an answer",
    verdict: "choice",
    why: "The kernel turns these sizes into an empty key, which hvguest refuses.",
  },
  {
    scenario: "a pool that another program empties, replaces or removes is served as it is",
    verdict: "C daemon's fault",
    why: "The C daemon keeps its first descriptor and a stale copy; hvguest looks at the file that has the name now, and makes it again when it is gone.",
  },
  {
    scenario:
      "a program appends under flock while the host reads and writes: nothing is lost or torn",
    verdict: "C daemon's fault",
    isOccasional: true,
    why: "The C daemon locks with fcntl, which flock does not see, and rewrites the whole file: what was appended meanwhile is lost. hvguest takes both locks and updates single records in place.",
  },
  {
    scenario: "of records with the same key the host sees one, with the last value",
    verdict: "improvement",
    why: "Other programs append a key again to change it. The C daemon shows every record and changes the first one; for hvguest, as for cloud-init and azure-init, the last one counts.",
  },
  {
    scenario: "pools full of noise are served without harm",
    verdict: "C daemon's fault",
    why: "As for single records that are not UTF-8: hvguest passes them on in a safe form, each key once.",
  },
  {
    scenario: "a full disk gets a failure and leaves the pool as it was",
    verdict: "C daemon's fault",
    why: "The C daemon empties the file before it writes it, and ends when the write fails: the pool and the service are gone. hvguest refuses the request (disk full), keeps every record and goes on.",
  },
  {
    scenario: "a name that nobody can resolve delays nothing and is never an error text",
    verdict: "C daemon's fault",
    why: "The C daemon asks once at its start, and hosts show the error text as the machine's name. hvguest says the short name until it knows more, and follows changes.",
  },
  {
    scenario: "pools on a file system that becomes read-only are read, and changes are refused",
    verdict: "C daemon's fault",
    why: "The C daemon ends when a pool cannot be written.",
  },
  {
    scenario: "a directory of pools that is removed is made again",
    verdict: "C daemon's fault",
    why: "The C daemon ends; hvguest makes the directory and the file again.",
  },
  {
    scenario: "GET_IP_INFO has each address with its mask, the gateways and the DNS servers",
    verdict: "improvement",
    why: "The C daemon asks shell scripts, which need tools that are not everywhere; hvguest asks the kernel and reads the resolver's configuration.",
  },
  {
    scenario: "lists that are longer than the wire are cut between addresses",
    verdict: "C daemon's fault",
    why: "The C daemon refuses the whole request when its lists do not fit, and the kernel cuts its address items inside an address. hvguest cuts lists between addresses.",
  },
  {
    scenario: "the daemon's help and an unknown option are answered as before",
    verdict: "choice",
    why: "All commands of hvguest exit with 2 for wrong usage.",
  },
  {
    scenario: "a daemon that is killed at any moment under load leaves its pool whole",
    verdict: "C daemon's fault",
    isOccasional: true,
    why: "The C daemon empties its pool file before it writes all records anew: killed in between, it leaves no record.",
  },
  {
    scenario: "lis-test AddKey, ModifyKey, RemoveKey: EEE in pool 0",
    verdict: "C daemon's fault",
    isOccasional: true,
    why: "The C daemon writes whatever its memory holds behind the terminators into the pool file.",
  },
  {
    scenario: "the offer is withdrawn and made again twenty times",
    verdict: "improvement",
    why: "The C daemon ends when the service is withdrawn and needs a service manager; hvguest waits for the device without polling and registers again.",
  },
  {
    scenario: "a daemon that starts before the service is offered waits for it without polling",
    verdict: "improvement",
    why: "The C daemon ends when the device is not there.",
  },
  {
    scenario: "it ends in order on SIGTERM and SIGINT, also under load",
    verdict: "improvement",
    why: "The C daemon is ended by the signal; hvguest ends by itself.",
  },
];

const fcopy: readonly Explanation[] = [
  {
    scenario: "the path is a directory or the whole destination",
    verdict: "improvement",
    why: "Microsoft documents a path that is no directory as the complete destination; the C daemon fails there, because it never makes the last part of a path.",
  },
  {
    scenario: "a file that does not fit is refused before its data come",
    verdict: "improvement",
    why: "hvguest reserves the announced size at the start; the C daemon fills the disk until a write fails.",
  },
  {
    scenario: "a place that cannot take a file is told at once",
    verdict: "improvement",
    isOccasional: true,
    why: "hvguest refuses at the start what is no regular file.",
  },
  {
    scenario: "requests that belong to no file fail",
    verdict: "C daemon's fault",
    why: "The C daemon answers the end of no file with success, and remembers a failure for the next file.",
  },
  {
    scenario: "a file of which a part has not come is no file",
    verdict: "C daemon's fault",
    why: "The C daemon writes into the file itself and does not count what comes: a file with holes is a success. hvguest gives a file its name when all of it is there.",
  },
  {
    scenario: "a host that goes half way leaves nothing, and its next file arrives",
    verdict: "C daemon's fault",
    why: "The C daemon leaves a torn file under the final name.",
  },
  {
    scenario: "an agent killed half way leaves nothing, and the next one serves",
    verdict: "C daemon's fault",
    why: "The C daemon leaves a torn file, also in the place of one that was whole.",
  },
  {
    scenario: "what the host cancels or begins anew leaves nothing behind",
    verdict: "C daemon's fault",
    why: "The daemon for UIO does not know cancelling.",
  },
  {
    scenario: "every offer of versions is answered, whatever its counts say",
    verdict: "improvement",
    why: "The daemon for UIO speaks framework 3.0 only; hvguest takes 1.0 as well, as the kernel's drivers do.",
  },
  {
    scenario: "an answer carries the number of its request, with or without a completion flag",
    verdict: "improvement",
    why: "The daemon for UIO gives every answer the same transaction number; hvguest gives back that of the request, as the kernel's driver did.",
  },
];

const vss: readonly Explanation[] = [
  {
    scenario: "a daemon that is killed while frozen leaves nothing frozen",
    verdict: "C daemon's fault",
    why: "The C daemon thaws at the host's word alone: without it the guest stays frozen. A second process of hvguest thaws when the first one is gone.",
  },
  {
    scenario: "a daemon that is told to end while frozen thaws and ends",
    verdict: "C daemon's fault",
    why: "The C daemon is ended by the signal and leaves the guest frozen.",
  },
  {
    scenario: "a file system that somebody else has frozen fails the freeze and stays theirs",
    verdict: "C daemon's fault",
    why: "The C daemon takes EBUSY for its own freeze and thaws with its own what somebody else wanted frozen.",
  },
];

export const explanations: readonly Explanation[] = [...kvp, ...vss, ...fcopy];
