import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { Icon } from "../app/icons.tsx";
import { Popover } from "../app/popover.tsx";
import { isAbort, reasonOf } from "../api/client.ts";
import type { TimeRange } from "../api/types.ts";
import { formatBytes, formatCount } from "../state/format.ts";
import { say } from "../state/toasts.ts";
import { columns } from "./display.ts";
import { download, type DownloadProgress } from "./download.ts";
import { type DownloadForm, downloadForms } from "./export-forms.ts";

interface DownloadButtonProps {
  readonly query: string;
  readonly range: TimeRange;
  readonly direction: "forward" | "backward";
}

const names: Readonly<Record<DownloadForm, readonly [name: string, what: string]>> = {
  ndjson: ["NDJSON", "a JSON object a line, with labels and metadata"],
  csv: ["CSV", "a table with the chosen columns"],
  text: ["Text", "time and line"],
};

/** Takes the whole result away, not just what is loaded. */
export function DownloadButton({ query, range, direction }: DownloadButtonProps): JSX.Element {
  const progress = useSignal<DownloadProgress | undefined>(undefined);
  const running = useRef<AbortController | undefined>(undefined);
  const begin = async (form: DownloadForm): Promise<void> => {
    const ended = new AbortController();
    running.current = ended;
    progress.value = { lines: 0, bytes: 0 };
    const question = { query, range, direction, form, columns: columns.peek() };
    try {
      const warnings = await download(question, (now) => (progress.value = now), ended.signal);
      const { lines, bytes } = progress.value;
      say(`Downloaded ${formatCount(lines)} lines, ${formatBytes(bytes)}`);
      for (const warning of warnings) say(warning, "failure");
    } catch (error) {
      if (isAbort(error)) say("Download cancelled");
      else say(`Download failed: ${reasonOf(error)}`, "failure");
    } finally {
      progress.value = undefined;
    }
  };
  if (progress.value !== undefined) {
    return (
      <span class="download-running" role="status">
        {formatCount(progress.value.lines)} lines, {formatBytes(progress.value.bytes)}{" "}
        <button type="button" class="button" onClick={() => running.current?.abort()}>
          <Icon name="stop" /> Cancel download
        </button>
      </span>
    );
  }
  return (
    <Popover
      button={
        <>
          <Icon name="download" /> Download
        </>
      }
      label="Download"
      title="The whole result as a file"
    >
      {(close) => (
        <div class="download-forms">
          <p class="soft">All lines of the query, not just those loaded</p>
          {downloadForms.map((form) => (
            <button
              type="button"
              class="menu-button"
              key={form}
              onClick={() => {
                close();
                void begin(form);
              }}
            >
              <b>{names[form][0]}</b> <span class="soft">{names[form][1]}</span>
            </button>
          ))}
        </div>
      )}
    </Popover>
  );
}
