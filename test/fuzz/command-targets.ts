/** What the commands read: answers of servers, frames of a tail, lines to push, states of exports. */
import { Labels } from "#model";
import { readQueryAnswer } from "../../src/cli/answers.ts";
import { parseMoment } from "../../src/cli/arguments.ts";
import {
  joinedEntry,
  readCategorizedStreams,
  readEntryObject,
} from "../../src/cli/categorized-entries.ts";
import { CliError } from "../../src/cli/cli-error.ts";
import { ExportFile } from "../../src/cli/export-file.ts";
import { readJsonl } from "../../src/cli/push-jsonl.ts";
import { readSamples, shortNumber } from "../../src/cli/sample-series.ts";
import { TailPosition } from "../../src/cli/tail-position.ts";
import { SimulatedDisk } from "#world";
import { isClass, mayReject, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";

const jsonWords = ["null", "[]", "{}", "-1", "1e400", '"x"', '"__proto__":', "true", '["1","y"]'];
const isCliError = isClass(CliError);

function readAnswers(bytes: Buffer): void {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return;
  }
  mayThrow(isCliError, () => {
    const answer = readQueryAnswer(json);
    if (answer.kind === "streams") new TailPosition(0n).take(answer.entries);
    else {
      for (const { points } of readSamples(answer.result)) {
        for (const { value } of points) shortNumber(value);
      }
    }
  });
  mayThrow(isCliError, () => readCategorizedStreams(json).map(joinedEntry));
  mayThrow(isCliError, () => joinedEntry(readEntryObject(json)));
}

async function readExport(bytes: Buffer): Promise<void> {
  const files = new SimulatedDisk();
  await files.makeFolder("/x");
  for (const [path, content] of [
    ["/x/out", Buffer.from("a\n")],
    ["/x/out.resume", bytes],
  ] as const) {
    await using file = await files.open(path, { create: true, exclusive: true });
    await file.write([content], 0);
  }
  const asked = { question: { query: "q" }, fromNs: 1n, toNs: 2n, overwrite: false };
  await mayReject(isCliError, async () => {
    await using file = await ExportFile.open(files, "/x/out", asked);
    await file.append("b\n", { entryCount: 1, next: undefined });
  });
}

export const commandTargets: readonly FuzzTarget[] = [
  {
    name: "server-answers",
    seeds: texts(
      '{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["1","x",{"structuredMetadata":{"k":"v"}}]]}],"stats":{}},"warnings":["w"]}',
      '{"data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"2"],[2,"+Inf"]]}]}}',
      '{"data":{"resultType":"scalar","result":[1,"2"]}}',
      '[{"stream":{},"values":[["1","x"]]}]',
      '{"timestamp":"1","line":"x","stream":{"a":"b"},"parsed":{"a":"c"}}',
    ),
    words: jsonWords,
    run: readAnswers,
  },
  {
    name: "jsonl",
    seeds: texts(
      '{"labels":{"a":"b","k":"v"},"line":"x","timestamp":"2026-01-10T00:00:00.5Z","structuredMetadata":{"m":"n"}}',
      '{"line":"x","timestamp":"-1"}',
    ),
    words: jsonWords,
    run: (bytes) => {
      const text = bytes.toString();
      const labels = Labels.from({ job: "j" });
      const options = { metadataNames: new Set(["k"]), labels, added: labels };
      mayThrow(isCliError, () => readJsonl(text, options));
      parseMoment(text, 5n);
    },
  },
  {
    name: "export-state",
    seeds: texts(
      '{"question":{"query":"q"},"fromNs":"1","toNs":"2","sizeBytes":2,"entryCount":1,"next":{"fromNs":"1"}}',
    ),
    words: jsonWords,
    run: readExport,
  },
];
