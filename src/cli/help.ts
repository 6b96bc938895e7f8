import { connectionFlags } from "./connection-flags.ts";
import { rareOutputFlags } from "./entry-printer.ts";
import { timestampFormats } from "./output-format.ts";
import { tableLines } from "./table-lines.ts";

/** What `skald`, `skald help` and `skald -h` print: one screen. */
export function topLevelHelp(): string {
  return `Skald keeps logs: labels are indexed, lines compressed, asked in LogQL.

Server
  skald                                start with port 3100 and data in ./data
  skald serve -config.file=skald.yaml  start with a configuration (Loki's keys)
  skald -help                          all flags of the server
  skald -version

Commands (against a Skald or a Loki; flags and environment are LogCLI's)
  query           print the entries, or the series, of a range of time
  instant-query   print the value of a metric query at one moment
  tail            print new entries as they arrive
  context         print the lines around those that a query finds
  explore         look around in a full-screen terminal
  export          print or write every entry of a range; can be resumed
  push            send files or standard input
  labels          print names of labels, or the values of one
  series          print the streams that match
  stats           print bytes, streams and entries of a selector
  volume          print the bytes of each series (volume-range: over time)
  detected-fields print the fields found in lines (patterns: patterns of lines)
  explain         print what a query would read and skip
  delete          ask for entries to be deleted; list and cancel such requests
  retention       print what retention would take, when and why
  rules           check, test, compare and upload rules: alerts, recorded series
  fmt             print a query broken into lines
  inspect         print and verify segment and journal files
  token           make, hash and list credentials for the token file
  bucket          list, verify, migrate and rebuild what lies in an object store
  canary          write, read back, and count what is missing
  doctor          check whether this machine is fit for a configuration
  completion      print what bash, zsh or fish need to complete commands

Examples
  journalctl -f | skald push --label job=journal
  skald query --since=2h '{job="journal"} |= "error"'
  skald query --step=1m -o chart 'sum(rate({job="journal"}[5m]))'

More
  skald help <command>      flags and examples of a command
  skald help connection     server, tenant, TLS, retries: LOKI_ADDR …
  skald help output         rare flags of output, downloads in parts
  skald help exit-codes     (and canary-flags)
`;
}

export function connectionHelpText(): string {
  const rows = connectionFlags.map(({ flags, env, text }) => [`  ${flags}`, env, text]);
  return `Which server, and as whom: flags of every command, or the environment.

${tableLines(rows).join("\n")}

Examples
  export LOKI_ADDR=https://logs.example.org LOKI_ORG_ID=team-a
  skald labels
  skald query --addr=http://localhost:3100 --retries=5 '{app="checkout"}'
`;
}

export function outputHelpText(): string {
  const rows = rareOutputFlags.map(([flags, text]) => [`  ${flags}`, text]);
  return `What is printed how: query, instant-query, tail and context take these, too.

  -T, --output-timestamp-format <name>
      ${timestampFormats.slice(0, 4).join(", ")},
      ${timestampFormats.slice(4).join(", ")}
${tableLines(rows).join("\n")}

Large downloads of skald query, in parts
  --parallel-duration <duration>  split the range into parts of this length (1h)
  --parallel-max-workers <n>      parts that are asked for at a time (1)
  --part-path-prefix <path>       each part into a file; complete ones stay
  --overwrite-completed-parts     fetch them again
  --merge-parts                   print the files in order, then remove them
  --keep-parts                    do not remove them

Piped lines
  --stdin-format=jsonl            with --stdin: what skald export writes

Examples
  skald query -T stampmilli --include-label=pod '{app="checkout"}'
  skald query --since=1d --limit=0 --parallel-max-workers=4 \\
      --part-path-prefix=/tmp/q --merge-parts '{app="checkout"}' > day.log
`;
}

export function exitCodesHelpText(): string {
  return `Exit codes
  0    done; also when the reader left (| head), or Ctrl-C ended a tail
  1    query, server or data are at fault; what was printed may be incomplete
  2    the command line is at fault; nothing was done
  130  Ctrl-C
`;
}
