// Completions for shells: the words of the commands and their options, no program is run.

import type { DescribedCommand, DescribedOption } from "./command-tree.ts";

/** For /usr/share/bash-completion/completions/hvguest */
export function bashCompletion(commands: readonly DescribedCommand[]): string {
  const cases = [...wordLists(commands)].map(
    ([words, list]) => `    ${JSON.stringify(words)}) words=${JSON.stringify(list.join(" "))} ;;`,
  );
  return `# bash completion of hvguest
_hvguest() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) case " ${groupWords(commands)} " in
      *" \${path:+$path-}$word "*) path=\${path:+$path-}$word ;;
    esac ;; esac
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _hvguest hvguest
`;
}

/** For zsh's site-functions/_hvguest: through the same lists. */
export function zshCompletion(commands: readonly DescribedCommand[]): string {
  const cases = [...wordLists(commands)].map(
    ([words, list]) => `    (${JSON.stringify(words)}) compadd -- ${list.join(" ")} ;;`,
  );
  return `#compdef hvguest
local path_words= word
for word in "\${(@)words[2,CURRENT-1]}"; do
  case $word in (-*) ;; (*) case " ${groupWords(commands)} " in
    (*" \${path_words:+$path_words-}$word "*) path_words=\${path_words:+$path_words-}$word ;;
  esac ;; esac
done
case $path_words in
${cases.join("\n")}
esac
_files
`;
}

/** For fish's vendor_completions.d/hvguest.fish */
export function fishCompletion(commands: readonly DescribedCommand[]): string {
  const lines = commands.flatMap((command) => {
    const words = command.words.split(" ");
    const last = words.at(-1);
    const above = words.slice(0, -1);
    const condition =
      above.length === 0
        ? "__fish_use_subcommand"
        : above.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    return [
      `complete -c hvguest -n ${quoted(condition)} -f -a ${last} -d ${quoted(command.description)}`,
      ...command.options.map((option) => fishOption(option, seen)),
    ];
  });
  return `${lines.join("\n")}\n`;
}

function fishOption({ names, description, takesValue, choices }: DescribedOption, seen: string) {
  const flags = names.map((name) => (name.length === 1 ? `-s ${name}` : `-l ${name}`)).join(" ");
  const value = takesValue ? " -r" : "";
  const list = choices.length > 0 ? ` -f -a ${quoted(choices.join(" "))}` : "";
  return `complete -c hvguest -n ${quoted(seen)} ${flags}${value}${list} -d ${quoted(description)}`;
}

/** What may follow each command, by its words joined with dashes. */
function wordLists(commands: readonly DescribedCommand[]): Map<string, string[]> {
  const lists = new Map<string, string[]>([["", ["--help", "--version"]]]);
  for (const command of commands) {
    const words = command.words.split(" ");
    lists.get(words.slice(0, -1).join("-"))?.push(words.at(-1) ?? "");
    lists.set(words.join("-"), [...command.options.map(longName), "--help"]);
  }
  return lists;
}

function longName({ names }: DescribedOption): string {
  return `--${names.find((name) => name.length > 1) ?? names[0]}`;
}

function groupWords(commands: readonly DescribedCommand[]): string {
  return commands.map(({ words }) => words.replaceAll(" ", "-")).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
