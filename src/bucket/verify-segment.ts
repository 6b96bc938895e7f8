import { isStoreError } from "#base";
import type { ObjectInfo } from "#objectstore";
import { decodeFooter, inspectSegment, parseSegmentKey } from "#segment";
import type { BucketPlace } from "./bucket.ts";
import { faultOf, offsetIn } from "./index-files.ts";
import type { BucketFinding } from "./verify.ts";

/** Reads one segment whole: all checksums, and that it is what its key says. */
export async function verifySegment(
  place: BucketPlace,
  { key, sizeBytes }: ObjectInfo,
  signal: AbortSignal,
): Promise<BucketFinding[]> {
  const findings: BucketFinding[] = [];
  const report = (text: string, offset = offsetIn(text)): void => {
    findings.push({ severity: "damage", what: "segment", place: place.name, key, offset, text });
  };
  const named = parseSegmentKey(key);
  const expectedBytes = named.bodyBytes + named.footerBytes;
  if (sizeBytes !== expectedBytes) {
    report(
      `${sizeBytes} bytes, but its key says ${expectedBytes}`,
      Math.min(sizeBytes, expectedBytes),
    );
    return findings;
  }
  try {
    const bytes = await place.objects.get(key, { signal });
    for (const problem of inspectSegment(key, bytes).problems) report(problem);
    const { bodyBytes } = named;
    const { info } = decodeFooter({ name: key, bytes: bytes.subarray(bodyBytes), bodyBytes });
    const pairs = [
      ["tenant", info.tenant, named.tenant],
      ["day", info.day, named.day],
      ["id", info.id, named.id],
      ["number of replaced segments", info.replaces.length, named.replacesCount],
    ] as const;
    for (const [what, found, wanted] of pairs) {
      if (found !== wanted) report(`the footer's ${what} is ${found}, not ${wanted}`, bodyBytes);
    }
  } catch (error) {
    // Merged since it was listed: what is in it is in another by now.
    if (isStoreError(error, "missing")) return [];
    const text = faultOf(error);
    if (findings.every((finding) => finding.text !== text)) report(text);
  }
  return findings;
}
