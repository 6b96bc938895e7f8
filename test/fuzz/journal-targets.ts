/** What lies in the journal and beside it: records, files, lines of stored ranges. */
import assert from "node:assert/strict";
import { decodePushRecord, StoredRanges } from "#ingest";
import { openLocalJournal } from "#journal";
import { ManualClock, seededRandom, SimulatedDisk } from "#world";
import { inspectJournal } from "../../src/cli/inspect-journal.ts";
import { testDistributor } from "../../src/ingest/push-test-kit.ts";
import { encodeFileStart, encodeRecordHeader } from "../../src/journal/journal-format.ts";
import {
  decodeWriteRecord,
  encodeSentRecord,
  encodeWriteRecord,
} from "../../src/ruler/write-record.ts";
import { fileOf, isCorrupt, mayReject, mayThrow, texts } from "./allowed-errors.ts";
import type { FuzzTarget } from "./fuzzer.ts";
import { hexCrc, sealJournal, sealLines } from "./seals.ts";

const ns = "1768003201000000000";
const accepted = (line: string): Buffer =>
  Buffer.concat(
    testDistributor({ discoverLogLevels: true }).push({
      kind: "loki",
      contentType: "application/json",
      body: Buffer.from(
        `{"streams":[{"stream":{"app":"a"},"values":[["${ns}","${line}",{"a":"1"}]]}]}`,
      ),
    }).accepted!.record,
  );
const record = accepted("level=info x");

const fileStartBytes = 64;
const recordsOffset = 8192;
const secondHeaderOffset = 4096;

/** A journal file without what lies between its header and its records. */
function smallJournal(bodies: readonly Buffer[]): Buffer {
  const salt = 77;
  const start = encodeFileStart({
    fileNumber: 1,
    firstSequence: 1,
    followsSequence: 0,
    runId: 5n,
    createdNs: 6n,
    salt,
  });
  const parts = [start.subarray(0, fileStartBytes)];
  for (const [i, body] of bodies.entries()) {
    const header = { sequence: i + 1, durableSequence: i, bodyBytes: body.length, bodyCrc: 0 };
    const padding = Buffer.alloc((8 - (body.length % 8)) % 8);
    parts.push(encodeRecordHeader(header, salt), body, padding);
  }
  return sealJournal(Buffer.concat(parts));
}

function wholeJournal(small: Buffer): Buffer {
  const start = Buffer.alloc(recordsOffset);
  small.copy(start, 0, 0, fileStartBytes);
  small.copy(start, secondHeaderOffset, 0, fileStartBytes);
  return Buffer.concat([start, small.subarray(fileStartBytes)]);
}

async function replay(bytes: Buffer): Promise<void> {
  const files = new SimulatedDisk();
  await files.makeFolder("/wal");
  await write(files, "/wal/0000000001.journal", bytes);
  const [clock, random] = [new ManualClock({ nowMs: 0 }), seededRandom(1)];
  await mayReject(isCorrupt, async () => {
    const journal = await openLocalJournal({ files, clock, random, folder: "/wal" });
    let last = 0;
    for await (const { body, sequence } of journal.replay(journal.firstSequence)) {
      assert.ok(sequence > last, `record ${sequence} after ${last}`);
      last = sequence;
      mayThrow(isCorrupt, () => decodePushRecord(body));
    }
    await journal.append([Buffer.from("new")], () => undefined);
    await journal.close();
  });
  await mayReject(isCorrupt, () => inspectJournal("0000000001.journal", bytes));
}

async function write(files: SimulatedDisk, path: string, bytes: Buffer): Promise<void> {
  await using file = await files.open(path, { create: true, exclusive: true });
  await file.write([bytes], 0);
}

const rangeLine = (text: string): string => `${text} ${hexCrc(text)}\n`;

export const journalTargets: readonly FuzzTarget[] = [
  {
    name: "journal-file",
    seeds: [
      smallJournal([record, Buffer.alloc(0), accepted("y")]),
      smallJournal([Buffer.from("SRECSREC"), record]),
      Buffer.concat([smallJournal([record]), Buffer.alloc(40)]),
    ],
    sealed: sealJournal,
    run: (small) => replay(wholeJournal(small)),
  },
  {
    name: "journal-whole-file",
    seeds: [fileOf("src/journal/testdata/version-1.journal").subarray(0, recordsOffset + 1024)],
    run: replay,
  },
  {
    name: "push-record",
    seeds: [record, Buffer.from("01016a050180808080080101", "hex")],
    run: (bytes) => mayThrow(isCorrupt, () => decodePushRecord(bytes)),
  },
  {
    name: "stored-ranges",
    seeds: texts(
      rangeLine("0123 fake 20463 1 17") + rangeLine("0123 t 20463 9007199254740991 3"),
      rangeLine("0123 t x -1 NaN"),
      rangeLine("0123 t 1 2"),
    ),
    words: ["\n", " ", "-1", "1e400", "NaN", "0x10"],
    sealed: sealLines,
    run: async (bytes) => {
      const files = new SimulatedDisk();
      await files.makeFolder("/wal");
      await write(files, "/wal/stored", bytes);
      const options = { files, path: "/wal/stored", journalId: "0123", firstSequence: () => 1 };
      const ranges = await StoredRanges.open(options);
      for (const { fromSequence, toSequence } of ranges.of("fake", 20_463)) {
        assert.ok(Number.isSafeInteger(fromSequence) && Number.isSafeInteger(toSequence));
      }
      await ranges.add({ tenant: "fake", day: 1, fromSequence: 2, toSequence: 3 });
      assert.equal((await StoredRanges.open(options)).of("fake", 1).length > 0, true);
    },
  },
  {
    name: "remote-write-queue",
    seeds: [
      Buffer.concat(
        encodeWriteRecord({
          tenant: "t",
          client: "c",
          sampleCount: 1,
          timeMs: 2,
          body: Buffer.from("x"),
        }),
      ),
      Buffer.concat(encodeSentRecord({ tenant: "t", client: "c", sentSequence: 3 })),
    ],
    run: (bytes) => {
      const read = mayThrow(isCorrupt, () => decodeWriteRecord(bytes, 1));
      // It becomes the number up to which records are dropped.
      if (read !== undefined && "sentSequence" in read) {
        assert.ok(Number.isSafeInteger(read.sentSequence), `sent up to ${read.sentSequence}`);
      }
    },
  },
];
