import { connectionFlags } from "./connection.ts";
import { tableLines } from "./table-lines.ts";

/** What `skald`, `skald help` and `skald -h` print: one screen. */
export function topLevelHelp(): string {
  return `Skald keeps logs: labels are indexed, lines compressed, asked in LogQL over Loki's API.

Server
  skald                                   start with defaults: port 3100, data in ./data
  skald serve -config.file=skald.yaml     start with a configuration (Loki's keys and flags)
  skald -help                             all flags of the server
  skald -version

Commands (against a Skald or a Loki; flags and environment are LogCLI's)
  query           print the entries, or the series, of a range of time
  instant-query   print the value of a metric query at one moment
  tail            print new entries as they arrive
  push            send files or standard input
  labels          print names of labels, or the values of one
  series          print the streams that match
  stats           print bytes, streams and entries of a selector
  volume          print the bytes of each series (volume-range: over time)
  detected-fields print the fields found in lines
  delete          ask for entries to be deleted; list and cancel such requests
  retention       print what retention would take, when and why
  rules           check, test, compare and upload rules: alerts, recorded series
  fmt             print a query broken into lines
  inspect         print and verify segment and journal files
  token           make, hash and list credentials for the token file
  bucket          list, verify, migrate and rebuild what lies in an object store
  canary          write, read back, and count what is missing, for as long as it runs
  doctor          check whether this machine is fit for a configuration

Examples
  journalctl -f | skald push --label job=journal
  skald query --since=2h '{job="journal"} |= "error"'
  skald query --step=1m 'sum(rate({job="journal"}[5m]))'
  skald tail '{job="journal"}'

More
  skald help <command>        flags and examples of a command
  skald help connection       server, tenant, TLS, retries: LOKI_ADDR, LOKI_ORG_ID …
  skald help exit-codes
`;
}

export function connectionHelpText(): string {
  const rows = connectionFlags.map(({ flags, env, text }) => [`  ${flags}`, env, text]);
  return `Which server, and as whom: every command takes these flags, or the environment variables.

${tableLines(rows).join("\n")}

Examples
  export LOKI_ADDR=https://logs.example.org LOKI_ORG_ID=team-a
  skald labels
  skald query --addr=http://localhost:3100 --retries=5 '{app="checkout"}'
`;
}

export function exitCodesHelpText(): string {
  return `Exit codes
  0    done; also when the reader of the output left (| head), or Ctrl-C ended a tail
  1    the query, the server or the data is at fault; what was printed may be incomplete
  2    the command line is at fault; nothing was done
  130  Ctrl-C
`;
}
