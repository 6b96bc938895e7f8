/** The doctor itself needs the server's rooms; its words are the command line's. */
export function doctorHelpText(): string {
  return `Usage: skald doctor [settings of the server] [--json]

Check whether this machine is fit to run Skald with a configuration:
configuration, runtime, memory, open files, folders and free space, time of
fdatasync, ports, every object store (put, get, list, delete of a small object)
and the clock. Says what to do about each fault. Writes only what it removes
again; may run beside the server.

Options:
  -config.file=<file>   and all other flags of the server
  --json                {"ok": …, "findings": [{"check", "status", "says",
                        "advice"}, …]}

Exit codes: 0 no errors (warnings may be there), 1 errors, 2 wrong command line

Examples:
  skald doctor -config.file=/etc/skald/skald.yaml
  skald doctor --json -config.file=skald.yaml -config.expand-env=true
`;
}
