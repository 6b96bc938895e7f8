/** Samples in the journal of the remote writer. Bytes: docs/formats/remote-write-queue.md. */
import { StoreError } from "#base";

/** The first byte: samples, or "all up to this record were sent". */
const RecordKind = { Samples: 1, Sent: 2 } as const;
/** Kind, lengths of tenant and client, number of samples, time of the first one. */
const headerBytes = 1 + 2 + 2 + 4 + 8;

export interface WriteRecord {
  readonly tenant: string;
  /** The name of the remote write client in the configuration. */
  readonly client: string;
  readonly sampleCount: number;
  readonly timeMs: number;
  /** A whole WriteRequest, not compressed. */
  readonly body: Buffer;
}

/** What one endpoint took, or finally refused: it is not sent again after a restart. */
export interface SentRecord {
  readonly tenant: string;
  readonly client: string;
  /** The journal's number of the last record that is done. */
  readonly sentSequence: number;
}

export function encodeSentRecord({ tenant, client, sentSequence }: SentRecord): Uint8Array[] {
  const entry = { sampleCount: 0, timeMs: sentSequence, body: Buffer.alloc(0) };
  const [header, ...rest] = encodeWriteRecord({ tenant, client, ...entry });
  if (header !== undefined) header[0] = RecordKind.Sent;
  return header === undefined ? rest : [header, ...rest];
}

export function encodeWriteRecord(record: WriteRecord): Uint8Array[] {
  const tenant = Buffer.from(record.tenant);
  const client = Buffer.from(record.client);
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(RecordKind.Samples, 0);
  header.writeUInt16LE(tenant.length, 1);
  header.writeUInt16LE(client.length, 3);
  header.writeUInt32LE(record.sampleCount, 5);
  header.writeDoubleLE(record.timeMs, 9);
  return [header, tenant, client, record.body];
}

/** Keeps a copy of the body. Throws StoreError `corrupt`. */
export function decodeWriteRecord(bytes: Buffer, sequence: number): WriteRecord | SentRecord {
  const kind = bytes.length < headerBytes ? -1 : bytes.readUInt8(0);
  if (kind !== RecordKind.Samples && kind !== RecordKind.Sent) {
    throw new StoreError(
      "corrupt",
      `remote write record ${sequence}: expected kind 1 or 2, found ${kind}`,
    );
  }
  const tenantTo = headerBytes + bytes.readUInt16LE(1);
  const clientTo = tenantTo + bytes.readUInt16LE(3);
  if (clientTo > bytes.length) {
    throw new StoreError("corrupt", `remote write record ${sequence}: names go past its end`);
  }
  const tenant = bytes.toString("utf8", headerBytes, tenantTo);
  const client = bytes.toString("utf8", tenantTo, clientTo);
  if (kind === RecordKind.Sent) {
    const sentSequence = bytes.readDoubleLE(9);
    if (Number.isSafeInteger(sentSequence)) return { tenant, client, sentSequence };
    const what = `expected the number of a record, found ${sentSequence}`;
    throw new StoreError("corrupt", `remote write record ${sequence}: ${what}`);
  }
  return {
    tenant,
    client,
    sampleCount: bytes.readUInt32LE(5),
    timeMs: bytes.readDoubleLE(9),
    body: Buffer.from(bytes.subarray(clientTo)),
  };
}
