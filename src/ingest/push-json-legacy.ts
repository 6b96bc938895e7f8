import { RequestError } from "#base";
import type { LabelsOfObject } from "./push-json.ts";
import { JsonPush, readMetadata, readRequest } from "./push-json.ts";
import { type DecodedPush, epochSecondsMax } from "./push-columns.ts";
import type { StreamLabels } from "./validate-labels.ts";

/**
 * The form of `/api/prom/push`: `{"streams":[{"labels":"{…}","entries":[{"ts":"<RFC
 * 3339>","line":"…"}]}]}`. `labelsOf` gets the label text. Overwrites `bytes` and keeps them, see
 * `decodeJsonPush`.
 */
export function decodeLegacyJsonPush(bytes: Buffer, labelsOf: LabelsOfObject): DecodedPush {
  const push = new JsonPush(bytes);
  readRequest(push, () => readStream(push, labelsOf));
  return push.build();
}

function readStream(push: JsonPush, labelsOf: LabelsOfObject): void {
  const { reader, rows } = push;
  const fromRow = rows.rowCount;
  let labels: StreamLabels | undefined;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    const key = reader.keyText();
    if (key === "labels") {
      if (reader.tryNull()) continue;
      reader.string();
      labels = labelsOf(reader.bytes, reader.from, reader.to);
    } else if (key === "entries") {
      readEntries(push);
    } else {
      reader.skip();
    }
  }
  if (rows.rowCount === fromRow) return;
  labels ??= labelsOf(reader.bytes, 0, 0);
  push.streams.push({ labels, fromRow, toRow: rows.rowCount });
}

function readEntries(push: JsonPush): void {
  const { reader } = push;
  if (reader.tryNull()) return;
  reader.expect(0x5b);
  for (let first = true; reader.more(0x5d, first); first = false) {
    if (!reader.tryNull()) readEntry(push);
  }
}

function readEntry(push: JsonPush): void {
  const { reader, rows } = push;
  const row = rows.add();
  rows.epochSeconds[row] = rows.nanos[row] = 0;
  rows.lineStarts[row] = rows.lineEnds[row] = 0;
  rows.metadataOfRow[row] = 0;
  reader.expect(0x7b);
  for (let first = true; reader.more(0x7d, first); first = false) {
    const key = reader.keyText();
    if (key === "ts") {
      const at = parseRfc3339(reader.text());
      rows.epochSeconds[row] = at.seconds;
      rows.nanos[row] = at.nanos;
    } else if (key === "line") {
      reader.string();
      rows.lineStarts[row] = reader.from;
      rows.lineEnds[row] = reader.to;
    } else if (key === "structuredMetadata" && reader.peek() === 0x7b) {
      rows.metadataOfRow[row] = readMetadata(push);
    } else {
      reader.skip();
    }
  }
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/;

function parseRfc3339(text: string): { readonly seconds: number; readonly nanos: number } {
  const parts = rfc3339.exec(text);
  const ms = parts === null ? Number.NaN : Date.parse(`${parts[1]}${parts[3]}`);
  if (parts === null || Number.isNaN(ms) || Math.abs(ms) > epochSecondsMax * 1000) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new RequestError(
      400,
      `parsing time ${shown} as "2006-01-02T15:04:05Z07:00": cannot parse ${shown} as "2006"`,
    );
  }
  const nanos = Number((parts[2] ?? "").slice(0, 9).padEnd(9, "0"));
  return { seconds: ms / 1000, nanos };
}
