/** Scripts that hand what is typed to `skald completion words` and offer what it answers. */
export const shells = ["bash", "zsh", "fish"] as const;

const bash = `# bash completion of skald
_skald() {
  local word words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do words+=("$word"); done
  local IFS=$'\\n'
  COMPREPLY=($("\${COMP_WORDS[0]}" completion words -- "\${words[@]}" 2>/dev/null))
}
complete -o default -F _skald skald
`;

const zsh = `#compdef skald
# zsh completion of skald
_skald() {
  local -a found
  found=(\${(f)"$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
if [[ "\${funcstack[1]}" = _skald ]]; then _skald "$@"; else compdef _skald skald; fi
`;

const fish = `# fish completion of skald
function __skald_words
    set -l words (commandline -opc) (commandline -ct)
    $words[1] completion words -- $words[2..-1] 2>/dev/null
end
complete -c skald -a '(__skald_words)'
`;

export function completionScript(shell: (typeof shells)[number]): string {
  switch (shell) {
    case "bash":
      return bash;
    case "zsh":
      return zsh;
    case "fish":
      return fish;
    default:
      return shell satisfies never;
  }
}
