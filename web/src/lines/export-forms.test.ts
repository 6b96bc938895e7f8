import assert from "node:assert/strict";
import { test } from "node:test";
import { type DownloadForm, ExportConverter, timeText } from "./export-forms.ts";

function entry(line: string, parsed: Record<string, string> = {}): string {
  const stream = { app: "shop" };
  const timestamp = "1768003200123456789";
  return `${JSON.stringify({ timestamp, stream, structuredMetadata: {}, parsed, line })}\n`;
}

function convert(form: DownloadForm, text: string, columns: readonly string[] = []) {
  const converter = new ExportConverter(form, columns);
  let file = "";
  for (const char of text) file += converter.convert(char);
  return { file: file + converter.finish(), converter };
}

test("text has the time and the line", () => {
  const { file, converter } = convert("text", entry("a") + entry("b"));
  assert.equal(file, "2026-01-10T00:00:00.123456789Z a\n2026-01-10T00:00:00.123456789Z b\n");
  assert.equal(converter.lines, 2);
});

test("NDJSON is what the server sent", () => {
  assert.equal(convert("ndjson", entry("a")).file, entry("a"));
});

test("a table has a head, chosen columns, quotes where they are needed, no formulas", () => {
  const { file } = convert("csv", entry('say "hi", you', { level: "info" }) + entry("=1+1"), [
    "level",
  ]);
  assert.deepEqual(file.split("\r\n"), [
    "time,timestamp_ns,labels,level,line",
    '2026-01-10T00:00:00.123456789Z,1768003200123456789,"{""app"":""shop""}",info,"say ""hi"", you"',
    '2026-01-10T00:00:00.123456789Z,1768003200123456789,"{""app"":""shop""}",,\'=1+1',
    "",
  ]);
});

test("nothing found is a table with a head", () => {
  assert.equal(convert("csv", "").file, "time,timestamp_ns,labels,line\r\n");
});

test("an error at the end is told, and not in the file", () => {
  const { file, converter } = convert("ndjson", `${entry("a")}{"error":"too large"}\n`);
  assert.equal(file, entry("a"));
  assert.equal(converter.failure, "too large");
});

test("warnings are told", () => {
  assert.deepEqual(convert("text", '{"warning":"part missing"}').converter.warnings, [
    "part missing",
  ]);
});

test("times before 2001 have fewer digits", () => {
  assert.equal(timeText("1"), "1970-01-01T00:00:00.000000001Z");
});
