// The whole result of a log query as a file: read from the export route piece by piece, written in the
// form wanted. With the browser's file access it goes straight to disk; else it is gathered first.
import { ApiError, ask } from "../api/client.ts";
import { nsOf } from "../api/questions.ts";
import type { TimeRange } from "../api/types.ts";
import { type DownloadForm, ExportConverter } from "./export-forms.ts";

export interface DownloadQuestion {
  readonly query: string;
  readonly range: TimeRange;
  readonly direction: "forward" | "backward";
  readonly form: DownloadForm;
  readonly columns: readonly string[];
}

export interface DownloadProgress {
  readonly lines: number;
  /** Of the file so far. */
  readonly bytes: number;
}

/** Without file access all is held by the browser before it is saved; more than this is refused. */
export const gatheredBytesMax: number = 2 ** 31;

const extensions: Readonly<Record<DownloadForm, string>> = {
  ndjson: "ndjson",
  csv: "csv",
  text: "log",
};
const types: Readonly<Record<DownloadForm, string>> = {
  ndjson: "application/x-ndjson",
  csv: "text/csv",
  text: "text/plain",
};

interface Target {
  write(piece: Uint8Array<ArrayBuffer>): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

/** Resolves with what the server warned of when the file is complete; rejects when it is not. */
export async function download(
  question: DownloadQuestion,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { query, range, direction, form } = question;
  const target = await openTarget(form);
  try {
    const answer = await ask("skald/api/v1/export", {
      query: { query, start: nsOf(range.fromMs), end: nsOf(range.toMs), direction },
      signal,
    });
    const converter = new ExportConverter(form, question.columns);
    let bytes = 0;
    for await (const text of textsOf(answer)) {
      const piece = new TextEncoder().encode(converter.convert(text));
      bytes += piece.length;
      await target.write(piece);
      onProgress({ lines: converter.lines, bytes });
    }
    await target.write(new TextEncoder().encode(converter.finish()));
    if (converter.failure !== "") throw new ApiError(0, converter.failure);
    await target.finish();
    return converter.warnings;
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

async function* textsOf(answer: Response): AsyncGenerator<string> {
  if (answer.body === null) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel();
  }
}

interface WritableFile {
  createWritable(): Promise<{
    write(piece: Uint8Array<ArrayBuffer>): Promise<void>;
    close(): Promise<void>;
    abort(): Promise<void>;
  }>;
}

type SavePicker = (options: { suggestedName: string }) => Promise<WritableFile>;

async function openTarget(form: DownloadForm): Promise<Target> {
  const moment = new Date().toISOString().slice(0, 19).replace(/[:]/g, "-");
  const suggestedName = `logs-${moment}.${extensions[form]}`;
  const picker = (globalThis as { showSaveFilePicker?: SavePicker }).showSaveFilePicker;
  if (picker === undefined) return gatheringTarget(suggestedName, types[form]);
  const file = await (await picker({ suggestedName })).createWritable();
  return {
    write: (piece) => file.write(piece),
    finish: () => file.close(),
    abandon: () => file.abort(),
  };
}

function gatheringTarget(name: string, type: string): Target {
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  return {
    write: (piece) => {
      bytes += piece.length;
      if (bytes > gatheredBytesMax) {
        throw new ApiError(
          0,
          "More than 2 GiB: this browser cannot save that; use `skald export`.",
        );
      }
      pieces.push(piece);
      return Promise.resolve();
    },
    finish: () => {
      const url = URL.createObjectURL(new Blob(pieces, { type }));
      const link = document.createElement("a");
      link.href = url;
      link.download = name;
      link.click();
      // The browser has begun to read it by then.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      return Promise.resolve();
    },
    abandon: () => {
      pieces = [];
      return Promise.resolve();
    },
  };
}
